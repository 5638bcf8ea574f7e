"""What happened: the events of an actor, and the decisions about actors and routes.

Decisions are facts about cohorts. An actor has the decisions of the cohorts that it was in, from when it was there:
those made before it came hold from its coming, those made while it stood there from when they were made. Two rules
pick them out. A decision counts only for an actor that stands on the route's parent at that time, in the configuration
that was judged: actors that reached the same cohort by way of another version never met that route, and those that a
state map had put elsewhere on the parent met it there. And a route that was decided for an actor is not decided again:
a cohort further on repeats what one before it said.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from msgspec import UNSET

from statekeep.daemon.engine import erasing
from statekeep.daemon.engine.actors import page_size
from statekeep.daemon.engine.planning import OUTCOMES
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.evaluator import Wanted
from statekeep.daemon.routing.rule import Outcome, Route
from statekeep.daemon.store import DamagedActor, DecisionRow, EventRow, Patched
from statekeep.protocol import errors
from statekeep.protocol.messages import Decisions, History
from statekeep.protocol.records import Decision, DecisionPage, EventRecord, HistoryPage

LOOKED_AT = 256
"""Actors that one request for decisions looks at: some 10 ms. Its page is short when few of them have any."""

LONG = 64
"""Events of a life that is kept for the next page: shorter ones are read as quickly as they are looked up."""

PAGE_BYTES = 1 << 20
"""Sealed payloads of one page of a history. A thousand of the largest would fill a gigabyte, which no client takes."""

_NOW = 2**63


class Decided(NamedTuple):
    """One decision as it holds for one actor."""

    row: DecisionRow
    position: int
    """When it came to hold: the deploy's position, or that of the event (or spawn) that brought the actor there."""
    time: int


class Stay(NamedTuple):
    """One event of an actor, or its spawn, and what was decided from then until the next."""

    event: EventRow
    version: int
    configuration: int
    """Where the event led to, after routing."""
    decisions: list[Decided]


def life(world: World, actor: int) -> list[Stay]:
    """An actor from its spawn until now. Raises ``DamagedActor``."""
    world.touch(world.actors.cohort[actor])
    world.store.records.prove(actor)
    last, changes = world.actors.last[actor], len(world.deployments)
    found: list[Stay] | None = world.lives.find(actor, last, changes)
    if found is None:
        found = list(stays(world, *world.store.records.life(actor)))
        if world.sweep is None and len(found) > LONG:
            world.lives.keep(actor, last, changes, found)
    return found


def stays(world: World, version: int, events: list[EventRow]) -> Iterator[Stay]:
    """What these events, the spawn on ``version`` first, say of an actor."""
    routes = list(world.forest.routes.below(version))
    by_cohort = _decisions(world, routes, events)
    configuration = world.forest.table(version).initial
    decided: dict[int, int] = {}
    symbol, history = world.histories.symbol, world.cohorts.history
    for event, until in pairwise(chain(events, [EventRow(_NOW, 0, 0, None)])):
        if history[event.cohort]:
            configuration = world.forest.table(version).next(configuration, symbol[history[event.cohort]]) >> 1
        arrived, decisions = (version, configuration), list[Decided]()
        for moment in _moments(by_cohort.get(event.cohort, ()), event.position, until.position):
            for found in _decide(world, by_cohort[event.cohort], (version, configuration), decided, moment):
                time = event.time if moment == event.position else world.deployments[moment].time
                decisions.append(Decided(found, moment, time))
                if found.outcome == Outcome.MIGRATED:
                    assert found.landing is not None
                    version, configuration = found.route, found.landing
            if moment == event.position:
                arrived = (version, configuration)
        yield Stay(event, *arrived, decisions)


def _decisions(world: World, routes: Iterable[Route], events: Iterable[EventRow]) -> dict[int, list[DecisionRow]]:
    """What was decided about ``routes`` for the cohorts that ``events`` led to, by cohort, in order of position."""
    cohorts = {event.cohort for event in events}
    found: dict[int, list[DecisionRow]] = {}
    for route in routes:
        for row in world.store.records.decisions(route.child, cohorts):
            found.setdefault(row.cohort, []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row.position)
    return found


def _moments(rows: Iterable[DecisionRow], arrival: int, until: int) -> list[int]:
    """When something may have been decided for an actor that was in a cohort from ``arrival`` to ``until``."""
    return sorted({max(row.position, arrival) for row in rows if row.position < until})


def _decide(
    world: World, rows: Iterable[DecisionRow], at: tuple[int, int], decided: dict[int, int], moment: int
) -> Iterator[DecisionRow]:
    """What of ``rows`` holds for an actor at this moment and is new to it; ``decided`` by route.

    ``at`` is its version and its configuration.
    """
    effective = {(row.route, row.before): row for row in rows if row.position <= moment}
    version, before_move = at
    todo = list(world.forest.routes.of(version))
    while todo:
        route = todo.pop(0)
        row = effective.get((route.child, before_move))
        before = decided.get(route.child)
        if row is None or row.outcome == before or not (before is None or Outcome(before).deferred):
            continue
        if route.closed and moment > route.closed:
            continue  # the cohort met the route while it was open; who comes later never does
        decided[route.child] = row.outcome
        yield row
        if row.outcome == Outcome.MIGRATED:
            assert row.landing is not None
            todo, before_move = list(world.forest.routes.of(route.child)), row.landing


