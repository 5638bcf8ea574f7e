"""Spawning actors and sending them events."""

from functools import partial
from typing import Any, cast

from msgspec import UNSET
from msgspec.structs import replace

from statekeep.daemon.engine.patching import patched
from statekeep.daemon.engine.repeats import once
from statekeep.daemon.engine.versions import DELIVERED
from statekeep.daemon.engine.views import accepted, describe
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.replaying import STUCK
from statekeep.daemon.routing.rule import Standing
from statekeep.daemon.statecharts import START, Limits, Unending, start_event
from statekeep.daemon.store import ActorRow, EventRow, Patched
from statekeep.protocol import errors
from statekeep.protocol.messages import ActorRef, Deliver, Send, Spawn
from statekeep.protocol.records import Actor, Sent, StateValue

MAX_NAME = 256
"""Bytes of an event type, of a version's name and of an actor's key: they are names, not data."""

MAX_PAGE = 1_000
"""Rows of one page: what is made and sent within a few milliseconds."""


def check_name(what: str, name: str) -> None:
    """Raises ``BadRequest`` for a name that is empty, too long or not printable."""
    if not name or len(name.encode()) > MAX_NAME or not name.isprintable():
        raise errors.BadRequest(
            f"The {what} {name[:40]!r} is no usable name.",
            hint=f"A name is 1 to {MAX_NAME} bytes of printable text.",
        )


def page_size(limit: int) -> int:
    """The rows of a page that was asked for with ``limit``. Raises ``BadRequest``."""
    if not 1 <= limit <= MAX_PAGE:
        raise errors.BadRequest(f"The limit is {limit}.", hint=f"Ask for 1 to {MAX_PAGE} rows, and for more by cursor.")
    return limit


def spawn(world: World, request: Spawn) -> Actor:
    """Start an actor on a version; the rule is applied to its empty history."""
    if request.idempotency_key is None:
        return _spawn(world, request)
    check_name("idempotency key", request.idempotency_key)
    # Kept without the context, which a repeat has with it.
    answer = once(world.repeats, 0, request, Actor, lambda asked: replace(_spawn(world, asked), context=None))
    return replace(answer, context=request.context)


def _spawn(world: World, request: Spawn) -> Actor:
    version = world.forest.version(request.version)
    if request.key is not None:
        check_name("key", request.key)
        if (holder := world.find_actor(request.key)) is not None:
            raise errors.KeyExists(request.key, holder)
    start = None if request.state is None else _start(world, version.id, request.state)
    position = world.next_position()
    cohort = world.cohorts.after_spawn.get(version.id)
    if cohort is None:
        standing = Standing(version.id, world.forest.table(version.id).initial)
        cohort = world.cohort_for(standing, 0, position, resumed=False)
        world.cohorts.after_spawn[version.id] = cohort
    actor = world.actors.add(cohort, position)
    world.store.writes.add_actor(ActorRow(actor, version.id, cohort, position, request.key, request.context))
    time = world.clock()
    world.store.writes.add_event(actor, 0, EventRow(position, cohort, time, None))
    if request.key is not None:
        world.remember_key(request.key, actor)
    if start is not None:
        world.touch(cohort)
        target = _next(world, cohort, start)
        assert target is not None, "the start was tried before anything changed"
        _move(world, actor, EventRow(world.next_position(), target, time, None))
    return describe(world, actor, request.key, time, request.context)


def _start(world: World, version: int, state: StateValue) -> str:
    """The event that starts an actor in ``state``, tried on the version to which open routes take it at once.

    Raises:
        UnknownState: that version has no such state.
    """
    standing = Standing(version, world.forest.table(version).initial)
    world.relations.settle(standing, 0, world.forest.routes, world.forest.table, resumed=False)
    chart = world.forest.table(standing.version).chart
    try:
        event = start_event(state)
    except ValueError as problem:
        raise errors.BadRequest(f"No actor can start there: {problem}.") from None
    check_name("state", event)
    try:
        if chart.step(world.forest.configuration(standing.version, standing.configuration), event).handled:
            return event
    except Unending:
        raise _unending(event) from None
    known = [node.path for node in chart.nodes if node.parent is not None and node.kind != "history"]
    raise errors.UnknownState(event.removeprefix(START), world.forest.name(standing.version), known)


def send(world: World, request: Send) -> Sent:
    """Process an event of the outside world. Raises ``ReservedEvent`` for one of the machine's own."""
    if request.event.startswith("xstate."):
        raise errors.ReservedEvent(request.event)
    return _once(world, request)


def deliver(world: World, request: Deliver) -> Sent:
    """Process an event that a timer or an invoked service has brought about. Raises ``NotInternal`` for any other."""
    if not request.event.startswith(DELIVERED):
        raise errors.NotInternal(request.event, DELIVERED)
    return _once(world, request)


