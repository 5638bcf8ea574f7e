"""Small worlds: all that deploys, closes and events of a few kinds can make of an actor.

A world is a sequence of changes: deploys, each under a version that is there, and closes. Its actors may take events
before, between and behind them in any number, so that all interleavings occur. They are followed at once: two actors
that agree in all that can be told of them have the same future, so each world holds one of a kind.

Events and closes go through ``Relations.settle``, deploys through the plan, and both through a sweep in small chunks.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from statekeep.daemon.routing import plan as planning
from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.paths import Relation
from statekeep.daemon.routing.relations import Relations
from statekeep.daemon.routing.rule import Judgement, Outcome, Route, Routes, Standing
from statekeep.daemon.routing.sweep import Sweep, one_by_one
from statekeep.daemon.statecharts import Table, load
from tests.engine.worlds import Machine
from tests.routing.patterns import ALPHABET, path, relation

ROOT = 1
EVENTS = "ab"
LONGEST = 3
"""Events of a history: one more than the longest path takes."""

CHUNK = 2
"""Cohorts that a sweep judges at a time: few enough that small worlds need several chunks."""

Texts = tuple[str, ...]


class Definition(NamedTuple):
    """A machine for the rule from scratch, and what the daemon makes of it."""

    machine: Machine
    table: Table

    @classmethod
    def of(cls, *moves: dict[str, int], final: bool = False) -> Definition:
        machine = Machine(moves, final)
        return cls(machine, Table(load(machine.definition()), ALPHABET.__getitem__))


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


def columns(actors: Iterable[Actor]) -> Cohorts:
    """A cohort for each."""
    cohorts = Cohorts()
    for actor in actors:
        cohorts.population[cohorts.add(actor.node, actor.standing(), finished=actor.finished)] = 1
    return cohorts


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

    def possible(self, deploys: Sequence[Deploy], *, closes: bool) -> list[Change]:
        """Each of ``deploys`` below each version, and with ``closes`` the end of each open route."""
        children = [child for child, _ in self.deploys]
        ends = [Close(child) for child in children if closes and not self.routes.by_child[child].closed]
        return [*(deploy._replace(parent=parent) for parent in [ROOT, *children] for deploy in deploys), *ends]

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
        cohorts = columns(actors)
        route = self.routes.by_child[self.deploys[-1][0]]
        planned = planning.plan(route, cohorts, HISTORIES, self.table(route.child))
        return self.swept(actors, Sweep(route.deployed, planned.members, planned.judge))

    def close(self, child: int, actors: list[Actor]) -> Iterator[Actor]:
        """Everybody, those who waited for the route as its later siblings judge them."""
        waiting = [number for number, actor in enumerate(actors, 1) if actor.waiting == child and not actor.finished]

        def settle(standing: Standing, node: int) -> None:
            self.relations.settle(standing, node, self.routes, self.table, resumed=True)

        return self.swept(actors, Sweep(0, array("I", waiting), one_by_one(waiting, columns(actors), settle)))

    def swept(self, actors: list[Actor], sweep: Sweep) -> Iterator[Actor]:
        todo = dict(enumerate(actors, start=1))
        while sweep.left:
            places = sweep.next(CHUNK)
            assert places, f"{self}: the sweep passes somebody over"
            for cohorts, judgements, standing in sweep.judge(places):
                for cohort in cohorts:
                    yield self.put(todo.pop(cohort), standing, judgements)
        yield from todo.values()

    def put(self, actor: Actor, standing: Standing | None, judgements: Sequence[Judgement]) -> Actor:
        """The actor where it stands now, with what was decided: no route twice."""
        record = set(actor.record)
        for route, outcome, *_ in judgements:
            done = {made for child, made in record if child == route.child}
            again = outcome in done or not all(made.deferred for made in done)
            assert not again, f"{self}: v{route.child} decides again"
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
    """Every world of so many changes at most, smaller ones first. See ``World.possible``."""
    level: Iterable[World] = [World(definitions)]
    for further in reversed(range(changes + 1)):
        if further:  # the last level is by far the largest, and nothing comes of it: it is not kept
            level = list(level)
        yield from level
        level = (world.after(change) for world in level for change in world.possible(deploys, closes=closes))
