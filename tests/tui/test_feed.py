"""When the daemon is looked at again, and what a look makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.errors import NoDaemon
from statekeep.protocol.messages import Deploy, Spawn
from statekeep.tui import feed
from statekeep.tui.cli import loan
from statekeep.tui.feed import Feed
from tests.engine.worlds import ask
from tests.tui.stage import Within

NEVER = 3_600.0
"""A pace that no test waits for."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for what it need not."""
    monkeypatch.setattr(feed, "SOON", 0)
    monkeypatch.setattr(feed, "BUSY", 0)


def with_feed(engine: Engine, scene: Callable[[Feed, Within], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Run a scene with a feed that has looked at an engine once."""

    async def run() -> None:
        client = Within(engine, "admin")
        looks = Feed(client, **options)
        await looks.look()
        try:
            await asyncio.wait_for(scene(looks, client), 10)
        finally:
            looks.close()

    asyncio.run(run())


def test_what_happens_is_news(engine: Engine) -> None:
    """Whatever the pace, the next look is due as soon as something happened, be it before the wait or in it."""
    ask(engine, Deploy("loan-v1", loan.definition("loan-v1")))

    async def scene(looks: Feed, _: Within) -> None:
        ask(engine, Spawn("loan-v1"))
        await looks.news(NEVER)
        assert (await looks.look()).changed
        waiting = asyncio.ensure_future(looks.news(NEVER))
        for _turn in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        ask(engine, Spawn("loan-v1"))
        await waiting
        assert (await looks.look()).status.actors == 2

    with_feed(engine, scene)


def test_where_nothing_happens_a_look_comes_at_the_pace(engine: Engine) -> None:
    """It asks for little, and the watch that tells nothing stays the same one."""

    async def scene(looks: Feed, client: Within) -> None:
        for _turn in range(2):
            await looks.news(0.001)
            client.asked.clear()
            assert not (await looks.look()).changed
            assert [type(request).__name__ for request in client.asked] == ["StatusRequest", "Stats"]
        assert len(engine.watchers) == 1

    with_feed(engine, scene)


def test_a_daemon_that_can_not_tell_is_asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the feature there is no watch, and the pace is all there is."""
    monkeypatch.setattr("statekeep.daemon.engine.about.FEATURES", ["json"])

    async def scene(looks: Feed, _: Within) -> None:
        await looks.news(0.001)
        assert len(engine.watchers) == 0

    with_feed(engine, scene)


def test_a_daemon_that_is_back_is_looked_at_anew(engine: Engine) -> None:
    """Nothing is kept of before: it may be another one, with other rights and another store."""
    times = iter(range(100))

    async def scene(looks: Feed, client: Within) -> None:
        assert (await looks.look()).rates
        client.failure = NoDaemon("/run/s", "gone")
        with pytest.raises(NoDaemon):
            await looks.look()
        client.failure = None
        client.asked.clear()
        back = await looks.look()
        assert back.changed
        assert not back.rates
        assert "Hello" in {type(request).__name__ for request in client.asked}

    with_feed(engine, scene, clock=lambda: float(next(times)))
