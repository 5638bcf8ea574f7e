"""The plan of a deploy: what the rule says about every cohort of the parent, now that one more route is there.

A deploy adds a route behind all its siblings, so for a live cohort there are four cases. If an earlier sibling is
pending for it, the new route is ``blocked``. If not, all earlier siblings are diverged for it, and the relation of its
history to the new path decides. Nothing follows after a move: the child is new, and has no routes of its own yet.
This is ``rule.settle`` for many histories at once: relation and landing of all of them come from one pass each over
the history trie, in C.

Preview and deploy share this code; only a deploy carries the plan out.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.evaluator import TransitionTable, relate, replay
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.paths import Relation
from statekeep.daemon.routing.rule import Judgement, Landing, Outcome, Route, Standing

_OUTCOME = {
    int(Relation.PENDING): Outcome.PENDING,
    int(Relation.MATCH): Outcome.MIGRATED,
    int(Relation.DIVERGED): Outcome.DIVERGED,
}


class Line(NamedTuple):
    """Actors that share what happens to them: the rows of a preview."""

    outcome: Outcome
    before: int
    landing: int | None
    skipped: int


@dataclass(slots=True)
class Plan:
    """Outcomes for the cohorts of ``route.parent``, in parallel columns."""

    route: Route
    cohorts: list[int]
    before: array[int]
    outcomes: bytearray
    landings: array[int]
    skipped: array[int]

    def judgements(self) -> Iterator[tuple[int, Judgement]]:
        """(cohort, judgement) for every cohort, in ascending order."""
        columns = zip(self.cohorts, self.before, self.outcomes, self.landings, self.skipped, strict=True)
        for cohort, before, number, configuration, skipped in columns:
            outcome = Outcome(number)
            landed = outcome in (Outcome.MIGRATED, Outcome.RESCUE)
            yield cohort, Judgement(self.route, outcome, before, Landing(configuration, skipped) if landed else None)

    def lines(self, populations: array[int]) -> Counter[Line]:
        """How many actors share each line; ``populations`` by cohort."""
        lines: Counter[tuple[int, int, int, int]] = Counter()
        columns = zip(self.cohorts, self.outcomes, self.before, self.landings, self.skipped, strict=True)
        for cohort, outcome, before, configuration, skipped in columns:
            lines[outcome, before, configuration, skipped] += populations[cohort]
        result: Counter[Line] = Counter()
        for (number, before, configuration, skipped), actors in lines.items():
            migrated = number == Outcome.MIGRATED
            result[Line(Outcome(number), before, configuration if migrated else None, skipped)] += actors
        return result

    def standings(self, cohorts: Cohorts) -> Iterator[tuple[int, Standing]]:
        """Where each live cohort stands once the plan is carried out: what ``Cohorts.rearrange`` takes."""
        route = self.route
        columns = zip(self.cohorts, self.before, self.outcomes, self.landings, strict=True)
        for cohort, before, outcome, landing in columns:
            if outcome == Outcome.FINAL:
                continue
            if outcome == Outcome.MIGRATED:
                yield cohort, Standing(route.child, landing)
            else:
                waiting = route.child if outcome == Outcome.PENDING else cohorts.waiting[cohort]
                rescued = route.child if outcome == Outcome.RESCUE else cohorts.rescued[cohort]
                yield cohort, Standing(route.parent, before, waiting, rescued)


def plan(route: Route, cohorts: Cohorts, histories: Histories, table: TransitionTable) -> Plan:
    """Judge all cohorts of ``route.parent`` that have actors; ``table`` is the child's, and is filled in."""
    members = cohorts.members(route.parent)
    nodes = cohorts.history
    relations = relate(histories, route.path)
    outcomes = bytearray(len(members))
    wanted = bytearray(len(histories))
    for i, cohort in enumerate(members):
        if cohorts.finished[cohort]:
            outcomes[i] = Outcome.FINAL
        elif cohorts.waiting[cohort]:
            outcomes[i] = Outcome.BLOCKED
        else:
            node = nodes[cohort]
            outcomes[i] = _OUTCOME[relations[node]]
            wanted[node] |= relations[node] == Relation.MATCH
    landed = replay(histories, wanted, table)
    landings = array("I", bytes(4 * len(members)))
    skipped = array("I", bytes(4 * len(members)))
    for i, cohort in enumerate(members):
        if outcomes[i] == Outcome.MIGRATED:
            node = nodes[cohort]
            landings[i], skipped[i] = landed.configuration[node], landed.skipped[node]
            if Landing(landings[i], skipped[i]).refused_by(route):
                outcomes[i] = Outcome.RESCUE
    before = array("I", (cohorts.configuration[cohort] for cohort in members))
    return Plan(route, members, before, outcomes, landings, skipped)
