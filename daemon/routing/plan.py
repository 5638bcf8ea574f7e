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
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.evaluator import Landings, claim, land, relate, replay, tally
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.replaying import KEPT, Jumps, TransitionTable
from statekeep.daemon.routing.rule import Judgement, Landing, Outcome, Route, Standing

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
        return self.cohorts.configuration[self.members[place]]

    def lines(self) -> Iterator[Line]:
        """The plan in sums, in no particular order."""
        found = tally(self.cohorts, self.members, self.outcomes, self.landings, self.skipped)
        for actors, number, before, landing, skipped in found:
            outcome = _OUTCOMES[number]
            yield Line(actors, outcome, before, landing if outcome is Outcome.MIGRATED else None, skipped)

    def kind(self, place: int) -> tuple[int, ...]:
        """What ``judge`` makes its answer of: places that agree in it are judged alike."""
        cohorts, cohort = self.cohorts, self.members[place]
        decided = (self.outcomes[place], self.landings[place], self.skipped[place])
        return (*decided, cohorts.configuration[cohort], cohorts.waiting[cohort], cohorts.rescued[cohort])

    def judge(self, place: int) -> tuple[list[Judgement], Standing | None]:
        """The judgement of the cohort in this place of the columns, and where it stands now if that has changed."""
        route, cohorts, cohort = self.route, self.cohorts, self.members[place]
        outcome = _OUTCOMES[self.outcomes[place]]
        landing = Landing(self.landings[place], self.skipped[place])
        made = [Judgement(route, outcome, cohorts.configuration[cohort], landing)]
        if outcome is Outcome.MIGRATED:
            return made, Standing(route.child, landing.configuration)
        if outcome is Outcome.RESCUE or (outcome is Outcome.PENDING and not route.closed):
            standing = cohorts.standing(cohort)
            standing.waiting = route.child if outcome is Outcome.PENDING else standing.waiting
            standing.rescued = route.child if outcome is Outcome.RESCUE else standing.rescued
            return made, standing
        return made, None


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
    count = max(moving, default=-1) + 1
    landed = Landings(array("I", bytes(4 * count)), array("I", bytes(4 * count)))
    for before in moving:
        landed.configuration[before] = jumps.landing(before)
    landings, skipped = land(_ByConfiguration(cohorts), members, outcomes, landed, strict=False)
    for place in _places(landings, KEPT):
        outcomes[place], landings[place] = Outcome.KEPT, 0
    return landings, skipped


class _ByConfiguration:
    """Cohorts whose landing depends on their configuration, as ``land`` takes those that depend on their history."""

    def __init__(self, cohorts: Cohorts) -> None:
        self.version = cohorts.version
        self.history = self.configuration = cohorts.configuration
        self.waiting = cohorts.waiting
        self.population = cohorts.population
        self.finished = cohorts.finished


def _places(column: array[int], value: int) -> Iterator[int]:
    """Where ``value`` stands."""
    place = -1
    with suppress(ValueError):  # there is none behind the last
        while True:
            place = column.index(value, place + 1)
            yield place
