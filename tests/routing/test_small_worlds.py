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

COUNTING = Machine(({"a": 1, "b": 0}, {"a": 0, "b": 1}), final=False)
LAST = Machine(({"a": 1, "b": 0}, {"a": 1, "b": 0}), final=False)
FINISHING = Machine(({"a": 1, "b": 0}, {"a": 0, "b": 2}, {}), final=True)
SKIPPING = Machine(({"a": 1}, {"a": 1, "b": 0}), final=False)


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


@cache
def table_of(machine: Machine) -> Table:
    """What the daemon makes of a machine."""
    return Table(load(machine.definition()), ALPHABET.__getitem__)


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
    since: int
    """Where it belonged at the last close: what a route did before it was closed is done."""

    def standing(self) -> Standing:
        return Standing(self.version, self.configuration, self.waiting, self.rescued)


@dataclass(frozen=True)
class World:
    """What has been changed so far, and everybody who may have come of it."""

    machines: tuple[Machine, Machine]
    """Of versions with an even and with an odd number."""
    changes: tuple[Change, ...] = ()
    before: frozenset[Actor] = frozenset()
    """As the last change left them, before any further event."""

    def __str__(self) -> str:
        return "; ".join(map(str, self.changes))

    def machine(self, version: int) -> Machine:
        return self.machines[version % 2]

    def table(self, version: int) -> Table:
        return table_of(self.machine(version))

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
        world = World(self.machines, (*self.changes, change))
        if isinstance(change, Close):
            open_yet, left = self, world.close(change.child, list(self.actors))
        else:
            open_yet = World(self.machines, (*self.changes, change._replace(once=False)))
            left = world.deploy(list(self.actors))
        if isinstance(change, Close) or change.once:
            left = (actor._replace(since=open_yet.g(actor.since, TEXT[actor.node])[0]) for actor in left)
        return World(self.machines, world.changes, frozenset(left))

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
        where = (standing.version, standing.configuration, standing.waiting, standing.rescued)
        return Actor(actor.node, *where, finished, actor.record, actor.since)

    @cached_property
    def actors(self) -> set[Actor]:
        """Everybody, after any number of events that they take; the newly spawned too."""
        new = Actor(0, ROOT, self.table(ROOT).initial, 0, 0, finished=False, record=frozenset(), since=ROOT)
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
            yield self.put(actor._replace(node=node), standing, standing.judgements)

    def check(self) -> None:
        """Everybody who is live stands where the rule puts its history, in the state that its replay ends in."""
        for actor in self.actors:
            if actor.finished:
                continue
            history = TEXT[actor.node]
            stands, belongs = (actor.version, actor.waiting), self.g(actor.since, history)
            assert stands == belongs, f"{self}: {history or 'nothing'} stands at {stands}, belongs at {belongs}"
            state = self.table(actor.version).configurations[actor.configuration].value
            assert state == f"q{self.machine(actor.version).replay(history)[0]}", f"{self}: {history} is in {state}"


def worlds(machines: tuple[Machine, Machine], deploys: Sequence[Deploy], changes: int, *, closes: bool) -> Iterator[World]:
    """Every world of so many changes at most, smaller ones first. ``deploys`` are to be had below any version."""
    todo = deque([World(machines)])
    while todo:
        world = todo.popleft()
        yield world
        if len(world.changes) == changes:
            continue
        children = [child for child, _ in world.deploys]
        ends = [Close(child) for child in children if closes and not world.routes.by_child[child].closed]
        begins = [deploy._replace(parent=parent) for parent in [ROOT, *children] for deploy in deploys]
        todo.extend(world.after(change) for change in [*begins, *ends])
