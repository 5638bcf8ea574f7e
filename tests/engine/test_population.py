"""Where actors are: the columns of the population say what their cohorts do."""

from __future__ import annotations

from array import array
from random import Random

import pytest

from statekeep.daemon.engine.world import Population
from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.rule import Standing


def check(population: Population, cohorts: Cohorts) -> None:
    """Compare the columns by actor and by cohort with each other."""
    assert list(population.standing) == [cohorts.at[cohort] for cohort in population.cohort]
    assert list(cohorts.population[1:]) == [
        sum(cohort == number for cohort in population.cohort) for number in range(1, len(cohorts) + 1)
    ]
    assert sum(line.actors for line in population.census()) == sum(map(bool, population.cohort))
    assert len(population.last) == len(population.cohort) == len(population.standing)


@pytest.mark.parametrize("seed", range(8))
def test_standings_follow_whatever_happens(seed: int) -> None:
    """Spawns, events, erasures and deploys, looked at now and then: those between two looks are not lost."""
    choose, cohorts = Random(seed), Cohorts()
    population = Population((array("I", [0]), array("Q", [0])), 0, cohorts)
    for history in range(6):
        cohorts.add(history, Standing(1, history % 3), finished=False)
    for position in range(1, 300):
        cohort, living = choose.randint(1, len(cohorts)), [i for i, at in enumerate(population.cohort) if at]
        what = choose.random()
        if what < 0.2 or not living:
            population.add(cohort, position)
        elif what < 0.7:
            population.move(choose.choice(living), cohort, position)
        elif what < 0.8:
            population.remove(choose.choice([*living, len(population.cohort) + 2]))
        elif what < 0.9:
            cohorts.add(position, Standing(choose.randint(1, 3), position % 5), finished=False)
        else:
            cohorts.put([cohort], Standing(choose.randint(1, 3), position % 5), finished=False)
        if choose.random() < 0.3:
            check(population, cohorts)


def test_a_move_says_when_the_event_before_was() -> None:
    """And the column of the last events has the new one."""
    cohorts = Cohorts()
    population = Population((array("I", [0]), array("Q", [0])), 0, cohorts)
    one, other = (cohorts.add(history, Standing(1, 0), finished=False) for history in (0, 1))
    actor = population.add(one, 7)
    assert (population.move(actor, other, 9), population.last[actor], population.cohort[actor]) == (7, 9, other)


def test_ids_that_were_given_and_are_of_nobody_have_places() -> None:
    """As after the erasure of the last actors, when the rows of the store end before the ids do."""
    cohorts = Cohorts()
    cohorts.add(0, Standing(1, 0), finished=False)
    population = Population((array("I", [0, 1]), array("Q", [0, 3])), 4, cohorts)
    cohorts.population[1] = 1
    check(population, cohorts)
    assert population.add(1, 5) == 5
    check(population, cohorts)
