"""The routing rule, compared with its own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.routing.paths import Relation
from statekeep.daemon.routing.replaying import STUCK
from statekeep.daemon.routing.rule import Judgement, Landing, Outcome, Route, Routes, Standing, settle
from tests.routing.patterns import HISTORY, TEXTS, path

POISON, UNKNOWN = 2, 3
"""Events that end no replay, and that no definition handles."""


@dataclass(frozen=True)
class World:
    """Versions 1, 2 and so on; each but the first has a route from an earlier one."""

    routes: Routes

    @classmethod
    def of(cls, *routes: tuple[int, Sequence[str], bool, bool]) -> World:
        """The routes to the versions from 2 on: parent, path, whether strict, whether closed."""
        made = Routes()
        for child, (parent, texts, strict, closed) in enumerate(routes, start=2):
            made.add(Route(child, parent, path(texts), strict, deployed=child, closed=child * closed))
        return cls(made)

    def land(self, route: Route, history: Sequence[int]) -> Landing:
        """A configuration of its own for each history. Odd versions do not survive ``POISON``."""
        if route.child % 2 and POISON in history:
            return Landing(STUCK, 0)
        return Landing(100 * route.child + len(history), history.count(UNKNOWN))

    def handles(self, version: int, event: int) -> bool:
        """Whether an actor on this version processes the event; the first version takes everything."""
        return version == 1 or event not in ((UNKNOWN, POISON) if version % 2 else (UNKNOWN,))

    def settle(self, standing: Standing, history: Sequence[int], *, resumed: bool) -> Standing:
        """Apply the rule."""
        return settle(
            standing,
            self.routes,
            lambda route: route.path.relation(history),
            lambda route, _: self.land(route, history),
            resumed=resumed,
        )

    def g(self, version: int, history: Sequence[int]) -> tuple[int, int]:
        """Where a history belongs, and the route that is pending for it: the rule as it is written."""
        for route in self.routes.of(version):
            if route.closed:
                continue
            relation = route.path.relation(history)
            if relation is Relation.PENDING:
                return version, route.child
            if relation is Relation.MATCH and self.land(route, history).outcome(route) is Outcome.MIGRATED:
                return self.g(route.child, history)
        return version, 0


ROUTE = st.tuples(st.integers(1, 4), TEXTS, st.booleans(), st.sampled_from([False, False, True]))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to seven versions."""
    drawn = enumerate(draw(st.lists(ROUTE, max_size=6)), start=1)
    return World.of(
        *((min(parent, number), texts, strict, closed) for number, (parent, texts, strict, closed) in drawn)
    )


@given(worlds(), HISTORY)
def test_a_history_is_put_where_it_belongs(world: World, history: list[int]) -> None:
    """In one go from the version spawned on: version, pending route and configuration."""
    standing = world.settle(Standing(1, 7), history, resumed=False)
    version, waiting = world.g(1, history)
    assert (standing.version, standing.waiting) == (version, waiting)
    landed = world.land(world.routes.by_child[version], history).configuration if version > 1 else 7
    assert standing.configuration == landed


@given(worlds(), HISTORY)
def test_event_by_event_comes_to_the_same(world: World, history: list[int]) -> None:
    """Resumed after each event, the walk stands where one from the start would, and has met every route there."""
    standing, beginning = world.settle(Standing(1, 0), [], resumed=False), list[int]()
    said = list(standing.judgements)
    for event in history:
        if not world.handles(standing.version, event):
            continue
        beginning.append(event)
        standing = Standing(standing.version, standing.configuration + 1, standing.waiting, standing.rescued)
        standing = world.settle(standing, beginning, resumed=True)
        said += standing.judgements
        assert (standing.version, standing.waiting) == world.g(1, beginning)
        met = [route.child for route in world.routes.of(standing.version) if not route.closed]
        assert set(met) <= {judgement.route.child for judgement in said}
    decided = [judgement.route.child for judgement in said if not judgement.outcome.deferred]
    assert len(decided) == len(set(decided))
    pending = [judgement.route.child for judgement in said if judgement.outcome is Outcome.PENDING]
    assert len(pending) == len(set(pending))


