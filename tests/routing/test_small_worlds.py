"""Every small world: whatever the order of its events and deploys, the walk comes to what the rule says from scratch.

A world is a sequence of changes: deploys, each under a version that is there, and closes. Its actors may take events
before, between and behind them in any number, so that all interleavings occur. They are followed at once: two actors
that agree in all that can be told of them have the same future, so each world holds one of a kind.

The last tests break the rule on purpose, in each way that a reader might take for the rule, and see that it is noticed.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import product
from pathlib import Path as Directory
from typing import Any, NamedTuple

import pytest

from statekeep.daemon.routing import plan as planning
from statekeep.daemon.routing import relations as single
from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.paths import ANY_RUN, Path, Relation
from statekeep.daemon.routing.relations import Relations
from statekeep.daemon.routing.rule import Judgement, Outcome, Route, Routes, Standing
from statekeep.daemon.routing.sweep import Sweep
from statekeep.daemon.statecharts import Table, load
from tests.engine.test_worlds import Both, DeployStep, SendStep, SpawnStep
from tests.engine.worlds import Machine
from tests.routing.patterns import ALPHABET, path, relation

ROOT = 1
EVENTS = "ab"
LONGEST = 3
"""Events of a history: one more than the longest path takes."""

CHUNK = 2
"""Cohorts that a sweep judges at a time: few enough that small worlds need several chunks."""

Texts = tuple[str, ...]
LITERAL: list[Texts] = [(), ("a",), ("b",), ("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
PATTERNS: list[Texts] = [("*",), ("*", "b"), ("**", "b"), ("**", "b", "a"), ("a", "**", "b")]
FEW: list[Texts] = [(), ("a",), ("a", "b"), ("b", "a"), ("*", "b"), ("**", "b")]


class Definition(NamedTuple):
    """A machine for the rule from scratch, and what the daemon makes of it."""

    machine: Machine
    table: Table

    @classmethod
    def of(cls, *moves: dict[str, int], final: bool = False) -> Definition:
        machine = Machine(moves, final)
        return cls(machine, Table(load(machine.definition()), ALPHABET.__getitem__))


COUNTING = Definition.of({"a": 1, "b": 0}, {"a": 0, "b": 1})
LAST = Definition.of({"a": 1, "b": 0}, {"a": 1, "b": 0})
FINISHING = Definition.of({"a": 1, "b": 0}, {"a": 0, "b": 2}, {}, final=True)
SKIPPING = Definition.of({"a": 1}, {"a": 1, "b": 0})


def _grown() -> tuple[Histories, list[str]]:
    """All histories up to ``LONGEST``, and the events of each by its node."""
    histories, events = Histories(ALPHABET.__getitem__), [""]
    for before in events:
        if len(before) < LONGEST:
            for event in EVENTS:
                histories.grow(events.index(before), ALPHABET.index(event))
                events.append(before + event)
    return histories, events


HISTORIES, TEXT = _grown()
"""A growing list is walked to its end, so a node's events stand at its number."""


@cache
def said(texts: Texts, history: str) -> Relation:
    """The relation, by trying."""
    return relation(texts, [ALPHABET.index(event) for event in history])


class Deploy(NamedTuple):
    """A child of ``parent``; with ``once`` it is closed at the end of its sweep."""

    parent: int
    path: Texts
    strict: bool = False
    once: bool = False

    def __str__(self) -> str:
        policies = " strict" * self.strict + " once" * self.once
        return f"v{self.parent} -> {' '.join(self.path) or 'all'}{policies}"


class Close(NamedTuple):
    """The end of a route, by its child."""

    child: int

    def __str__(self) -> str:
        return f"close v{self.child}"


Change = Deploy | Close


class Actor(NamedTuple):
    """All that can be told of an actor."""

    node: int
    version: int
    configuration: int
    waiting: int
    rescued: int
    finished: bool
    record: frozenset[tuple[int, Outcome]]
    since: int = ROOT
    """The version from which the rule starts over: where it belonged at the last close, for what is done is done."""
    frozen: bool = False
    """Whether it had finished when the routes last changed."""

    def standing(self) -> Standing:
        return Standing(self.version, self.configuration, self.waiting, self.rescued)


