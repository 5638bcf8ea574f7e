"""Engines for tests, and the routing rule applied actor by actor: the model that the engine is compared with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from statekeep.daemon.engine import About, Engine
from statekeep.daemon.store import open_store
from statekeep.protocol.errors import from_body
from statekeep.protocol.messages import Answer, AnyRequest

KEY = bytes(range(32))

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - directories in it have random names
"""Where thousands of short-lived stores go: a disk may take milliseconds for each of their syncs."""


def start(directory: Path, random: Callable[[int], bytes] = os.urandom) -> Engine:
    """An engine on the store in ``directory``, with a clock that ticks a second at each look."""
    clock = count(1_700_000_000_000, 1_000)
    store = open_store(directory / "store.db", KEY, now=0, random=random)
    return Engine(store, lambda: next(clock), About(1, "socket", str(directory), 0, 1 << 20, 64))


@contextmanager
def engine_in(directory: Path, random: Callable[[int], bytes] = os.urandom) -> Iterator[Engine]:
    """An engine that is closed behind the block."""
    engine = start(directory, random)
    try:
        yield engine
    finally:
        engine.close()


def ask(engine: Engine, request: AnyRequest) -> Any:
    """What one request, alone in its batch, is answered, after the end of a sweep if it must; a refusal is raised."""
    while (answer := engine.run([request])[0]) is None:
        pass
    if isinstance(answer, Answer):
        return answer.ok
    raise from_body(answer.error)


@dataclass(frozen=True)
class Machine:
    """A flat machine over one-letter events: for each state, where each event leads."""

    moves: tuple[dict[str, int], ...]
    final: bool
    """Whether the last state is final."""

    def definition(self) -> dict[str, Any]:
        states: dict[str, Any] = {
            f"q{number}": {"on": {event: f"q{to}" for event, to in moves.items()}}
            for number, moves in enumerate(self.moves)
        }
        if self.final:
            states[f"q{len(self.moves) - 1}"] = {"type": "final"}
        return {"initial": "q0", "states": states}

    def finished(self, state: int) -> bool:
        return self.final and state == len(self.moves) - 1

    def step(self, state: int, event: str) -> int | None:
        return None if self.finished(state) else self.moves[state].get(event)

    def replay(self, history: Sequence[str]) -> tuple[int, int]:
        """The state that a history leads to, and how many of its events were not handled."""
        state = skipped = 0
        for event in history:
            after = self.step(state, event)
            state, skipped = (state, skipped + 1) if after is None else (after, skipped)
        return state, skipped


def relation(path: Sequence[str], history: Sequence[str]) -> str:
    """Match, pending or diverged, by the definition: is a beginning accepted, or may a continuation be?"""

    def accepts(path: Sequence[str], history: Sequence[str]) -> bool:
        if not path:
            return not history
        if path[0] == "**":
            return accepts(path[1:], history) or (bool(history) and accepts(path, history[1:]))
        return bool(history) and path[0] in ("*", history[0]) and accepts(path[1:], history[1:])

    def may_yet(path: Sequence[str], history: Sequence[str]) -> bool:
        if not history or (path and path[0] == "**" and may_yet(path[1:], history)):
            return True
        if not path:
            return False
        rest = path if path[0] == "**" else path[1:]
        return path[0] in ("*", "**", history[0]) and may_yet(rest, history[1:])

    if any(accepts(path, history[:length]) for length in range(len(history) + 1)):
        return "match"
    return "pending" if may_yet(path, history) else "diverged"


StateMap = dict[int, int | None]
"""Where each state leads that has an entry; None has its actors stay."""


@dataclass
class ModelRoute:
    """An edge from a parent to its child, by the numbers of the versions."""

    parent: int
    child: int
    path: tuple[str, ...]
    strict: bool
    state_map: StateMap | None = None
    closed: bool = False


@dataclass
class ModelActor:
    """One actor, and all that was decided for it."""

    version: int
    state: int
    history: list[str] = field(default_factory=list)
    finished: bool = False
    erased: bool = False
    log: list[tuple[int, str, int]] = field(default_factory=list)
    """(route, outcome, events) in order."""

    def last(self, route: int) -> str | None:
        return next((outcome for about, outcome, _ in reversed(self.log) if about == route), None)

    def note(self, route: int, outcome: str) -> None:
        if self.last(route) != outcome:
            self.log.append((route, outcome, len(self.history)))


class Model:
    """g(h), word for word, for one actor after the other."""

    def __init__(self) -> None:
        self.machines: list[Machine] = []
        self.routes: list[ModelRoute] = []
        self.actors: list[ModelActor] = []

    def deploy(
        self,
        machine: Machine,
        parent: int | None,
        path: tuple[str, ...],
        *,
        strict: bool,
        state_map: StateMap | None = None,
        once: bool = False,
    ) -> None:
        self.machines.append(machine)
        if parent is None:
            return
        route = ModelRoute(parent, len(self.machines) - 1, path, strict, state_map)
        self.routes.append(route)
        for actor in self.actors:
            if actor.finished and actor.version == parent and not actor.erased:
                actor.note(route.child, "final")
            self.settle(actor)
        route.closed = once

    def close(self, route: ModelRoute) -> None:
        route.closed = True
        for actor in self.actors:
            self.settle(actor)

    def spawn(self, version: int) -> None:
        self.actors.append(ModelActor(version, 0))
        self.settle(self.actors[-1])

    def send(self, number: int, event: str) -> bool:
        actor = self.actors[number]
        after = self.machines[actor.version].step(actor.state, event)
        if after is None:
            return False
        actor.state = after
        actor.history.append(event)
        self.settle(actor)
        return True

    def settle(self, actor: ModelActor) -> None:
        if actor.finished or actor.erased:
            return
        while self._hop(actor):
            pass
        actor.finished = self.machines[actor.version].finished(actor.state)

    def _hop(self, actor: ModelActor) -> bool:
        waiting = False
        for route in self.routes:
            decided = actor.last(route.child) in ("diverged", "rescue", "kept")
            if route.parent != actor.version or route.closed or decided:
                continue
            if waiting:
                actor.note(route.child, "blocked")
                continue
            found = relation(route.path, actor.history)
            if found == "pending":
                actor.note(route.child, "pending")
                waiting = True
                continue
            outcome, state = (found, 0) if found == "diverged" else self._land(actor, route)
            actor.note(route.child, outcome)
            if outcome == "migrated":
                actor.version, actor.state = route.child, state
                return True
        return False

    def _land(self, actor: ModelActor, route: ModelRoute) -> tuple[str, int]:
        if route.state_map is None:
            state, skipped = self.machines[route.child].replay(actor.history)
            return ("rescue" if route.strict and skipped else "migrated"), state
        if actor.state not in route.state_map:
            return "rescue", 0
        target = route.state_map[actor.state]
        return ("kept", 0) if target is None else ("migrated", target)
