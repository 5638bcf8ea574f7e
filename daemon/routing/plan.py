"""The plan of a deploy: what the rule says about every cohort of the parent, now that one more route is there.

A deploy adds a route behind all its siblings, so for a live cohort there are four cases. If an earlier sibling is
pending for it, the new route is ``blocked``. If not, all earlier siblings are diverged for it, and the relation of its
history to the new path decides. Nothing follows after a move: the child is new, and has no routes of its own yet.
This is ``rule.settle`` for many histories at once: relation, landing and count of all of them come from one pass each
over columns, in C. A state map is asked once for each configuration that would move.

Preview and deploy share this code; only a deploy carries the plan out.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.evaluator import Landings, claim, land, relate, replay, tally
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.replaying import KEPT, Jumps, TransitionTable
from statekeep.daemon.routing.rule import Judgement, Landing, Outcome, Route, Standing
from statekeep.daemon.routing.sweep import Judged

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_MIGRATED = Outcome.MIGRATED.value


class Line(NamedTuple):
    """Actors that share what happens to them: the rows of a preview."""

    actors: int
    outcome: Outcome
    before: int
    landing: int | None
    skipped: int


@dataclass(slots=True)
class Plan:
    """Outcomes for the cohorts of ``route.parent``, in parallel columns."""

    route: Route
    cohorts: Cohorts
    members: array[int]
    outcomes: bytearray
    landings: array[int]
    skipped: array[int]

    def before(self, place: int) -> int:
        """The configuration of the cohort in a place of the columns."""
        return self.cohorts.configuration(self.members[place])

    def lines(self) -> Iterator[Line]:
        """The plan in sums, in no particular order."""
        found = tally(self.cohorts, self.members, self.outcomes, self.landings, self.skipped)
        for actors, number, before, landing, skipped in found:
            outcome = _OUTCOMES[number]
            yield Line(actors, outcome, before, landing if outcome is Outcome.MIGRATED else None, skipped)

    def without(self, judged: Container[int], last: int) -> Plan:
        """The plan for its cohorts up to ``last`` that were not ``judged`` before."""
        chosen = bytes(cohort <= last and cohort not in judged for cohort in self.members)
        members, landings, skipped = (
            array("I", compress(column, chosen)) for column in (self.members, self.landings, self.skipped)
        )
        return Plan(self.route, self.cohorts, members, bytearray(compress(self.outcomes, chosen)), landings, skipped)

    def judge(self, places: Sequence[int]) -> Iterator[Judged]:
        """Judge the cohorts in these places of the columns, those that agree in all that counts at once."""
        cohorts, members = self.cohorts, list(map(self.members.__getitem__, places))
        decided = (map(column.__getitem__, places) for column in (self.outcomes, self.landings, self.skipped))
        stood = map(cohorts.at.__getitem__, members)
        alike = defaultdict[tuple[int, ...], list[int]](list)
        for kind, cohort in zip(zip(*decided, stood, strict=True), members, strict=True):
            alike[kind].append(cohort)
        for (outcome, landing, skipped, _), same in alike.items():
            yield self._judged(same, _OUTCOMES[outcome], Landing(landing, skipped))

    def _judged(self, same: list[int], outcome: Outcome, landing: Landing) -> Judged:
        route, standing = self.route, self.cohorts.standing(same[0])
        made = [Judgement(route, outcome, standing.configuration, landing)]
        if outcome is Outcome.MIGRATED:
            return Judged(same, made, Standing(route.child, landing.configuration))
        if outcome is Outcome.RESCUE:
            standing.rescued = route.child
        elif outcome is Outcome.PENDING and not route.closed:
            standing.waiting = route.child
        else:
            return Judged(same, made, None)
        return Judged(same, made, standing)


def plan(route: Route, cohorts: Cohorts, histories: Histories, table: TransitionTable) -> Plan:
    """Judge all cohorts of ``route.parent`` that have actors; ``table`` is the child's, and is filled in."""
    members = cohorts.members(route.parent)
    outcomes, wanted = claim(cohorts, members, relate(histories, route.path))
    if route.jumps is None:
        landings, skipped = land(cohorts, members, outcomes, replay(histories, wanted, table), strict=route.strict)
    else:
        landings, skipped = _jump(route.jumps, cohorts, members, outcomes)
    return Plan(route, cohorts, members, outcomes, landings, skipped)


def _jump(jumps: Jumps, cohorts: Cohorts, members: array[int], outcomes: bytearray) -> tuple[array[int], array[int]]:
    """Landings by a state map, with columns as those of a replay; the outcomes of who does not land are changed."""
    blank = array("I", bytes(4 * len(members)))
    moving = {before for _, made, before, *_ in tally(cohorts, members, outcomes, blank, blank) if made == _MIGRATED}
    target = {before: jumps.landing(before) for before in moving}
    by_standing = array("I", (target.get(before, 0) for before in cohorts.standings.configuration))
    landed = Landings(by_standing, array("I", bytes(4 * len(by_standing))))
    landings, skipped = land(_ByStanding(cohorts), members, outcomes, landed, strict=False)
    for place in _places(landings, KEPT):
        outcomes[place], landings[place] = Outcome.KEPT, 0
    return landings, skipped


class _ByStanding:
    """Cohorts whose landing depends on their standing, as ``land`` takes those that depend on their history."""

    def __init__(self, cohorts: Cohorts) -> None:
        self.at = self.history = cohorts.at
        self.population = cohorts.population
        self.standings = cohorts.standings


def _places(column: array[int], value: int) -> Iterator[int]:
    """Where ``value`` stands."""
    place = -1
    with suppress(ValueError):  # there is none behind the last
        while True:
            place = column.index(value, place + 1)
            yield place