@dataclass(frozen=True)
class World:
    """What has been changed so far, and everybody who may have come of it."""

    definitions: tuple[Definition, Definition]
    """Of versions with an even and with an odd number."""
    changes: tuple[Change, ...] = ()
    before: frozenset[Actor] = frozenset()
    """As the last change left them, before any further event."""

    def __str__(self) -> str:
        return "; ".join(map(str, self.changes))

    def machine(self, version: int) -> Machine:
        return self.definitions[version % 2].machine

    def table(self, version: int) -> Table:
        return self.definitions[version % 2].table

    @cached_property
    def deploys(self) -> list[tuple[int, Deploy]]:
        """Each with its child, first claim first."""
        return list(enumerate((change for change in self.changes if isinstance(change, Deploy)), start=ROOT + 1))

    @cached_property
    def routes(self) -> Routes:
        routes = Routes()
        closed = {change.child for change in self.changes if isinstance(change, Close)}
        for child, (parent, texts, strict, once) in self.deploys:
            route = Route(child, parent, path(texts), strict, deployed=child, closed=child * (once or child in closed))
            routes.add(route)
        return routes

    @cached_property
    def relations(self) -> Relations:
        return Relations(HISTORIES)

    def g(self, version: int, history: str) -> tuple[int, int]:
        """Where a history belongs, and the route that is pending for it: the rule as it is written."""
        for child, (parent, texts, strict, _) in self.deploys:
            if parent != version or self.routes.by_child[child].closed:
                continue
            found = said(texts, history)
            if found is Relation.PENDING:
                return version, child
            if found is Relation.MATCH and not (strict and self.machine(child).replay(history)[1]):
                return self.g(child, history)
        return version, 0

    def after(self, change: Change) -> World:
        """The world in which this has been changed too, and swept."""
        world = World(self.definitions, (*self.changes, change))
        actors = [actor._replace(frozen=actor.finished, since=self.base(actor)) for actor in self.actors]
        if isinstance(change, Close):
            open_yet, left = self, world.close(change.child, actors)
        else:
            open_yet = World(self.definitions, (*self.changes, change._replace(once=False)))
            left = world.deploy(actors)
        if isinstance(change, Close) or change.once:
            left = (actor._replace(since=open_yet.g(actor.since, TEXT[actor.node])[0]) for actor in left)
        return World(self.definitions, world.changes, frozenset(left))

    def base(self, actor: Actor) -> int:
        """Where the rule starts over after this moment.

        A strict route that let an actor pass may refuse its history later, when a version further down has handled
        events that the route's own does not: from scratch, only the next step can be foretold.
        """
        return actor.version if any(deploy.strict for _, deploy in self.deploys) else actor.since

    def deploy(self, actors: list[Actor]) -> Iterator[Actor]:
        """Everybody as the plan of the last route leaves them."""
        cohorts = Cohorts()
        for actor in actors:
            cohorts.population[cohorts.add(actor.node, actor.standing(), finished=actor.finished)] = 1
        route = self.routes.by_child[self.deploys[-1][0]]
        planned = planning.plan(route, cohorts, HISTORIES, self.table(route.child))
        return self.swept(actors, Sweep(route.deployed, planned.members, planned.judge))

    def close(self, child: int, actors: list[Actor]) -> Iterator[Actor]:
        """Everybody, those who waited for the route as its later siblings judge them."""
        cohorts = [number for number, actor in enumerate(actors, 1) if actor.waiting == child and not actor.finished]

        def judge(place: int) -> tuple[list[Judgement], Standing]:
            actor = actors[cohorts[place] - 1]
            standing = actor.standing()
            self.relations.settle(standing, actor.node, self.routes, self.table, resumed=True)
            return standing.judgements, standing

        return self.swept(actors, Sweep(0, array("I", cohorts), judge))

    def swept(self, actors: list[Actor], sweep: Sweep) -> Iterator[Actor]:
        todo = dict(enumerate(actors, start=1))
        while sweep.left:
            places = sweep.next(CHUNK)
            assert places, f"{self}: the sweep passes somebody over"
            for cohort, judgements, standing in map(sweep.judge, places):
                yield self.put(todo.pop(cohort), standing, judgements)
        yield from todo.values()

    def put(self, actor: Actor, standing: Standing | None, judgements: Sequence[Judgement]) -> Actor:
        """The actor where it stands now, with what was decided: no route twice."""
        record = set(actor.record)
        for route, outcome, *_ in judgements:
            done = {made for child, made in record if child == route.child}
            assert outcome not in done and all(made.deferred for made in done), f"{self}: v{route.child} decides again"
            record.add((route.child, outcome))
        actor = actor._replace(record=frozenset(record))
        if standing is None:
            return actor
        assert not actor.finished, f"{self}: {TEXT[actor.node]} is moved, and had finished"
        finished = self.table(standing.version).configurations[standing.configuration].status == "done"
        return actor._replace(
            version=standing.version,
            configuration=standing.configuration,
            waiting=standing.waiting,
            rescued=standing.rescued,
            finished=finished,
        )

    @cached_property
    def actors(self) -> set[Actor]:
        """Everybody, after any number of events that they take; the newly spawned too."""
        new = Actor(0, ROOT, self.table(ROOT).initial, 0, 0, finished=False, record=frozenset())
        standing = new.standing()
        self.relations.settle(standing, 0, self.routes, self.table, resumed=False)
        todo, found = [*self.before, self.put(new, standing, standing.judgements)], set[Actor]()
        while todo:
            actor = todo.pop()
            if actor not in found:
                found.add(actor)
                todo.extend(self.sent(actor))
        return found

    def sent(self, actor: Actor) -> Iterator[Actor]:
        """The actor after each event that it takes."""
        if actor.finished or len(TEXT[actor.node]) == LONGEST:
            return
        for symbol in map(ALPHABET.index, EVENTS):
            entry = self.table(actor.version).next(actor.configuration, symbol)
            if not entry & 1:
                continue
            node = HISTORIES.child(actor.node, symbol)
            assert node is not None
            standing = Standing(actor.version, entry >> 1, actor.waiting, actor.rescued)
            self.relations.settle(standing, node, self.routes, self.table, resumed=True)
            yield self.put(actor._replace(node=node, since=self.base(actor)), standing, standing.judgements)

    def check(self) -> None:
        """Everybody stands where the rule puts its history, in the state that its replay ends in, and knows for what.

        Whoever had finished before the last change was looked at before it.
        """
        those = sorted((actor for actor in self.actors if not actor.frozen), key=lambda actor: actor.node)
        belong = [self.g(actor.since, TEXT[actor.node]) for actor in those]
        for actor, (version, _) in zip(those, belong, strict=True):
            history = TEXT[actor.node]
            assert actor.version == version, f"{self}: [{history}] is on v{actor.version}, not on v{version}"
            state = self.table(version).configurations[actor.configuration].value
            assert state == f"q{self.machine(version).replay(history)[0]}", f"{self}: [{history}] is in {state}"
        for actor, (_, waiting) in zip(those, belong, strict=True):
            assert actor.waiting == waiting, f"{self}: [{TEXT[actor.node]}] waits for v{actor.waiting}"


