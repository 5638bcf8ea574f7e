"""Cohorts: who shares one, and which may still be joined."""

from __future__ import annotations

from array import array

import pytest

from statekeep.daemon.routing import cohorts as module
from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.rule import Standing


def made(*standings: Standing, finished: bool = False, actors: int = 1) -> Cohorts:
    """Cohorts with these standings, each with a history of its own and some actors."""
    cohorts = Cohorts()
    for history, standing in enumerate(standings):
        cohorts.population[cohorts.add(history, standing, finished=finished)] = actors
    return cohorts


def columns(*rows: tuple[int, ...]) -> list[array[int]]:
    """What is on disk of cohorts, given by their rows."""
    return [array("I", column) for column in zip(*rows, strict=True)]


class Actors:
    """Where actors are."""

    def __init__(self, *cohorts: int) -> None:
        self.cohort = array("I", [0, *cohorts])
        self.last = array("Q", range(len(self.cohort)))


def test_a_cohort_is_found_by_version_history_and_configuration() -> None:
    """And by nothing else: neither another version nor another history nor another configuration has it."""
    cohorts = made(Standing(1, 10), Standing(2, 20, waiting=3, rescued=4))
    assert [cohorts.find(1, 0, 10), cohorts.find(2, 1, 20)] == [1, 2]
    assert [cohorts.find(1, 1, 20), cohorts.find(2, 0, 10), cohorts.find(1, 0, 20)] == [None, None, None]
    assert cohorts.standing(2) == Standing(2, 20, waiting=3, rescued=4)
    assert len(cohorts) == 2


def test_a_cohort_that_moves_is_found_where_it_stands() -> None:
    """And no more where it stood."""
    cohorts = made(Standing(1, 10))
    cohorts.put([1], Standing(2, 20), finished=False)
    assert (cohorts.find(1, 0, 10), cohorts.find(2, 0, 20)) == (None, 1)
    assert cohorts.standing(1) == Standing(2, 20)


def test_a_cohort_that_stays_can_be_joined_as_before() -> None:
    """When only what it waits for has changed."""
    cohorts = made(Standing(1, 10, waiting=2))
    cohorts.put([1], Standing(1, 10, waiting=3), finished=False)
    assert cohorts.find(1, 0, 10) == 1
    assert cohorts.standing(1) == Standing(1, 10, waiting=3)


def test_a_cohort_that_lands_finished_is_not_joined() -> None:
    """Who finishes there later was judged on its own way."""
    cohorts = made(Standing(1, 10))
    cohorts.put([1], Standing(2, 20), finished=True)
    assert cohorts.find(2, 0, 20) is None
    assert cohorts.finished(1)


def test_the_mover_leaves_its_namesake_alone() -> None:
    """Two cohorts may become alike: one that moves on does not take the other's place in the index."""
    cohorts = made(Standing(1, 10), Standing(3, 30))
    cohorts.history[2] = 0
    cohorts.put([2], Standing(1, 10, waiting=5), finished=False)
    assert cohorts.find(1, 0, 10) == 2
    cohorts.put([1], Standing(2, 20), finished=False)
    assert cohorts.find(1, 0, 10) == 2


def test_the_later_namesake_is_the_one_that_is_found() -> None:
    """And when it moves on there is none, until the next one is made."""
    cohorts = made(Standing(1, 10), Standing(3, 30))
    cohorts.history[2] = 0
    cohorts.put([2], Standing(1, 10, waiting=5), finished=False)
    cohorts.put([2], Standing(2, 20), finished=False)
    assert (cohorts.find(1, 0, 10), cohorts.find(2, 0, 20)) == (None, 2)
    cohorts.population[cohorts.add(0, Standing(1, 10), finished=False)] = 1
    assert cohorts.find(1, 0, 10) == 3


def test_finished_cohorts_that_saw_a_change_are_not_joined() -> None:
    """Those in them were frozen when the route came; one that is made afterwards is open, until the next change."""
    cohorts = made(Standing(1, 10), finished=True)
    assert cohorts.find(1, 0, 10) == 1
    cohorts.routes_changed(1)
    assert cohorts.find(1, 0, 10) is None
    cohorts.population[cohorts.add(0, Standing(1, 10), finished=True)] = 1
    assert cohorts.find(1, 0, 10) == 2


def test_empty_cohorts_that_saw_a_change_are_not_joined() -> None:
    """A change does not judge them, and who comes back to one later would find it unjudged."""
    cohorts = made(Standing(1, 10), actors=0)
    assert cohorts.find(1, 0, 10) == 1
    cohorts.routes_changed(1)
    assert cohorts.find(1, 0, 10) is None


def test_a_change_elsewhere_closes_nothing() -> None:
    """Only the cohorts of the version whose routes have changed are concerned."""
    cohorts = made(Standing(1, 10), finished=True, actors=0)
    cohorts.routes_changed(2)
    assert cohorts.find(1, 0, 10) == 1


def test_a_change_clears_the_memos() -> None:
    """They say where events and spawns lead by the routes that there were."""
    cohorts = made(Standing(1, 10))
    cohorts.remember(1, 5, 1)
    cohorts.after_spawn[1] = 1
    assert cohorts.after_event == {1 << 32 | 5: 1}
    cohorts.routes_changed(2)
    assert (cohorts.after_event, cohorts.after_spawn) == ({}, {})


