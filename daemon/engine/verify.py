"""Comparing every actor with what it must be, from definitions, events and deploys alone.

Of one actor, in this order: its values and its events on the disk are authentic; its events follow one another from
its spawn to where it stands; and all that reads say of it, every decision included, is what ``expected`` makes of those
events. The last is asked only when there is a history to go by, so that a difference names the damage and not what
follows from it.

Beside the actors, an audit adds up the tables: rows that are gone, or older than they should be, are missed by nobody
else. It goes on with every page, and the last page tells what it found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from statekeep.daemon.engine import records, views
from statekeep.daemon.engine.actors import MAX_PAGE, page_size
from statekeep.daemon.engine.expected import Event, Expected, Unexpected, Verdict, Versions, expect, log_of
from statekeep.daemon.engine.planning import OUTCOMES
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.fingerprint import fingerprint
from statekeep.daemon.store import Finding, StorageError
from statekeep.protocol.messages import Verify
from statekeep.protocol.records import Decision, Difference, Suspect, VerifyPage

LOOKED_AT = 128
"""Events that one request looks at, spawns included: some 10 ms. It looks at more only if one actor has more."""


ADDED_UP = 2_048
"""Rows of the tables that one request adds up: some 3 ms."""


def verify(world: World, request: Verify) -> VerifyPage:
    """Look at the next actors, as many as fit into a few milliseconds, and go on with the audit."""
    if request.cursor == 0 or world.audit is None:
        world.audit = world.store.audit()
    world.audit.step(ADDED_UP)
    limit, everyone = page_size(request.limit), bytearray(b"\0" + b"\1" * len(world.cohorts))
    differences: list[Difference] = []
    actor, looked_at, events = request.cursor, 0, 0
    for actor in world.actors.above(request.cursor, everyone, limit):
        differences += _look_at(world, actor)
        looked_at += 1
        events += 1 + world.histories.depth[world.cohorts.history[world.actors.cohort[actor]]]
        if events >= LOOKED_AT:
            break
    if world.actors.above(actor, everyone, 1):
        return VerifyPage(looked_at=looked_at, differences=differences, next=actor)
    if not world.audit.done:
        # An id that leads no further: 0 would begin anew.
        return VerifyPage(looked_at=looked_at, differences=differences, next=max(actor, 1))
    differences += map(_missed, world.audit.findings())
    return VerifyPage(looked_at=looked_at, differences=differences)


def _missed(finding: Finding) -> Difference:
    """What the audit has found, said of the actor if it is one's row."""
    if finding.table == "actors" and finding.row:
        # One that is there and not what it was is not a matter of numbers.
        numbers = (finding.rows, finding.expected) if finding.rows != finding.expected else (None, None)
        return Difference(actor=finding.row[0], what="evidence", found=numbers[0], expected=numbers[1])
    found = {"table": finding.table, "rows": finding.rows} | ({"row": list(finding.row)} if finding.row else {})
    return Difference(actor=0, what="evidence", found=found, expected={"rows": finding.expected})


def pages(world: World) -> Iterator[VerifyPage]:
    """All actors, page by page."""
    page = VerifyPage(looked_at=0, differences=[], next=0)
    while page.next is not None:
        page = verify(world, Verify(cursor=page.next, limit=MAX_PAGE))
        yield page


def _look_at(world: World, actor: int) -> Iterator[Difference]:
    try:
        yield from Account(world, actor).differences()
    except StorageError:
        raise
    except Exception as fault:  # noqa: BLE001 - what reading makes of senseless rows is a finding about them
        yield Difference(actor=actor, what="record", found=type(fault).__name__)


