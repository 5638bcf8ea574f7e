"""What a plan asks of C about all cohorts at once is what plain Python says of one after the other."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.routing import evaluator
from statekeep.daemon.routing.cohorts import EVER, Cohorts
from statekeep.daemon.routing.evaluator import Landings, Malformed, Wanted
from statekeep.daemon.routing.paths import Relation
from statekeep.daemon.routing.replaying import STUCK
from statekeep.daemon.routing.rule import Outcome, Standing

HISTORIES = 6
VERSIONS = st.integers(1, 3)
OUTCOMES = st.sampled_from([Outcome.MIGRATED, *Outcome])


@dataclass
class Actors:
    """Where actors are."""

    cohort: array[int]
    last: array[int]


@st.composite
def worlds(draw: st.DrawFn) -> Cohorts:
    """Cohorts of few versions, histories and configurations, so that many are alike; some are empty or finished."""
    cohorts = Cohorts()
    rare = st.sampled_from([0, 0, 0, 2])
    standings = st.builds(Standing, VERSIONS, st.integers(0, 2), rare, rare)
    rows = st.tuples(st.integers(0, HISTORIES - 1), standings, st.booleans(), st.sampled_from([0, 1, 5, 2**32 - 1]))
    for history, standing, finished, actors in draw(st.lists(rows, min_size=1, max_size=30)):
        cohorts.population[cohorts.add(history, standing, finished=finished)] = actors
    return cohorts


def chosen(data: st.DataObject, cohorts: Cohorts) -> array[int]:
    """Some of the cohorts, in any order."""
    return array("I", data.draw(st.lists(st.integers(1, len(cohorts)), max_size=30)))


def one_each(data: st.DataObject, values: st.SearchStrategy[int], size: int) -> list[int]:
    """A value for each of ``size`` places."""
    return data.draw(st.lists(values, min_size=size, max_size=size))


def claimed(cohorts: Cohorts, cohort: int, relation: int) -> Outcome:
    """The outcome for one cohort whose history has this relation to the path."""
    if cohorts.finished(cohort):
        return Outcome.FINAL
    if cohorts.standing(cohort).waiting:
        return Outcome.BLOCKED
    outcomes = {
        Relation.MATCH: Outcome.MIGRATED,
        Relation.PENDING: Outcome.PENDING,
        Relation.DIVERGED: Outcome.DIVERGED,
    }
    return outcomes[Relation(relation)]


def landed(outcome: int, landing: int, skipped: int, *, strict: bool) -> tuple[int, int, int]:
    """Outcome, landing and skipped events of one cohort, given the landing of its history."""
    if outcome != Outcome.MIGRATED:
        return outcome, 0, 0
    if landing == STUCK or (strict and skipped):
        return Outcome.RESCUE, 0, skipped
    return outcome, landing, skipped


@given(worlds(), VERSIONS)
def test_members_are_the_inhabited_cohorts_of_a_version(cohorts: Cohorts, version: int) -> None:
    """In ascending order, finished or not."""
    expected = [n for n in range(len(cohorts) + 1) if cohorts.version(n) == version and cohorts.population[n]]
    assert list(cohorts.members(version)) == expected


@given(worlds(), st.data())
def test_a_claim_asks_finality_then_waiting_then_the_relation(cohorts: Cohorts, data: st.DataObject) -> None:
    """And marks the histories of those that it takes, no others: only they are replayed."""
    these, relation = chosen(data, cohorts), bytes(one_each(data, st.sampled_from(Relation), HISTORIES))
    outcomes, wanted = evaluator.claim(cohorts, these, relation)
    assert list(outcomes) == [claimed(cohorts, cohort, relation[cohorts.history[cohort]]) for cohort in these]
    taken = {cohorts.history[n] for n, made in zip(these, outcomes, strict=True) if made == Outcome.MIGRATED}
    assert list(wanted) == [node in taken for node in range(HISTORIES)]


@given(worlds(), st.data(), st.booleans())
def test_those_that_are_claimed_land_where_their_history_does(
    cohorts: Cohorts, data: st.DataObject, strict: bool
) -> None:
    """Unless the landing is refused, which makes the outcome a rescue."""
    these = chosen(data, cohorts)
    before = bytearray(one_each(data, OUTCOMES, len(these)))
    by_node = Landings(
        array("I", one_each(data, st.sampled_from([0, 1, 2, STUCK]), HISTORIES)),
        array("I", one_each(data, st.integers(0, 2), HISTORIES)),
    )
    outcomes = before[:]
    landings, skipped = evaluator.land(cohorts, these, outcomes, by_node, strict=strict)
    nodes = [cohorts.history[cohort] for cohort in these]
    assert list(zip(outcomes, landings, skipped, strict=True)) == [
        landed(outcome, by_node.configuration[node], by_node.skipped[node], strict=strict)
        for outcome, node in zip(before, nodes, strict=True)
    ]


@given(worlds(), st.data())
def test_a_tally_has_a_line_for_each_kind(cohorts: Cohorts, data: st.DataObject) -> None:
    """With the actors of all cohorts of that kind, more than 32 bits of them if need be."""
    these, small = chosen(data, cohorts), st.integers(0, 2)
    outcomes = bytearray(one_each(data, OUTCOMES, len(these)))
    landings, skipped = (array("I", one_each(data, small, len(these))) for _ in range(2))
    expected: Counter[tuple[int, ...]] = Counter()
    for cohort, *made in zip(these, outcomes, landings, skipped, strict=True):
        expected[made[0], cohorts.configuration(cohort), made[1], made[2]] += cohorts.population[cohort]
    lines = evaluator.tally(cohorts, these, outcomes, landings, skipped)
    assert sorted(lines) == sorted((actors, *kind) for kind, actors in expected.items())


@pytest.mark.parametrize("kinds", [511, 512, 513, 2_048, 2_049])
def test_a_tally_takes_the_room_that_it_needs(kinds: int) -> None:
    """Half of the first room is 512 lines, of the second 2,048; no line is lost or counted twice in between."""
    cohorts, numbers = Cohorts(), range(kinds)
    for number in numbers:
        cohorts.population[cohorts.add(0, Standing(1, number % 8), finished=False)] = number + 1
    outcomes = bytearray(number // 8 % 4 for number in numbers)
    landings, skipped = (array("I", (number // by % 16 for number in numbers)) for by in (32, 512))
    lines = evaluator.tally(cohorts, array("I", range(1, kinds + 1)), outcomes, landings, skipped)
    expected = zip(numbers, outcomes, landings, skipped, strict=True)
    assert sorted(lines) == [(number + 1, made, number % 8, *landed) for number, made, *landed in expected]


@given(worlds(), st.data())
def test_a_census_is_a_count_over_all_actors(cohorts: Cohorts, data: st.DataObject) -> None:
    """By whether they have finished, configuration, version and rescue; who is in no cohort does not count."""
    ids = data.draw(st.lists(st.integers(0, len(cohorts))))
    actors = Actors(array("I", ids), array("Q", ids))
    number = evaluator.stand(actors, cohorts)
    assert [cohorts.standings[standing] for standing in number] == list(map(cohorts.standing, ids))
    everybody = Wanted(number, b"\0" + b"\1" * len(cohorts.standings), 0, EVER)
    expected, found = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
    for n in filter(None, ids):
        expected[cohorts.finished(n), cohorts.configuration(n), cohorts.version(n), cohorts.standing(n).rescued] += 1
    for counted, *line in cohorts.standings.census(evaluator.census(actors, everybody)):
        found[tuple(line)] += counted
    assert found == expected


@given(st.permutations(range(30)), st.sets(st.integers(0, 29), max_size=5), st.data())
def test_the_latest_are_the_same_from_any_place(positions: list[int], unwanted: set[int], data: st.DataObject) -> None:
    """Whatever is skipped, however many there are, and between any two positions: also where spans hold several."""
    spread, since, until, skip, limit = data.draw(
        st.tuples(*(st.integers(*bounds) for bounds in ((1, 9_999), (0, 15), (10, 30), (0, 25), (1, 8))))
    )
    last = array("Q", (position * spread for position in positions))
    actors = Actors(array("I", (position in unwanted for position in positions)), last)
    asked = Wanted(actors.cohort, b"\1\0", since * spread, until * spread)
    wanted = [actor for actor, at in enumerate(positions) if since <= at < until and at not in unwanted]
    wanted.sort(key=lambda actor: -positions[actor])
    assert evaluator.latest(actors, asked, limit, skip) == wanted[skip : skip + limit]


def test_a_member_that_is_no_cohort_is_refused() -> None:
    """By each question, with its place; and the columns can grow again: nothing stays lent."""
    cohorts, these, zeros = Cohorts(), array("I", [1, 2]), array("I", [0, 0])
    cohorts.add(0, Standing(1, 0), finished=False)
    with pytest.raises(Malformed, match="sk_claim: malformed input at 1"):
        evaluator.claim(cohorts, these, b"\0")
    with pytest.raises(Malformed, match="sk_land: malformed input at 1"):
        evaluator.land(cohorts, these, bytearray([1, 1]), Landings(zeros, zeros), strict=False)
    with pytest.raises(Malformed, match="sk_tally: malformed input at 1"):
        evaluator.tally(cohorts, these, bytearray(2), zeros, zeros)
    assert cohorts.add(1, Standing(1, 0), finished=False) == 2