def test_the_memo_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is full it begins anew."""
    monkeypatch.setattr(module, "REMEMBERED", 2)
    cohorts = made(Standing(1, 10))
    for symbol in range(3):
        cohorts.remember(1, symbol, 1)
    assert cohorts.after_event == {1 << 32 | 2: 1}


def test_members_are_those_with_actors() -> None:
    """In ascending order, and of one version."""
    cohorts = made(Standing(1, 10), Standing(2, 10), Standing(1, 11), Standing(1, 12))
    cohorts.population[3] = 0
    assert list(cohorts.members(1)) == [1, 4]
    assert list(cohorts.members(3)) == []


def test_a_census_says_what_standings_are() -> None:
    """Cohorts that stand alike share one; those of nobody do not count."""
    cohorts = made(Standing(1, 10), Standing(1, 10), Standing(1, 10, rescued=2), Standing(2, 10), Standing(2, 11))
    assert list(cohorts.at) == [0, 1, 1, 2, 3, 4]
    assert list(cohorts.standings.census([0, 5, 1, 1, 0])) == [(5, 0, 10, 1, 0), (1, 0, 10, 1, 2), (1, 0, 10, 2, 0)]


def test_flags_are_asked_for_once_a_standing() -> None:
    """Never for the standing 0, which nobody has."""
    cohorts = made(Standing(1, 10), Standing(2, 10), Standing(1, 10), Standing(1, 11))
    asked = list[int]()

    def passes(number: int) -> bool:
        asked.append(number)
        return number != 2

    assert cohorts.standings.flags(passes) == bytes([0, 1, 0, 1])
    assert asked == [1, 2, 3]


def test_those_who_wait_are_found_by_their_route() -> None:
    """If there is anybody, and has not finished."""
    cohorts = made(Standing(1, 10, waiting=2), Standing(1, 11, waiting=3), Standing(1, 11, waiting=2))
    cohorts.population[cohorts.add(7, Standing(1, 12, waiting=2), finished=True)] = 1
    cohorts.add(8, Standing(1, 10, waiting=2), finished=False)
    assert list(cohorts.waiting(2)) == [1, 3]
    assert (list(cohorts.waiting(4)), cohorts.inhabited()) == ([], 4)


def test_many_cohorts_of_one_history_are_told_apart() -> None:
    """Those who land in one configuration from several, each found where it stands, whichever moves or goes stale."""
    cohorts = Cohorts()
    for configuration in range(4):
        cohorts.population[cohorts.add(5, Standing(1, configuration), finished=False)] = 1
    cohorts.put([2], Standing(1, 9), finished=False)
    cohorts.population[3] = 0
    cohorts.routes_changed(1)
    assert [cohorts.find(1, 5, configuration) for configuration in (0, 1, 2, 3, 9)] == [1, None, None, 4, 2]
    cohorts.put([1], Standing(1, 9), finished=True)
    assert [cohorts.find(1, 5, configuration) for configuration in (0, 3, 9)] == [None, 4, 2]
    assert cohorts.find(1, 6, 0) is None


def test_what_is_on_disk_comes_back() -> None:
    """Standings and populations; open is what has actors and has not finished: nobody knows what the others saw."""
    cohorts, actors, finished = Cohorts(), Actors(1, 1, 3, 0, 1, 3, 1, 1), [(2, 12), (1, 9), (3, 10)]
    cohorts.restore(columns((1, 0, 10, 2, 0), (1, 1, 11, 0, 3), (2, 1, 12, 0, 0)), actors, finished, 2)
    assert [cohorts.standing(1), cohorts.standing(2)] == [Standing(1, 10, 2, 0), Standing(1, 11, 0, 3)]
    assert list(cohorts.population) == [0, 5, 0, 2]
    assert list(map(cohorts.finished, (1, 2, 3))) == [False, False, True]
    assert [cohorts.find(1, 0, 10), cohorts.find(1, 1, 11), cohorts.find(2, 1, 12)] == [1, None, None]
    again = Cohorts()
    again.load(cohorts.columns(), actors, finished, 2)
    assert again.columns() == cohorts.columns()
    assert list(again.population) == list(cohorts.population)
    assert [again.find(1, 0, 10), again.find(1, 1, 11), again.finished(3)] == [1, None, True]
    assert again.add(1, Standing(1, 11), finished=False) == 4


def test_of_those_that_are_alike_the_last_comes_back() -> None:
    """Others of its history that stand elsewhere can be joined as well."""
    cohorts = Cohorts()
    rows = columns((1, 1, 10, 2, 0), (1, 1, 10, 0, 3), (2, 1, 12, 0, 0), (1, 1, 10, 0, 0))
    cohorts.restore(rows, Actors(1, 2, 3), [], 2)
    assert [cohorts.find(1, 1, 10), cohorts.find(2, 1, 12)] == [2, 3]


def test_more_standings_than_there_is_room_for_at_first_come_back() -> None:
    """Each with its own number."""
    cohorts = Cohorts()
    cohorts.restore(columns(*((1, 0, number, 0, number % 3) for number in range(3_000))), Actors(), [], 1)
    assert [cohorts.standing(number) for number in (1, 3_000)] == [Standing(1, 0), Standing(1, 2_999, 0, 2)]
    assert len(cohorts.standings) == len(cohorts) == 3_000