def _once(world: World, request: Send | Deliver) -> Sent:
    """Process an event, unless it comes again under its idempotency key."""
    if request.idempotency_key is None:
        return _process(world, request)
    check_name("idempotency key", request.idempotency_key)
    return once(world.repeats, world.actor(request.actor), request, Sent, partial(_process, world))


def _process(world: World, request: Send | Deliver) -> Sent:
    """Process one event: step, record, route, in this order, and finality is judged last."""
    actor = world.actor(request.actor)
    world.store.records.prove(actor)
    cohort, cohorts = world.actors.cohort[actor], world.cohorts
    world.touch(cohort)
    if request.expect is not None and request.expect != (events := world.histories.depth[cohorts.history[cohort]]):
        raise errors.ActorMovedOn(request.actor, request.expect, events)
    if cohorts.standings.finished[cohorts.at[cohort]]:
        raise _finished(world, request.actor, cohort)
    payload, context = request.payload, cast(Any, UNSET)
    if request.context is not UNSET:
        # Before anything changes, since the patch may be refused.
        payload = Patched(payload, request.context)
        context = patched(world.store.records.actor(actor).context, request.context)
    target = _next(world, cohort, request.event)
    if target is None:
        if request.require:
            raise _not_accepted(world, request, cohort)
        return _sent(world, actor, cohort, handled=False)
    position = world.next_position()
    _move(world, actor, EventRow(position, target, world.clock(), payload))
    if context is not UNSET:
        world.store.writes.put_context(actor, context)
    return _sent(world, actor, target, handled=True, position=position, before=cohort)


def _next(world: World, cohort: int, event: str) -> int | None:
    """The cohort that ``event`` leads to from ``cohort``, remembered or worked out; ``None`` if it is not handled."""
    symbol = world.symbols.find(event)
    target = None if symbol is None else world.cohorts.after_event.get(cohort << 32 | symbol)
    return _step(world, cohort, event) if target is None else target


def _move(world: World, actor: int, event: EventRow) -> None:
    """Record the event that leads an actor to another cohort."""
    previous = world.actors.move(actor, event.cohort, event.position)
    world.store.writes.add_event(actor, previous, event)


def _finished(world: World, reference: ActorRef, cohort: int) -> errors.ActorFinished:
    version = world.cohorts.version(cohort)
    status = world.forest.configuration(version, world.cohorts.configuration(cohort)).status
    return errors.ActorFinished(reference, world.forest.name(version), status)


def _not_accepted(world: World, request: Send | Deliver, cohort: int) -> errors.EventNotAccepted:
    version = world.forest.name(world.cohorts.version(cohort))
    return errors.EventNotAccepted(request.actor, request.event, version, accepted(world, cohort))


def _step(world: World, cohort: int, event: str) -> int | None:
    """The cohort that ``event`` leads to from ``cohort``; ``None`` if it is not handled there."""
    cohorts = world.cohorts
    standing = cohorts.standing(cohort)
    before = standing.configuration
    check_name("event type", event)
    table = world.forest.table(standing.version)
    symbol = world.symbols.find(event)
    if symbol is None:
        # An event type that was never processed is not interned before it is: callers may send any text.
        try:
            step = table.chart.step(table.configurations[before], event)
        except Unending:
            raise _unending(event) from None
        if not step.handled and step.configuration == table.configurations[before]:
            return None
        symbol = world.symbols.intern(event)
    entry = table.next(before, symbol)
    if entry == STUCK:
        raise _unending(event)
    if entry == before << 1:
        return None
    node = cohorts.history[cohort]
    known, longer = len(world.histories), world.histories.grow(node, symbol)
    if longer == known:
        world.store.writes.add_history(longer, node, symbol)
    standing.configuration = entry >> 1
    target = world.cohort_for(standing, longer, world.position + 1, resumed=True)
    cohorts.remember(cohort, symbol, target)
    return target


def _unending(event: str) -> errors.LimitExceeded:
    return errors.LimitExceeded(
        f"The chain of eventless transitions after {event!r}", Limits().microsteps, "microsteps"
    )


def _sent(world: World, actor: int, cohort: int, *, handled: bool, position: int = 0, before: int = 0) -> Sent:
    cohorts = world.cohorts
    version_of, number = cohorts.standings.version, cohorts.at[cohort]
    version, left = version_of[number], version_of[cohorts.at[before]]
    configuration = world.forest.configuration(version, cohorts.standings.configuration[number])
    return Sent(
        id=actor,
        handled=handled,
        version=world.forest.name(version),
        state=configuration.value,
        status=configuration.status,
        events=world.histories.depth[cohorts.history[cohort]],
        position=position,
        migrated_from=world.forest.name(left) if left not in (0, version) else None,
    )
