"""Everything that the engine knows between two requests: the store, and in memory what a step needs at once.

The memory is a cache of the store and nothing more: a ``World`` is made from the store alone. Whatever changes
one changes the other in the same request; when a request fails half-way, both are thrown back to the last commit.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

from statekeep.daemon.engine import keeping
from statekeep.daemon.engine.lives import Lives
from statekeep.daemon.engine.repeats import Repeats
from statekeep.daemon.engine.versions import Forest
from statekeep.daemon.routing.cohorts import EVER, Census, Cohorts
from statekeep.daemon.routing.evaluator import Malformed, Wanted, by_id, census, scan, stand
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.relations import Relations
from statekeep.daemon.routing.rule import Judgement, Outcome, Standing
from statekeep.daemon.routing.sweep import Sweep
from statekeep.daemon.store import Audit, CohortRow, DamagedStore, DecisionRow, Store, TombstoneRow
from statekeep.protocol import errors
from statekeep.protocol.messages import ActorRef

CACHED_KEYS = 200_000
"""Actor keys whose ids are kept in memory; about 25 MB."""


class Symbols:
    """Event types as integers from 0, in the order in which they first occurred."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.names = list(store.catalogue.names())
        self._numbers = {name: number for number, name in enumerate(self.names)}

    def find(self, event_type: str) -> int | None:
        """The symbol of an event type that has occurred."""
        return self._numbers.get(event_type)

    def intern(self, event_type: str) -> int:
        """The symbol of an event type, from now on."""
        symbol = self._numbers.get(event_type)
        if symbol is None:
            symbol = self._numbers[event_type] = len(self.names)
            self.names.append(event_type)
            self._store.writes.add_name(symbol, event_type)
        return symbol

    def numbering(self) -> Callable[[str], int]:
        """The symbols that ``intern`` would give, without interning: for what may yet be refused."""
        new: dict[str, int] = {}

        def symbol_of(event_type: str) -> int:
            known = self._numbers.get(event_type)
            return new.setdefault(event_type, len(self.names) + len(new)) if known is None else known

        return symbol_of


class Population:
    """Where every actor is: its cohort (0 where there is no such actor) and the position of its last event, by id."""

    def __init__(self, heads: tuple[array[int], array[int]], last: int, cohorts: Cohorts) -> None:
        """``heads`` are the two, to be kept; ``last`` is the highest id that was given."""
        self.cohort, self.last = heads
        self._cohorts = cohorts
        self._standing = array("I")
        """Of each actor, as of ``_as_of``: looked up by way of the cohorts, a million take 20 ms."""
        self._as_of = -1
        self._reach(last)

    @property
    def standing(self) -> array[int]:
        """The number of the standing of each actor, by id; not to be kept."""
        if self._as_of != self._cohorts.put_anew:
            self._standing, self._as_of = stand(self, self._cohorts), self._cohorts.put_anew
        return self._standing

    def add(self, cohort: int, position: int) -> int:
        """The id of a new actor."""
        actor = len(self.cohort)
        self._reach(actor)
        self._cohorts.population[cohort] += 1
        self.cohort[actor], self.last[actor], self._standing[actor] = cohort, position, self._cohorts.at[cohort]
        return actor

    def move(self, actor: int, cohort: int, position: int) -> int:
        """Let an actor's event at ``position`` lead it to a cohort; the position of the event before."""
        cohorts = self._cohorts
        cohorts.population[self.cohort[actor]] -= 1
        cohorts.population[cohort] += 1
        self.cohort[actor], self._standing[actor] = cohort, cohorts.at[cohort]
        previous, self.last[actor] = self.last[actor], position
        return previous

    def remove(self, actor: int) -> None:
        """Let nobody have this id."""
        self._reach(actor)
        if cohort := self.cohort[actor]:
            self._cohorts.population[cohort] -= 1
        self.cohort[actor] = self.last[actor] = self._standing[actor] = 0

    def census(self, wanted: Wanted | None = None) -> Iterator[Census]:
        """How many actors stand alike, of those wanted or of all."""
        standings = self._cohorts.standings
        wanted = wanted or Wanted(self.standing, b"\0" + b"\1" * len(standings), 0, EVER)
        return standings.census(census(self, wanted))

    def _reach(self, actor: int) -> None:
        """Make the columns as long as this id needs."""
        for column in (self.cohort, self.last, self._standing):
            column.extend([0] * (actor + 1 - len(column)))

    def wanted(self, wanted: Wanted, start: int, limit: int, skip: int = 0) -> list[int]:
        """The first ``limit`` ids from ``start`` on of actors that are wanted, but for the first ``skip``."""
        return by_id(self, wanted, min(start, len(self.cohort)), limit, min(skip, len(self.cohort)))

    def above(self, cursor: int, flags: bytearray, limit: int) -> list[int]:
        """The first ``limit`` ids above ``cursor`` of actors whose cohort is flagged."""
        return scan(self.cohort, flags, min(cursor, len(self.cohort)) + 1, limit)


