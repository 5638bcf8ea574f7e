"""The screens on real daemons: with the loans of the story, and with a million actors."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from statekeep.protocol import Client
from statekeep.protocol.messages import Deploy, Send, Spawn
from statekeep.tui.cli import loan, story
from statekeep.tui.cli.throwaway import ThrowawayDaemon
from tests.bench.bench_deploy import engine_on, run
from tests.engine.worlds import MEMORY
from tests.tui.stage import Stage, play_on

MILLION = 1_000_000
SUBMITTED = 300_000

QUICK = 1.5
"""Seconds that a key may take on a busy machine; on a quiet one it is a tenth of that."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def million() -> Iterator[ThrowawayDaemon]:
    """A daemon with a million loans, of which each has its key, and 300,000 have submitted something."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        data = Path(directory, "data")
        data.mkdir(mode=0o700)
        _fill(data)
        with ThrowawayDaemon(Path(directory), data) as daemon:
            yield daemon


def _fill(data: Path) -> None:
    engine = engine_on(data)
    try:
        run(engine, [Deploy("loan-v1", loan.definition("loan-v1"))])
        for first in range(0, MILLION, 10_000):
            run(engine, [Spawn("loan-v1", key=f"usr-{n:07}") for n in range(first, first + 10_000)])
        for first in range(0, SUBMITTED, 10_000):
            run(engine, [Send(n + 1, "SUBMIT_INFO") for n in range(first, first + 10_000)])
    finally:
        engine.close()


async def quickly(stage: Stage, *keys: str) -> None:
    """Press keys, of which each has to be answered in a moment."""
    for key in keys:
        began = time.perf_counter()
        await stage.press(key)
        took = time.perf_counter() - began
        sys.stdout.write(f"{key:12}{1e3 * took:8.0f} ms\n")
        assert took < QUICK, f"{key} took {took:.1f} s"


def test_a_million_actors_are_no_more_trouble_than_ten(million: ThrowawayDaemon) -> None:
    """Opened, scrolled, jumped through, filtered and sorted, each key within a moment."""

    async def scene(stage: Stage) -> None:
        await quickly(stage, "2")
        assert "1 of 1,000,000" in stage.text
        await quickly(stage, *["ctrl+d"] * 8, *["pagedown"] * 8, "G")
        assert "1,000,000 of 1,000,000" in stage.text
        assert "usr-0999999" in stage.text
        await quickly(stage, "k", "g", "s")
        assert "latest first" in stage.text
        assert "usr-0299999" in stage.text
        await quickly(stage, "G")
        assert "usr-0300000" in stage.text  # who was spawned first of those who did nothing since
        await quickly(stage, "slash")
        await stage.type("state:under_review version:loan-v1")
        await quickly(stage, "enter")
        assert "1 of 300,000" in stage.text
        await quickly(stage, "s", "G")
        assert "300,000 of 300,000" in stage.text
        assert "usr-0299999" in stage.text
        await quickly(stage, "slash", "ctrl+u")
        await stage.type("key:usr-00000*")
        await quickly(stage, "enter")
        assert "usr-0000001" in stage.text
        assert "1 of 101 or more" in stage.text or "1 of 100" in stage.text

    play_on(million.socket, scene)


def test_who_of_a_million_would_move_is_seen_line_by_line(million: ThrowawayDaemon, tmp_path: Path) -> None:
    """The tree of histories, the preview of a path of it, and the last of the 300,000 behind its line."""
    file = loan.file("loan-v2")

    async def scene(stage: Stage) -> None:
        await quickly(stage, "4")
        assert "300,000" in stage.text
        await quickly(stage, "j", "d")
        await stage.type(str(file))
        await stage.settle()
        assert "300,000 would migrate to loan-v2, 700,000 would stay." in stage.text
        await quickly(stage, "escape", "enter", "G")
        assert "usr-0299999" in stage.text

    play_on(million.socket, scene)


@pytest.fixture
def loans(tmp_path: Path) -> Iterator[ThrowawayDaemon]:
    """A daemon with the 2,050 loans of the story."""
    with ThrowawayDaemon(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("loan-v1", loan.definition("loan-v1"))
        story._apply(client)
        yield daemon


def test_the_loans_are_deployed_looked_at_and_followed(loans: ThrowawayDaemon) -> None:
    """From the preview to the sweep, then the decisions, an actor, an event for it, and its erasure."""

    async def scene(stage: Stage) -> None:
        await stage.press("5")
        for text in (str(loan.file("loan-v2")), "", "loan-v1"):
            await stage.type(text)
            await stage.press("enter")
        await stage.type("SUBMIT_INFO,PAY_FEE")
        assert "1,203 would migrate to loan-v2, 847 would stay." in stage.text
        await stage.press("ctrl+s")
        await stage.type("loan-v2")
        await stage.press("enter")
        assert "1,203 migrated to loan-v2, 847 stayed. Just as previewed." in stage.text
        assert "100%" in stage.text
        await stage.press("escape", "6", "f")
        assert "following" in stage.text
        assert "1,000 of 1,000" in stage.text
        await stage.press("colon")
        await stage.type("actor alice")
        await stage.press("enter")
        assert "→ from loan-v1" in stage.text
        await stage.press("s", "enter", "ctrl+s", "X")
        await stage.type("alice")
        await stage.press("enter")
        assert "alice is erased" in stage.said

    play_on(loans.socket, scene)