def worlds(
    definitions: tuple[Definition, Definition], deploys: Sequence[Deploy], changes: int, *, closes: bool
) -> Iterator[World]:
    """Every world of so many changes at most, smaller ones first. ``deploys`` are to be had below any version."""
    todo = deque([World(definitions)])
    while todo:
        world = todo.popleft()
        yield world
        if len(world.changes) == changes:
            continue
        children = [child for child, _ in world.deploys]
        ends = [Close(child) for child in children if closes and not world.routes.by_child[child].closed]
        begins = [deploy._replace(parent=parent) for parent in [ROOT, *children] for deploy in deploys]
        todo.extend(world.after(change) for change in [*begins, *ends])


def plain(paths: Sequence[Texts]) -> list[Deploy]:
    """A deploy of each path, and one that is closed at once."""
    return [Deploy(ROOT, texts, once=once) for texts in paths for once in (False, True)]


@pytest.mark.parametrize("definitions", [(COUNTING, LAST), (SKIPPING, FINISHING), (FINISHING, SKIPPING)])
@pytest.mark.parametrize(
    ("deploys", "changes", "closes"),
    [
        pytest.param([Deploy(ROOT, texts) for texts in FEW], 3, False, id="three-deploys"),
        pytest.param(plain(LITERAL + PATTERNS), 2, True, id="two-changes"),
        pytest.param(plain(LITERAL + PATTERNS), 3, True, id="three-changes", marks=pytest.mark.slow),
        pytest.param([Deploy(ROOT, texts) for texts in FEW], 4, True, id="four-changes", marks=pytest.mark.slow),
    ],
)
def test_every_interleaving_comes_to_what_the_rule_says(
    definitions: tuple[Definition, Definition], deploys: list[Deploy], changes: int, *, closes: bool
) -> None:
    """Version, configuration and pending route, in every world and after every step of every actor."""
    for world in worlds(definitions, deploys, changes, closes=closes):
        world.check()