@given(worlds(), HISTORY)
def test_whoever_waits_knows_why(world: World, history: list[int]) -> None:
    """Every open route of the version where the walk stops has been judged: one may be pending, later ones blocked."""
    standing = world.settle(Standing(1, 0), history, resumed=False)
    outcomes = {judgement.route.child: judgement.outcome for judgement in standing.judgements}
    siblings = [route for route in world.routes.of(standing.version) if not route.closed]
    before = [outcomes[route.child] for route in siblings if not standing.waiting or route.child < standing.waiting]
    behind = [outcomes[route.child] for route in siblings if standing.waiting and route.child > standing.waiting]
    assert set(before) <= {Outcome.DIVERGED, Outcome.RESCUE}
    assert set(behind) <= {Outcome.BLOCKED}
    refused = [route.child for route in siblings if outcomes[route.child] is Outcome.RESCUE]
    assert standing.rescued == max(refused, default=0)


def outcomes(standing: Standing) -> list[tuple[int, Outcome]]:
    """(child, outcome) of the judgements, in order."""
    return [(judgement.route.child, judgement.outcome) for judgement in standing.judgements]


def test_a_walk_goes_down_the_forest() -> None:
    """Through a child to its child at once, and each judgement has the configuration that it was made in."""
    world = World.of((1, ["a"], False, False), (2, ["a", "b"], False, False))
    standing = world.settle(Standing(1, 7), [0, 1], resumed=False)
    assert standing == Standing(3, 302)
    found = [(made.before, made.landing) for made in standing.judgements]
    assert found == [(7, Landing(202, 0)), (202, Landing(302, 0))]


def test_whoever_arrives_meets_all_the_routes_there() -> None:
    """Also when the walk was resumed: of the child's routes nothing is on record yet."""
    world = World.of((1, ["a"], False, False), (2, ["a", "b"], False, False), (2, ["a", "c"], False, False))
    standing = world.settle(Standing(1, 0, waiting=2), [0], resumed=True)
    assert outcomes(standing) == [(2, Outcome.MIGRATED), (3, Outcome.PENDING), (4, Outcome.BLOCKED)]


def test_a_closed_route_is_passed_over() -> None:
    """It takes nobody, holds nobody and says nothing."""
    world = World.of((1, ["a", "b"], False, True), (1, ["a"], False, False))
    standing = world.settle(Standing(1, 0), [0], resumed=False)
    assert (standing.version, outcomes(standing)) == (3, [(3, Outcome.MIGRATED)])


@pytest.mark.parametrize("strict", [False, True])
def test_a_strict_route_refuses_a_landing_that_skips(*, strict: bool) -> None:
    """The next sibling has its turn; under the default policy the skip is only counted."""
    world = World.of((1, ["a"], strict, False), (1, ["a", "*"], False, False))
    standing = world.settle(Standing(1, 0), [0, UNKNOWN], resumed=False)
    expected = [(2, Outcome.RESCUE), (3, Outcome.MIGRATED)] if strict else [(2, Outcome.MIGRATED)]
    assert outcomes(standing) == expected
    assert standing.judgements[0].landing == Landing(202, 1)
    assert standing.rescued == 0


def test_who_was_refused_is_marked_until_it_moves() -> None:
    """``rescued`` names the route, stays over further events, and goes with the move to a version."""
    world = World.of((1, ["a"], True, False), (1, ["**", "b"], False, False))
    standing = world.settle(Standing(1, 0), [0, UNKNOWN], resumed=False)
    assert standing == Standing(1, 0, waiting=3, rescued=2)
    standing = world.settle(Standing(1, 0, waiting=3, rescued=2), [0, UNKNOWN, 1], resumed=True)
    assert standing == Standing(3, 303)


def test_a_replay_that_does_not_end_is_refused_by_every_route() -> None:
    """Whatever its policy."""
    world = World.of((1, [], False, False), (1, ["a"], False, False))
    standing = world.settle(Standing(1, 0), [0, POISON], resumed=False)
    assert outcomes(standing) == [(2, Outcome.MIGRATED)]
    world = World.of((1, [], False, True), (1, ["a"], False, False))
    standing = world.settle(Standing(1, 0), [0, POISON], resumed=False)
    assert (outcomes(standing), standing.rescued) == ([(3, Outcome.RESCUE)], 3)


def test_deferrals_are_two() -> None:
    """Pending and blocked may become something else; everything else is for good."""
    assert [outcome for outcome in Outcome if outcome.deferred] == [Outcome.PENDING, Outcome.BLOCKED]


def test_below_is_the_whole_tree() -> None:
    """Every route that starts at the version or at a version under it, and none beside it."""
    world = World.of(*((parent, [], False, False) for parent in (1, 2, 1, 3)))
    assert [route.child for route in world.routes.below(1)] == [2, 3, 5, 4]
    assert [route.child for route in world.routes.below(2)] == [3, 5]
    assert Judgement(world.routes.by_child[2], Outcome.FINAL, 0).landing is None
