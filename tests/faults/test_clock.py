"""Clocks that jump: what happened is ordered by position, and time is only what the clock said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from statekeep.daemon.engine import About, Engine
from statekeep.daemon.store import open_store
from statekeep.protocol.errors import ActorErased
from statekeep.protocol.messages import (
    Actors,
    Decisions,
    Deploy,
    Deployments,
    Erase,
    Get,
    History,
    KeyRotate,
    KeyStatus,
    Send,
    Spawn,
)
from tests.daemon.serving import LIGHT
from tests.engine.worlds import KEY, ask
from tests.faults.workload import differences

HOUR = 3_600_000
NOW = 1_700_000_000_000
JUMPS = [NOW, NOW + HOUR, NOW, NOW - HOUR, NOW + 20 * 365 * 24 * HOUR, NOW - 20 * 365 * 24 * HOUR, 0, NOW]
"""An hour and twenty years in both directions, and 1970."""


class Clock:
    """Says what it was set to, and nothing else."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@contextmanager
def engine_at(directory: Path, clock: Clock) -> Iterator[Engine]:
    """An engine whose clock is the test's."""
    store = open_store(directory / "store.db", KEY, now=clock.now)
    with closing(Engine(store, clock, About(1, "s", "d", clock.now, 1 << 16, 16))) as engine:
        yield engine


@pytest.mark.parametrize("restarts", [False, True])
def test_order_is_by_position(room: Path, restarts: bool) -> None:
    """Events, decisions, deploys and repeats go on in their order over every jump, also when it is met at a start."""
    clock, number = Clock(), 0
    with engine_at(room, clock) as engine:
        ask(engine, Deploy("v0", LIGHT))
        ask(engine, Spawn("v0", "lamp"))
    lives = [[jump] for jump in JUMPS] if restarts else [JUMPS]
    for jumps in lives:
        clock.now = jumps[0]
        with engine_at(room, clock) as engine:
            for clock.now in jumps:
                number += 1
                first = ask(engine, Send("lamp", "TOGGLE", number, idempotency_key=f"{number}"))
                assert ask(engine, Send("lamp", "TOGGLE", number, idempotency_key=f"{number}")).repeated
                assert ask(engine, Get("lamp")).events == number == first.events
                ask(engine, Deploy(f"v{number}", LIGHT, parent=f"v{number - 1}", path=["TOGGLE"] * (number + 1)))
    with engine_at(room, clock) as engine:
        events = ask(engine, History("lamp", limit=100)).events
        assert [event.payload for event in events] == list(range(1, number + 1))
        assert [event.time for event in events] == JUMPS
        for rows in (events, ask(engine, Decisions(actor="lamp")).decisions, ask(engine, Deployments()).deployments):
            assert all(one.position <= other.position for one, other in pairwise(rows))
        assert differences(engine) == []


@pytest.mark.parametrize("jump", JUMPS)
def test_what_is_to_be_completed_is_completed(room: Path, jump: int) -> None:
    """An erasure and a rotation need no clock that goes forward."""
    clock = Clock()
    with engine_at(room, clock) as engine:
        ask(engine, Deploy("v0", LIGHT))
        for _ in range(3):
            ask(engine, Spawn("v0"))
        ask(engine, KeyRotate())
        clock.now = jump
        assert ask(engine, Erase(1)).time == jump
        assert not engine._store.erasures.unfinished
        while engine.rotating:
            engine.run([])
        assert ask(engine, KeyStatus()).left == 0
        with pytest.raises(ActorErased):
            ask(engine, Get(1))
        assert [actor.id for actor in ask(engine, Actors()).actors] == [2, 3]