def test_strict_routes_are_followed_step_by_step() -> None:
    """Each step leads to where the rule puts the longer history from there; every outcome occurs."""
    deploys = [Deploy(ROOT, texts, strict=strict) for texts in LITERAL + PATTERNS for strict in (False, True)]
    outcomes = set[Outcome]()
    for world in worlds((FINISHING, SKIPPING), deploys, 2, closes=True):
        world.check()
        outcomes.update(outcome for actor in world.actors for _, outcome in actor.record)
    assert outcomes == set(Outcome)


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


def greedy(patch: pytest.MonkeyPatch) -> None:
    """The first route that matches takes an actor for which an earlier one is pending."""
    rule = single.settle

    def settle(
        standing: Standing, routes: Routes, relation: Callable[[Route], Relation], land: Any, *, resumed: bool
    ) -> Standing:
        del resumed
        matching = lambda route: Relation.MATCH if relation(route) is Relation.MATCH else Relation.DIVERGED  # noqa: E731
        rule(standing, routes, matching, land, resumed=False)
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
    judging(
        patch,
        lambda path, symbols: Relation.MATCH if path.relation(symbols) is Relation.MATCH else Relation.DIVERGED,
    )


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
        (greedy, "x"),
        (longest, "x"),
        (newest_first, "x"),
        (exact, "x"),
        (contains, "x"),
        (no_pending, "x"),
        (finality_first, "x"),
        (cursor_off_by_one, "x"),
    ],
)
def test_a_mutant_of_the_rule_is_killed(mutate: Mutation, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest world in which it makes a difference is noticed."""
    mutate(monkeypatch)
    with pytest.raises(AssertionError) as noticed:
        for world in worlds((LAST, FINISHING), [Deploy(ROOT, texts) for texts in FEW], 2, closes=False):
            world.check()
    assert str(noticed.value).splitlines()[0] == seen


def test_the_engine_judges_finality_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Directory) -> None:
    """With the order reversed, the engine leaves an actor on v0 that finishes with the event that v1 waits for."""
    world = [DeployStep(LAST.machine, 0, ("a", "b"), strict=False), SpawnStep(0), SendStep(0, "a"), SendStep(0, "b")]
    finality_first(monkeypatch)
    both = Both(tmp_path, FINISHING.machine)
    try:
        with pytest.raises(AssertionError):
            for step in world:
                both.take(step)
    finally:
        both.engine.close()
