"""What one actor must be by the routing rule, word for word: the plain account that ``verify`` holds the engine to.

The engine moves cohorts, looks steps up in tables, judges histories in C and remembers relations. Nothing of that is
here. An actor's spawn and events and the log of deploys and closes are gone through in the order of their positions:
the interpreter takes each step, the specification of paths judges each route, and a landing replays the history from
its beginning, or asks the state map. It is as slow as that sounds, and as easy to believe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import NamedTuple

from statekeep.daemon.routing.paths import Relation, State
from statekeep.daemon.routing.rule import Outcome, Route
from statekeep.daemon.statecharts import Chart, Configuration, NoLanding, StateMap, Unending


class Event(NamedTuple):
    """An event of the actor, as it is on record."""

    position: int
    symbol: int


class Change(NamedTuple):
    """A deploy of the child of a route, or the route's close."""

    position: int
    closes: bool
    route: Route


class Verdict(NamedTuple):
    """What must be on record about one route."""

    position: int
    route: Route
    outcome: Outcome
    events: int
    """Length of the history that was judged."""
    before: Configuration
    landing: Configuration | None
    skipped: int


class Unexpected(Exception):
    """An event is on record that the actor could not have processed where the rule had taken it."""

    def __init__(self, event: Event, accepted: Sequence[str]) -> None:
        super().__init__(event, accepted)
        self.event = event
        self.accepted = accepted
        """What it could have processed there."""


class Versions(NamedTuple):
    """What the account needs to know of the definitions."""

    chart: Callable[[int], Chart]
    event_type: Callable[[int], str]
    """The text of a symbol."""
    state_map: Callable[[int], StateMap | None]


class Expected:
    """One actor, from its spawn on; ``log`` is what was deployed and closed before that."""

    def __init__(self, versions: Versions, spawned_on: int, position: int, log: Iterable[Change]) -> None:
        self.version = spawned_on
        self.configuration = versions.chart(spawned_on).initial().configuration
        self.history: list[int] = []
        self.waiting = 0
        """The route that is pending and has first claim, by its child; 0 if none is."""
        self.needs_rescue = False
        self.finished = False
        self.verdicts: list[Verdict] = []
        self._versions = versions
        self._routes: list[Route] = []
        self._closed: set[Route] = set()
        self._last: dict[Route, Outcome] = {}
        self._states: dict[Route, State] = {}
        for change in log:
            self._learn(change)
        self._settle(position)

    def process(self, event: Event) -> None:
        """The next event: step, record, route, and finality last. Raises ``Unexpected``."""
        chart = self._versions.chart(self.version)
        try:
            step = chart.step(self.configuration, self._versions.event_type(event.symbol))
        except Unending:
            step = None
        if step is None or not (step.handled or step.configuration != self.configuration):
            raise Unexpected(event, chart.accepts(self.configuration))
        self.configuration = step.configuration
        self.history.append(event.symbol)
        for route, state in self._states.items():
            self._states[route] = route.path.advance(state, event.symbol)
        self._settle(event.position)

    def change(self, change: Change) -> None:
        """A deploy or a close while the actor is there."""
        self._learn(change)
        if not self.finished:
            self._settle(change.position)
        elif change.route.parent == self.version and not change.closes:
            self._note(change.position, change.route, Outcome.FINAL)

    def _learn(self, change: Change) -> None:
        if change.closes:
            self._closed.add(change.route)
        else:
            self._routes.append(change.route)

    def _settle(self, position: int) -> None:
        while self._hop(position):
            pass
        self.finished = self.configuration.status != "active"

    def _hop(self, position: int) -> bool:
        """Judge the routes of the version, first claim first, up to the one that takes the actor over, if any does."""
        self.waiting = 0
        for route in self._claims():
            if self.waiting:
                self._note(position, route, Outcome.BLOCKED)
                continue
            relation = self._relation(route)
            if relation is Relation.PENDING:
                self._note(position, route, Outcome.PENDING)
                self.waiting = route.child
            elif relation is Relation.DIVERGED:
                self._note(position, route, Outcome.DIVERGED)
            elif self._land(position, route):
                return True
        return False

    def _claims(self) -> list[Route]:
        """The routes that are open, and undecided for the actor, in deploy order."""
        return [
            route
            for route in self._routes
            if route.parent == self.version
            and route not in self._closed
            and self._last.get(route) not in (Outcome.DIVERGED, Outcome.RESCUE, Outcome.KEPT)
        ]

    def _relation(self, route: Route) -> Relation:
        if route not in self._states:
            self._states[route] = reduce(route.path.advance, self.history, route.path.start)
        return route.path.judge(self._states[route])

    def _land(self, position: int, route: Route) -> bool:
        """Move to the child, unless the landing is refused."""
        outcome, landing, skipped = self._landing(route)
        self._note(position, route, outcome, landing, skipped)
        if landing is None:
            self.needs_rescue = self.needs_rescue or outcome is Outcome.RESCUE
            return False
        self.version, self.configuration, self.needs_rescue = route.child, landing, False
        return True

    def _landing(self, route: Route) -> tuple[Outcome, Configuration | None, int]:
        """What comes of a match: where the actor lands, if it does, and how many events are skipped for that."""
        state_map = self._versions.state_map(route.child)
        if state_map is None:
            landing, skipped = self._replay(self._versions.chart(route.child))
            if landing is None or (route.strict and skipped):
                return Outcome.RESCUE, None, skipped
            return Outcome.MIGRATED, landing, skipped
        try:
            landing = state_map.land(self.configuration.value)
        except NoLanding:
            return Outcome.RESCUE, None, 0
        return Outcome.KEPT if landing is None else Outcome.MIGRATED, landing, 0

    def _replay(self, chart: Chart) -> tuple[Configuration | None, int]:
        """Where the history leads, ``None`` if a step does not end, and how many events were not handled till then."""
        configuration, skipped = chart.initial().configuration, 0
        for symbol in self.history:
            try:
                step = chart.step(configuration, self._versions.event_type(symbol))
            except Unending:
                return None, skipped
            configuration = step.configuration
            skipped += not step.handled
        return configuration, skipped

    def _note(
        self, position: int, route: Route, outcome: Outcome, landing: Configuration | None = None, skipped: int = 0
    ) -> None:
        """Put an outcome on record; a deferral that lasts is noted once."""
        if self._last.get(route) is not outcome:
            self._last[route] = outcome
            made = Verdict(position, route, outcome, len(self.history), self.configuration, landing, skipped)
            self.verdicts.append(made)


def log_of(routes: Iterable[Route]) -> list[Change]:
    """The deploys and closes of ``routes``, in order; of one that was closed as it was deployed, the deploy first."""
    deploys = [Change(route.deployed, False, route) for route in routes]
    closes = [Change(change.route.closed, True, change.route) for change in deploys if change.route.closed]
    return sorted([*deploys, *closes], key=lambda change: (change.position, change.closes))


def expect(versions: Versions, spawned_on: int, spawn: int, events: Sequence[Event], log: Sequence[Change]) -> Expected:
    """The actor that was spawned at position ``spawn`` and has processed ``events``, under ``log``.

    Raises:
        Unexpected: it could not have processed one of them.
    """
    actor = Expected(versions, spawned_on, spawn, [change for change in log if change.position < spawn])
    since: list[Event | Change] = [change for change in log if change.position > spawn]
    for happened in sorted([*events, *since], key=lambda happened: happened.position):
        if isinstance(happened, Event):
            actor.process(happened)
        else:
            actor.change(happened)
    return actor