def history(world: World, request: History) -> HistoryPage:
    """A page of the events that an actor has processed, oldest first."""
    limit, actor = page_size(request.limit), world.actor(request.actor)
    stays = life(world, actor)
    spawn, first = stays[0], request.cursor + 1
    page = _fitting(world, stays[first : first + limit])
    after = request.cursor + len(page)
    return HistoryPage(
        id=actor,
        spawned_on=world.forest.name(world.store.records.head(actor)[0]),
        spawned_at=spawn.event.time,
        events=[_event(world, actor, number, stay) for number, stay in enumerate(page, start=request.cursor + 1)],
        next=_after(after, len(stays) - 1),
    )


def _event(world: World, actor: int, number: int, stay: Stay) -> EventRecord:
    came = world.store.records.payload(actor, stay.event.position)
    if not isinstance(came, Patched):
        came = Patched(came, UNSET)
    return EventRecord(
        number=number,
        event=world.symbols.names[world.histories.symbol[world.cohorts.history[stay.event.cohort]]],
        payload=came.payload,
        context=came.context,
        version=world.forest.name(stay.version),
        state=world.forest.configuration(stay.version, stay.configuration).value,
        position=stay.event.position,
        time=stay.event.time,
    )


def _fitting(world: World, stays: Sequence[Stay]) -> Sequence[Stay]:
    """The first of some stays, as many as have no more than ``PAGE_BYTES`` of payloads; at least one, if there is."""
    room = PAGE_BYTES
    for count, stay in enumerate(stays):
        room -= world.store.records.payload_size(stay.event.position)
        if room < 0:
            return stays[: max(1, count)]
    return stays


def decisions(world: World, request: Decisions) -> DecisionPage:
    """A page of decisions: of one actor, in their order, or about one route, by actor."""
    limit = page_size(request.limit)
    if (request.actor is None) == (request.route is None):
        raise errors.BadRequest("Decisions are asked for by actor or by route.", "Name one of the two.")
    if request.actor is not None:
        actor = world.actor(request.actor)
        key = world.store.records.key_of(actor)
        found = [
            made
            for made in of_actor(world, actor, key)
            if _made_then(request, made) and request.outcome in (None, made.outcome)
        ]
        page = found[request.cursor : request.cursor + limit]
        return DecisionPage(decisions=page, next=_after(request.cursor + limit, len(found)))
    return _about_route(world, request, limit)


def _made_then(request: Decisions, made: Decision) -> bool:
    return (request.since or 0) <= made.time and (request.until is None or made.time < request.until)


def _after(cursor: int, count: int) -> int | None:
    return cursor if cursor < count else None


def _about_route(world: World, request: Decisions, limit: int) -> DecisionPage:
    assert request.route is not None
    number = world.forest.version(request.route).id
    route = world.forest.routes.by_child.get(number)
    if route is None:
        raise errors.BadRequest(
            f"No route leads to {request.route!r}: it has no parent.", "Name a version that was deployed with one."
        )
    # Who was ever judged by the route stood on its parent, and has only moved down since.
    versions = {route.parent, *(below.child for below in world.forest.routes.below(route.parent))}
    standings = world.cohorts.standings
    flags = standings.flags(lambda number: standings.version[number] in versions)
    found, damaged = list[Decision](), list[int]()
    actor = request.cursor
    candidates = Wanted(world.actors.standing, flags, _first_event(world, request), world.position + 1)
    for actor in world.actors.wanted(candidates, request.cursor + 1, LOOKED_AT):
        try:
            about = of_actor(world, actor, world.store.records.key_of(actor))
        except DamagedActor:
            damaged.append(actor)
            continue
        about = [made for made in about if made.route == request.route and _made_then(request, made)]
        if about and request.outcome in (None, about[-1].outcome):
            found.append(about[-1])
        if len(found) == limit:
            break
    after = actor if world.actors.wanted(candidates, actor + 1, 1) else None
    of_all = (request.outcome, request.since, request.until) == (None, None, None)
    erased = erasing.judged_by(world, route, request.cursor, after) if of_all else []
    if len(erased) > limit:
        after = erased[limit - 1].id
        found = [made for made in found if made.actor <= after]
        damaged = [actor for actor in damaged if actor <= after]
    return DecisionPage(decisions=found, erased=erased[:limit], damaged=damaged, next=after)


def _first_event(world: World, request: Decisions) -> int:
    """The position from which on everybody who is asked for had an event.

    A decision holds from a change of the routes or from one's own event: after the last change, only from those.
    """
    if request.since is None or any(change.time >= request.since for change in world.deployments.values()):
        return 0
    return world.store.records.first_since(request.since)


def of_actor(world: World, actor: int, key: str | None) -> list[Decision]:
    """Everything on record about one actor, deferrals included, in order."""
    return made_in(world, actor, key, life(world, actor))


def made_in(world: World, actor: int, key: str | None, stays: Iterable[Stay]) -> list[Decision]:
    """The decisions of a life."""
    return [_decision(world, actor, key, made, stay.event.cohort) for stay in stays for made in stay.decisions]


def _decision(world: World, actor: int, key: str | None, made: Decided, cohort: int) -> Decision:
    forest, row = world.forest, made.row
    route = forest.routes.by_child[row.route]
    node = world.cohorts.history[cohort]
    landing = None if row.landing is None else forest.configuration(route.child, row.landing).value
    path = forest.path(route.child)
    return Decision(
        actor=actor,
        key=key,
        route=forest.name(route.child),
        outcome=OUTCOMES[Outcome(row.outcome)],
        version_before=forest.name(route.parent),
        version_after=forest.name(route.child) if row.outcome == Outcome.MIGRATED else None,
        state_before=forest.configuration(route.parent, row.before).value,
        landing=landing,
        skipped=row.skipped,
        events=world.histories.depth[node],
        fingerprint=f"{world.histories.fingerprint[node]:016x}",
        path=path,
        path_hash=f"{route.path.hash:016x}",
        position=made.position,
        time=made.time,
    )