class Account:
    """What is on record of one actor, and what is wrong with it."""

    def __init__(self, world: World, actor: int) -> None:
        self._world = world
        self._actor = actor
        self._key: str | None = None
        self._spawned_on, self._cohort, self._last = world.store.records.head(actor)
        self._rows = world.store.records.events(self._last)

    def differences(self) -> Iterator[Difference]:
        """All that differs."""
        damage = list(self._damage())
        yield from damage
        if any(found.what == "seal" for found in damage):
            return
        broken = next(self._breaks(), None)
        if broken is not None:
            yield broken
            return
        yield from self._displacement()
        try:
            expected = self._expect()
        except Unexpected as problem:
            event_type = self._world.symbols.names[problem.event.symbol]
            yield self._differs("event", problem.event.position, event_type, problem.accepted)
            return
        types = [self._world.symbols.names[symbol] for symbol in expected.history]
        yield from self._standing(expected, types)
        yield from self._decisions(expected, types)

    def _expect(self) -> Expected:
        world, symbol_at, node_of = self._world, self._world.histories.symbol, self._world.cohorts.history
        spawn, *later = self._rows
        events = [Event(row.position, symbol_at[node_of[row.cohort]]) for row in later]
        versions = Versions(
            lambda version: world.forest.table(version).chart,
            world.symbols.names.__getitem__,
            world.forest.state_map,
        )
        log = log_of(world.forest.routes.below(self._spawned_on))
        return expect(versions, self._spawned_on, spawn.position, events, log)

    def _differs(self, what: Suspect, position: int = 0, found: Any = None, expected: Any = None) -> Difference:
        return Difference(
            actor=self._actor, key=self._key, what=what, position=position, found=found, expected=expected
        )

    def _damage(self) -> Iterator[Difference]:
        """Values that are not as they were written; and whether the key leads to the actor."""
        records = self._world.store.records
        damage = list(self._world.store.examiner.damage(self._actor, [row.position for row in self._rows]))
        if not {"data_key", "key", "seal"} & {found.what for found in damage}:
            self._key = records.key_of(self._actor)
            if self._key is not None and (holder := records.find_actor(self._key)) != self._actor:
                yield self._differs("lookup", found=holder, expected=self._actor)
        yield from (self._differs(what, position) for what, position in damage)

    def _breaks(self) -> Iterator[Difference]:
        """Where the events do not follow one another: each must make the history before it longer by one."""
        if not self._rows:
            yield self._differs("history", self._last, expected=["**"])
        before, node_of, parent_of = 0, self._world.cohorts.history, self._world.histories.parent
        for number, row in enumerate(self._rows):
            node = node_of[row.cohort]
            if (node == 0) != (number == 0) or parent_of[node] != before:
                expected = [*self._types(before), "*"] if number else []
                yield self._differs("history", row.position, self._types(node), expected)
            before = node

    def _types(self, node: int) -> list[str]:
        """The event types of a history."""
        return [self._world.symbols.names[symbol] for symbol in self._world.histories.symbols(node)]

    def _displacement(self) -> Iterator[Difference]:
        """Whether the actor stands where its last event led, on the disk and in memory."""
        led_to = self._rows[-1].cohort
        for cohort in {self._cohort, self._world.actors.cohort[self._actor]} - {led_to}:
            yield self._differs("cohort", self._last, cohort, led_to)

    def _standing(self, expected: Expected, types: Sequence[str]) -> Iterator[Difference]:
        """What a read of the actor says of it, beside what it must."""
        world = self._world
        found, cohort = views.describe(world, self._actor, self._key, 0), world.actors.cohort[self._actor]
        values: dict[Suspect, Any] = {
            "version": world.forest.name(expected.version),
            "state": expected.configuration.value,
            "status": expected.configuration.status,
            "events": len(types),
            "fingerprint": f"{fingerprint(types):016x}",
            "needs_rescue": expected.needs_rescue,
            "position": self._rows[-1].position,
        }
        different: list[Suspect] = [what for what, value in values.items() if getattr(found, what) != value]
        yield from (self._differs(what, found=getattr(found, what), expected=values[what]) for what in different)
        at = world.cohorts.standing(cohort)
        if not expected.finished and at.waiting != expected.waiting:
            yield self._differs("waiting", found=self._route(at.waiting), expected=self._route(expected.waiting))
        configuration = world.forest.configuration(at.version, at.configuration)
        if not different and configuration != expected.configuration:
            # Alike to look at; apart in what their history states have recorded.
            dump = world.forest.table(expected.version).chart.dump
            yield self._differs("state", found=dump(configuration), expected=dump(expected.configuration))

    def _route(self, child: int) -> str | None:
        return self._world.forest.name(child) if child else None

    def _decisions(self, expected: Expected, types: Sequence[str]) -> Iterator[Difference]:
        """The decisions on record beside those that must be, route by route."""
        times = {row.position: row.time for row in self._rows}
        by_route: dict[str, tuple[list[Decision], list[Decision]]] = {}
        stays = records.stays(self._world, self._spawned_on, self._rows)
        for found in records.made_in(self._world, self._actor, self._key, stays):
            by_route.setdefault(found.route, ([], []))[0].append(found)
        for verdict in expected.verdicts:
            wanted = self._decision(verdict, types, times)
            by_route.setdefault(wanted.route, ([], []))[1].append(wanted)
        for both in by_route.values():
            for one, other in zip_longest(*both):
                if one != other:
                    yield self._differs("decision", (one or other).position, one, other)

    def _decision(self, made: Verdict, types: Sequence[str], times: Mapping[int, int]) -> Decision:
        """A verdict as a read of the decisions must show it."""
        forest, route = self._world.forest, made.route
        moved, path = made.landing is not None, forest.path(route.child)
        return Decision(
            actor=self._actor,
            key=self._key,
            route=forest.name(route.child),
            outcome=OUTCOMES[made.outcome],
            version_before=forest.name(route.parent),
            version_after=forest.name(route.child) if moved else None,
            state_before=made.before.value,
            landing=None if made.landing is None else made.landing.value,
            skipped=made.skipped,
            events=made.events,
            fingerprint=f"{fingerprint(types[: made.events]):016x}",
            path=path,
            path_hash=f"{fingerprint(path):016x}",
            position=made.position,
            time=times[made.position] if made.position in times else self._world.deployments[made.position].time,
        )
