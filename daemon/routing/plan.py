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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.evaluator import TransitionTable, relate, replay
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.paths import Relation
from statekeep.daemon.routing.rule import Landing, Outcome, Route, Standing

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

    def with_outcome(self, outcome: Outcome) -> Iterator[int]:
        """The places in the columns of the cohorts with this outcome."""
        return (i for i, found in enumerate(self.outcomes) if found == outcome)

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

    def carry_out(self, cohorts: Cohorts, finished: Callable[[int], bool]) -> list[int]:
        """Move the cohorts; returns those whose row has changed. ``finished`` tells of the child's configurations."""
        route, changed = self.route, list[int]()
        cohorts.close_stale(route.parent)
        for i in self.with_outcome(Outcome.PENDING):
            cohorts.waiting[self.cohorts[i]] = route.child
            changed.append(self.cohorts[i])
        for i in self.with_outcome(Outcome.RESCUE):
            cohorts.rescued[self.cohorts[i]] = route.child
            changed.append(self.cohorts[i])
        takes_no_more = {number: finished(number) for number in set(self.landings)}
        for i in self.with_outcome(Outcome.MIGRATED):
            landing = self.landings[i]
            cohorts.move(self.cohorts[i], Standing(route.child, landing), finished=takes_no_more[landing])
            changed.append(self.cohorts[i])
        cohorts.relist(route.parent)
        return changed


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