class World:
    """The state of one engine. ``clock`` gives milliseconds since 1970; nothing is ordered by it.

    ``kept`` is what was kept at the last stop (see ``engine.keeping``), if it is to be taken instead of rows.

    Raises ``DamagedStore`` when the rows of the store do not make one.
    """

    def __init__(self, store: Store, clock: Callable[[], int], kept: keeping.Kept = MappingProxyType({})) -> None:
        self.store = store
        self.clock = clock
        store.catalogue.check(unread=keeping.TABLES if kept else ())
        self.position = store.catalogue.last_position()
        self.symbols = Symbols(store)
        self.histories = Histories(self.symbols.names.__getitem__)
        self._load_histories(kept)
        self.relations = Relations(self.histories)
        self.forest = Forest(store, self.symbols.names.__getitem__)
        self.cohorts = Cohorts()
        self.actors = Population(store.catalogue.heads(), store.catalogue.last_actor(), self.cohorts)
        self._load_cohorts(kept)
        self.erased = {stone.actor: stone for stone in store.catalogue.tombstones()}
        self.sweep: Sweep | None = None
        self.deployments = {row.position: row for row in store.catalogue.deployments()}
        self.audit: Audit | None = None
        """The one that ``verify`` goes on with."""
        self.repeats = Repeats(store)
        self.lives = Lives[Any]()
        """What ``records`` makes of them."""
        self._ids: dict[str, int] = {}

    def keep_columns(self) -> None:
        """At a clean stop, let the next start find what it would else make from rows."""
        if len(self.histories) + len(self.cohorts) >= keeping.WORTH_IT:
            self.store.keep_columns(keeping.columns(self.histories, self.cohorts.columns()))

    def _load_histories(self, kept: keeping.Kept) -> None:
        try:
            self.histories.extend(*(keeping.histories_of(kept) if kept else self.store.catalogue.histories()))
        except Malformed as twice:
            row = f"table histories, row {twice.position}"
            raise DamagedStore(f"the store is damaged: {row} is there twice; put back a copy of it") from None

    def _load_cohorts(self, kept: keeping.Kept) -> None:
        finished, histories = self.store.catalogue.finished_configurations(), len(self.histories)
        if kept:
            self.cohorts.load(keeping.cohorts_of(kept), self.actors, finished, histories)
        else:
            self.cohorts.restore(self.store.catalogue.cohorts(), self.actors, finished, histories)

    def commit(self) -> bool:
        """Make everything since the last commit durable; False when nothing had changed."""
        self.forest.save_configurations()
        committed = self.store.commit()
        self.repeats.committed()
        if len(self._ids) > CACHED_KEYS:
            self._ids.clear()
        return committed

    def next_position(self) -> int:
        self.position += 1
        return self.position

    def find_actor(self, reference: ActorRef) -> int | None:
        """The id of an actor, if there is one."""
        if isinstance(reference, int):
            known = 0 < reference < len(self.actors.cohort) and self.actors.cohort[reference]
            return reference if known else None
        actor = self._ids.get(reference)
        if actor is None and (actor := self.store.records.find_actor(reference)) is not None:
            self._ids[reference] = actor
        return actor

    def actor(self, reference: ActorRef) -> int:
        """The id of an actor. Raises ``UnknownActor``, or ``ActorErased`` for the id of one that was."""
        actor = self.find_actor(reference)
        if actor is None:
            stone = self.erased.get(reference) if isinstance(reference, int) else None
            raise errors.UnknownActor(reference) if stone is None else errors.ActorErased(stone.actor, stone.position)
        return actor

    def remember_key(self, key: str, actor: int) -> None:
        """Know a new actor by its key before it is committed."""
        self._ids[key] = actor

    def bury(self, stone: TombstoneRow) -> None:
        """Forget an actor that the store has just erased, and keep its tombstone."""
        self.actors.remove(stone.actor)
        # By which key it was known need not be readable any more. The store has what was remembered.
        self._ids.clear()
        self.repeats.forget(stone.actor)
        self.lives.forget(stone.actor)
        self.erased[stone.actor] = stone

    def cohort_for(self, standing: Standing, node: int, position: int, *, resumed: bool) -> int:
        """The cohort that an actor joins whose history has just become ``node``, after routing.

        ``standing`` is where it stands by its last step; ``resumed`` says that it was routed there before that step.
        """
        self.relations.settle(standing, node, self.forest.routes, self.forest.table, resumed=resumed)
        made, cohort = standing.judgements, self.cohorts.find(standing.version, node, standing.configuration)
        if cohort is not None and self.touch(cohort):
            cohort = self.cohorts.find(standing.version, node, standing.configuration)
        if cohort is None or self.cohorts.standing(cohort).rescued != standing.rescued:
            finished = self.forest.finished(standing.version, standing.configuration)
            cohort = self.cohorts.add(node, standing, finished=finished)
            self.store.writes.add_cohort(self._row(cohort))
        else:
            # Who made this cohort may have come by fewer routes: spawned on a version that others migrate to; or from
            # another configuration.
            made = [judgement for judgement in made if not self._on_record(cohort, judgement)]
        self.store.writes.add_decisions(decision_row(cohort, position, judgement) for judgement in made)
        return cohort

    def touch(self, cohort: int) -> bool:
        """Judge a cohort that an event or a read comes upon before the sweep does; whether that was needed.

        Whoever looks at a cohort touches it first, so that nobody sees it where the routes no longer have it stand.
        """
        place = None if self.sweep is None else self.sweep.place(cohort)
        if place is None:
            return False
        self._judge([place])
        return True

    def judge_next(self, limit: int) -> None:
        """Go on with the sweep, if there is one."""
        if self.sweep is not None:
            self._judge(self.sweep.next(limit))

    def _judge(self, places: list[int]) -> None:
        sweep = self.sweep
        assert sweep is not None
        for cohorts, judgements, standing in sweep.judge(places):
            before = self._row(cohorts[0])
            if standing is not None:
                finished = self.forest.finished(standing.version, standing.configuration)
                self.cohorts.put(cohorts, standing, finished=finished)
            made = [decision_row(before.id, sweep.position, judgement) for judgement in judgements]
            self.store.writes.judge_cohorts(cohorts, made, before, self._row(before.id))
        if not sweep.left:
            self.deployments[sweep.position] = self.deployments[sweep.position]._replace(done=1)
            self.store.writes.end_deployment(sweep.position)
            self.sweep = None

    def _row(self, cohort: int) -> CohortRow:
        at = self.cohorts.standing(cohort)
        return CohortRow(cohort, at.version, self.cohorts.history[cohort], at.configuration, at.waiting, at.rescued)

    def _on_record(self, cohort: int, judgement: Judgement) -> bool:
        about = self.store.records.decisions(judgement.route.child, [cohort])
        rows = [row for row in about if row.before == judgement.before]
        return bool(rows) and rows[-1].outcome == judgement.outcome


def decision_row(cohort: int, position: int, made: Judgement) -> DecisionRow:
    """What goes on record about a cohort."""
    landing = made.landing.configuration if made.landing and made.outcome is Outcome.MIGRATED else None
    skipped = made.landing.skipped if made.landing else 0
    return DecisionRow(made.route.child, cohort, position, made.outcome, made.before, landing, skipped)
