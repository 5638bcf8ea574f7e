"""Every small world: whatever the order of its events and deploys, the walk comes to what the rule says from scratch.

The last tests break the rule on purpose, in each way that a reader might take for the rule, and see that it is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path as Directory
from typing import Any

import pytest

from statekeep.daemon.routing import plan as planning
from statekeep.daemon.routing import relations as single
from statekeep.daemon.routing import rule
from statekeep.daemon.routing.paths import ANY_RUN, Path, Relation
from statekeep.daemon.routing.relations import Relations
from statekeep.daemon.routing.rule import Outcome, Route, Routes, Standing
from statekeep.daemon.routing.sweep import Sweep
from tests.engine.test_worlds import Both, DeployStep, SendStep, SpawnStep, Step
from tests.routing.small_worlds import HISTORIES, ROOT, Definition, Deploy, Texts, World, worlds

LITERAL: list[Texts] = [(), ("a",), ("b",), ("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
PATTERNS: list[Texts] = [("*",), ("*", "b"), ("**", "b"), ("**", "b", "a"), ("a", "**", "b")]
FEW: list[Texts] = [(), ("a",), ("a", "b"), ("b", "a"), ("*", "b"), ("**", "b")]

COUNTING = Definition.of({"a": 1, "b": 0}, {"a": 0, "b": 1})
LAST = Definition.of({"a": 1, "b": 0}, {"a": 1, "b": 0})
FINISHING = Definition.of({"a": 1, "b": 0}, {"a": 0, "b": 2}, {}, final=True)
SKIPPING = Definition.of({"a": 1}, {"a": 1, "b": 0})


def each(paths: Sequence[Texts]) -> list[Deploy]:
    """A deploy of each path."""
    return [Deploy(ROOT, texts) for texts in paths]


def each_twice(paths: Sequence[Texts]) -> list[Deploy]:
    """A deploy of each path that stays open, and one that is closed at once."""
    return [Deploy(ROOT, texts, once=once) for texts in paths for once in (False, True)]


def check_all(them: Iterable[World]) -> None:
    """Raises ``AssertionError`` at the first world where somebody is misplaced."""
    for world in them:
        world.check()


@pytest.mark.parametrize("definitions", [(COUNTING, LAST), (SKIPPING, FINISHING), (FINISHING, SKIPPING)])
@pytest.mark.parametrize(
    ("deploys", "changes", "closes"),
    [
        pytest.param(each(FEW), 3, False, id="three-deploys"),
        pytest.param(each_twice(LITERAL + PATTERNS), 2, True, id="two-changes"),
        pytest.param(each(LITERAL + PATTERNS), 3, True, id="three-changes", marks=pytest.mark.slow),
        pytest.param(each_twice(FEW), 3, True, id="three-changes-once", marks=pytest.mark.slow),
        pytest.param(each(FEW), 4, True, id="four-changes", marks=pytest.mark.slow),
    ],
)
def test_every_interleaving_comes_to_what_the_rule_says(
    definitions: tuple[Definition, Definition], deploys: list[Deploy], changes: int, *, closes: bool
) -> None:
    """Version, configuration and pending route, in every world and after every step of every actor."""
    check_all(worlds(definitions, deploys, changes, closes=closes))


def test_strict_routes_are_followed_step_by_step() -> None:
    """Each step leads to where the rule puts the longer history from there; every outcome occurs."""
    deploys = [Deploy(ROOT, texts, strict=strict) for texts in LITERAL + PATTERNS for strict in (False, True)]
    outcomes = set[Outcome]()
    for world in worlds((FINISHING, SKIPPING), deploys, 2, closes=True):
        world.check()
        outcomes.update(outcome for actor in world.actors for _, outcome in actor.record)
    assert outcomes == set(Outcome) - {Outcome.KEPT}


Mutation = Callable[[pytest.MonkeyPatch], None]


def judging(patch: pytest.MonkeyPatch, judge: Callable[[Path, list[int]], Relation]) -> None:
    """Replace what a path says about a history, for events and for deploys."""
    patch.setattr(Relations, "relation", lambda _, route, node: judge(route.path, HISTORIES.symbols(node)))
    patch.setattr(
        planning, "relate", lambda trie, path: bytearray(judge(path, trie.symbols(node)) for node in range(len(trie)))
    )


def ordering(patch: pytest.MonkeyPatch, order: Callable[[Sequence[Route]], Sequence[Route]]) -> None:
    """Replace the order in which routes have their claim."""
    of = Routes.of
    patch.setattr(Routes, "of", lambda routes, parent: order(of(routes, parent)))


def matched(relation: Relation) -> Relation:
    """The relation if nothing were pending."""
    return Relation.DIVERGED if relation is Relation.PENDING else relation


def greedy(patch: pytest.MonkeyPatch) -> None:
    """The first route that matches takes an actor for which an earlier one is pending."""

    def settle(
        standing: Standing, routes: Routes, relation: Callable[[Route], Relation], land: Any, *, resumed: bool
    ) -> Standing:
        del resumed
        rule.settle(standing, routes, lambda route: matched(relation(route)), land, resumed=False)
        standing.judgements = [made for made in standing.judgements if made.outcome is not Outcome.DIVERGED]
        there = (route for route in routes.of(standing.version) if not route.closed)
        standing.waiting = next((route.child for route in there if relation(route) is Relation.PENDING), 0)
        return standing

    patch.setattr(single, "settle", settle)


def longest(patch: pytest.MonkeyPatch) -> None:
    """The route with the longest path goes first."""
    ordering(patch, lambda routes: sorted(routes, key=lambda route: -len(route.path.tokens)))


def newest_first(patch: pytest.MonkeyPatch) -> None:
    """The last deploy goes first."""
    ordering(patch, lambda routes: routes[::-1])


def exact(patch: pytest.MonkeyPatch) -> None:
    """A path takes a history only at the event that completes it."""

    def judge(path: Path, symbols: list[int]) -> Relation:
        late = symbols and path.relation(symbols[:-1]) is Relation.MATCH
        return Relation.DIVERGED if late else path.relation(symbols)

    judging(patch, judge)


def contains(patch: pytest.MonkeyPatch) -> None:
    """A path may begin anywhere in a history."""
    judging(patch, lambda path, symbols: Path((ANY_RUN, *path.tokens), path.hash).relation(symbols))


def no_pending(patch: pytest.MonkeyPatch) -> None:
    """What does not match has diverged."""
    judging(patch, lambda path, symbols: matched(path.relation(symbols)))


def finality_first(patch: pytest.MonkeyPatch) -> None:
    """An event that finishes its actor routes it no more."""
    settle = Relations.settle

    def unless_done(
        relations: Relations, standing: Standing, node: int, routes: Routes, table_of: Any, **how: bool
    ) -> None:
        if table_of(standing.version).configurations[standing.configuration].status == "active":
            settle(relations, standing, node, routes, table_of, **how)

    patch.setattr(Relations, "settle", unless_done)


def cursor_off_by_one(patch: pytest.MonkeyPatch) -> None:
    """Each chunk of a sweep begins one place too late."""
    following = Sweep.next

    def skipping(sweep: Sweep, limit: int) -> list[int]:
        places = following(sweep, limit)
        sweep._at += 1
        return places

    patch.setattr(Sweep, "next", skipping)


@pytest.mark.parametrize(
    ("mutate", "seen"),
    [
        # The empty history may still begin with ``a``, so v2 holds it; the mutant lets v3 have it.
        (greedy, "v1 -> a; v1 -> all: [] is on v3, not on v1"),
        # The older route takes everybody; the mutant waits for ``a``, because that path is longer.
        (longest, "v1 -> all; v1 -> a: [] is on v1, not on v2"),
        # Two routes for everybody: whoever is spawned behind both deploys is taken by the second.
        (newest_first, "v1 -> all; v1 -> all: [] is on v3, not on v2"),
        # The path of nothing was completed at the spawn; who had taken an event by the deploy is left behind.
        (exact, "v1 -> all: [a] is on v1, not on v2"),
        # Whoever began with ``b`` has diverged from the path ``a``; the mutant finds the ``a`` behind it.
        (contains, "v1 -> a: [ba] is on v2, not on v1"),
        # Before its first event an actor is told that it has diverged, and its ``a`` comes too late.
        (no_pending, "v1 -> a: [a] is on v1, not on v2"),
        # The ``b`` that completes the path also finishes the actor on v1, where it should have left.
        (finality_first, "v1 -> a b: [ab] is on v1, not on v2"),
        # More cohorts than a chunk holds: the first of the next chunk is never judged.
        (cursor_off_by_one, "v1 -> all: the sweep passes somebody over"),
    ],
)
def test_a_mutant_of_the_rule_is_killed(mutate: Mutation, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest world in which it makes a difference is noticed."""
    mutate(monkeypatch)
    with pytest.raises(AssertionError) as noticed:
        check_all(worlds((LAST, FINISHING), each(FEW), 2, closes=False))
    assert str(noticed.value).splitlines()[0] == seen


def test_the_engine_judges_finality_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Directory) -> None:
    """The event that v1 waits for would finish the actor on v0: it is moved; with the order reversed, it is not."""
    world: list[Step] = [
        DeployStep(LAST.machine, 0, ("a", "b"), strict=False),
        SpawnStep(0),
        SendStep(0, "a"),
        SendStep(0, "b"),
    ]
    follow(world, tmp_path / "right")
    finality_first(monkeypatch)
    with pytest.raises(AssertionError, match="'v0', 'q2'"):
        follow(world, tmp_path / "reversed")


def follow(world: list[Step], directory: Directory) -> None:
    """Drive engine and model through a world that begins on a machine that can finish."""
    directory.mkdir()
    both = Both(directory, FINISHING.machine)
    try:
        for step in world:
            both.take(step)
    finally:
        both.engine.close()
