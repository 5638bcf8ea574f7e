"""The plan of a deploy, which judges all histories at once, against the rule, which judges one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.plan import Plan, plan
from statekeep.daemon.routing.relations import Relations
from statekeep.daemon.routing.rule import Judgement, Outcome, Route, Routes, Standing
from statekeep.daemon.statecharts import Table, load
from tests.routing.patterns import ALPHABET, HISTORY, TEXTS, path

PARENT = 1

DEFINITION = {
    "initial": "q0",
    "states": {
        "q0": {"on": {"a": "q1", "b": "q0"}},
        "q1": {"on": {"a": "q0", "b": "q2", "d": "spin"}},
        "q2": {"on": {"c": "end"}},
        "end": {"type": "final"},
        "spin": {"always": "again"},
        "again": {"always": "spin"},
    },
}
"""Handles some events and not others, may finish, and with ``d`` in ``q1`` never comes to rest."""

HISTORIES = st.lists(HISTORY, min_size=1, max_size=12)
SIBLINGS = st.lists(st.tuples(TEXTS, st.booleans()), max_size=3)


class Parent:
    """Cohorts of one version, settled by the routes that there are."""

    def __init__(self, histories: list[list[int]], siblings: list[tuple[list[str], bool]]) -> None:
        self.histories = Histories(ALPHABET.__getitem__)
        self.cohorts = Cohorts()
        self.routes = Routes()
        self.table = Table(load(DEFINITION), ALPHABET.__getitem__)
        self._relations = Relations(self.histories)
        for texts, strict in siblings:
            self.add_route(texts, strict=strict)
        for number, history in enumerate(histories):
            self._add_cohort(self._grow(history), actors=number + 1, finished=number % 5 == 4)

    def add_route(self, texts: list[str], *, strict: bool) -> Route:
        """A further child."""
        child = PARENT + 1 + len(self.routes.by_child)
        route = Route(child, PARENT, path(texts), strict, deployed=child)
        self.routes.add(route)
        return route

    def settled(self, node: int) -> Standing:
        """Where a history stands by all routes that there are, one judged after the other."""
        standing = Standing(PARENT, 0)
        self._relations.settle(standing, node, self.routes, lambda _: self.table, resumed=False)
        return standing

    def _grow(self, history: list[int]) -> int:
        node = 0
        for symbol in history:
            child = self.histories.child(node, symbol)
            node = self.histories.grow(node, symbol) if child is None else child
        return node

    def _add_cohort(self, node: int, *, actors: int, finished: bool) -> None:
        standing = self.settled(node)
        if standing.version == PARENT and self.cohorts.find(PARENT, node, standing.configuration) is None:
            self.cohorts.population[self.cohorts.add(node, standing, finished=finished)] = actors


def judged(found: Plan, place: int) -> tuple[Judgement, Standing]:
    """The judgement of the cohort in this place of the plan, and where it stands then."""
    ((cohorts, (made,), standing),) = found.judge([place])
    assert cohorts == [found.members[place]]
    return made, standing or found.cohorts.standing(found.members[place])


def planned(parent: Parent, texts: list[str], *, strict: bool) -> Plan:
    """The plan of one more route."""
    return plan(parent.add_route(texts, strict=strict), parent.cohorts, parent.histories, parent.table)


@given(histories=HISTORIES, siblings=SIBLINGS, texts=TEXTS, strict=st.booleans())
def test_places_that_are_judged_at_once_are_judged_as_each_alone(
    histories: list[list[int]], siblings: list[tuple[list[str], bool]], texts: list[str], *, strict: bool
) -> None:
    """What is decided, and where they stand before and after; and every place is judged once."""
    found = planned(Parent(histories, siblings), texts, strict=strict)
    alone = {cohort: judged(found, place) for place, cohort in enumerate(found.members)}
    seen = list[int]()
    for cohorts, made, standing in found.judge(range(len(found.members))):
        seen += cohorts
        for cohort in cohorts:
            before = found.cohorts.standing(cohort)
            assert before == found.cohorts.standing(cohorts[0])
            assert alone[cohort] == (*made, standing or before)
    assert sorted(seen) == list(found.members)


@given(histories=HISTORIES, siblings=SIBLINGS, texts=TEXTS, strict=st.booleans())
def test_every_cohort_goes_where_the_rule_says(
    histories: list[list[int]], siblings: list[tuple[list[str], bool]], texts: list[str], *, strict: bool
) -> None:
    """Its standing and its outcome are those of its history, judged alone by all routes; finished ones stay."""
    parent = Parent(histories, siblings)
    found = planned(parent, texts, strict=strict)
    assert list(found.members) == list(range(1, len(parent.cohorts) + 1))
    for place, cohort in enumerate(found.members):
        (made, standing), before = judged(found, place), parent.cohorts.standing(cohort)
        if parent.cohorts.finished(cohort):
            assert (standing, made.outcome) == (before, Outcome.FINAL)
            continue
        expected = parent.settled(parent.cohorts.history[cohort])
        assert standing == expected
        (said,) = (judgement for judgement in expected.judgements if judgement.route is found.route)
        assert (made.outcome, made.before) == (said.outcome, before.configuration)
        assert made.landing is not None
        if said.outcome is Outcome.MIGRATED:
            assert made.landing == said.landing
        elif said.landing is not None:
            assert made.landing.skipped == said.landing.skipped


@given(HISTORIES, SIBLINGS, TEXTS)
def test_lines_sum_up_the_actors(
    histories: list[list[int]], siblings: list[tuple[list[str], bool]], texts: list[str]
) -> None:
    """Every actor is in exactly one line, with what is planned for its cohort."""
    parent = Parent(histories, siblings)
    found = planned(parent, texts, strict=True)
    expected: Counter[tuple[Outcome, int | None]] = Counter()
    for place, cohort in enumerate(found.members):
        made, _ = judged(found, place)
        moved = made.outcome is Outcome.MIGRATED and made.landing
        expected[made.outcome, moved.configuration if moved else None] += parent.cohorts.population[cohort]
    lines: Counter[tuple[Outcome, int | None]] = Counter()
    for line in found.lines():
        lines[line.outcome, line.landing] += line.actors
    assert lines == expected


def test_a_plan_changes_nothing() -> None:
    """Until it is carried out, the cohorts stand where they stood."""
    parent = Parent([[0], [0, 1], [1]], [])
    before = [parent.cohorts.standing(cohort) for cohort in (1, 2, 3)]
    found = planned(parent, ["a"], strict=False)
    assert [judged(found, place)[1].version for place in range(3)] == [2, 2, 1]
    assert [parent.cohorts.standing(cohort) for cohort in (1, 2, 3)] == before


def test_a_route_that_is_closed_from_the_start_takes_who_is_there() -> None:
    """And holds nobody who is not yet ready: pending is on record, and waits for nothing."""
    parent = Parent([[0], []], [])
    found = planned(parent, ["a"], strict=False)
    found.route.closed = found.route.deployed
    assert [judged(found, place)[1].version for place in range(2)] == [2, 1]
    assert judged(found, 1)[1].waiting == 0
