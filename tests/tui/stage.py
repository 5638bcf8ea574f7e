"""The application without a terminal: keys go in, and what is on the screen can be read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from textual import events
from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from statekeep.daemon.engine import Engine
from statekeep.protocol.aio import AsyncClient
from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.messages import Deploy, Hello, Request, Send, Spawn, Watch
from statekeep.protocol.records import Notice, Peer, Role
from statekeep.tui.app import StatekeepApp
from statekeep.tui.cli import loan
from tests.engine.worlds import ask

WIDE = (120, 40)
NARROW = (80, 24)


class Told(AsyncIterator[Notice]):
    """A watch without a socket."""

    def __init__(self, engine: Engine, request: Watch) -> None:
        self._engine = engine
        self._ready: deque[Notice] = deque()
        engine.watchers.open(self, request)

    async def __anext__(self) -> Notice:
        await asyncio.sleep(0)
        while not self._ready:
            self._engine.run([])
            for part in self._engine.watchers.turn(lambda owner: owner is self):
                self._ready += [told.notice for told in part.told]
            await asyncio.sleep(0)
        return self._ready.popleft()

    def close(self) -> None:
        self._engine.watchers.leave(self)


class Within:
    """A client without a socket: it asks an engine in this process, unless it was told to fail."""

    socket = "/run/statekeep.sock"

    def __init__(self, engine: Engine, role: Role) -> None:
        self._engine = engine
        self._you = Peer(uid=1000, gid=1000, pid=1, user="mary", role=role)
        self.asked: list[Any] = []
        self.failure: StatekeepError | None = None

    async def call(self, request: Request[Any]) -> Any:
        await asyncio.sleep(0)
        self.asked.append(request)
        if self.failure:
            raise self.failure
        if isinstance(request, Hello):
            return msgspec.structs.replace(ask(self._engine, request), you=self._you)
        return ask(self._engine, request)  # type: ignore[arg-type]  # each is one of AnyRequest

    def watch(self, after: str | None = None, *, ahead: int = 256, **about: Any) -> Told:
        return Told(self._engine, Watch(after=after, credits=ahead, **about))

    def close(self) -> None:
        """The engine outlives its clients."""


class Stage:
    """An application that runs, and a hand on its keyboard."""

    client: Within
    """The fake in place of a client; a real daemon has none."""

    def __init__(self, pilot: Pilot[Any], app: StatekeepApp) -> None:
        self.pilot = pilot
        self.app = app

    async def settle(self) -> None:
        """Wait until all that was asked for has been shown."""
        await self._come_to_rest()
        while any(not worker.is_finished for worker in self.app.workers):
            # One that is cancelled has a later one of its kind in its place.
            with suppress(WorkerCancelled):
                await self.app.workers.wait_for_complete()
            await self._come_to_rest()

    async def _come_to_rest(self) -> None:
        """Let the loop run until only time could bring something, and draw what has changed.

        The pilot's own pauses wait until the process is idle by the clock: longer than most tests need to run.
        """
        ready: deque[Any] = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # it has no public name
        for _ in range(2):  # what is drawn may have something follow it
            await asyncio.sleep(0)
            while ready:  # noqa: ASYNC110 - what it waits for is the loop itself
                await asyncio.sleep(0)
            self.app.screen._on_timer_update()

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            driver = self.app._driver
            assert driver is not None
            driver.send_message(_pressed(key))
            await self.settle()

    async def type(self, text: str) -> None:
        """Let a text come in where the keys go, all at once."""
        assert self.app.focused is not None
        self.app.focused.post_message(events.Paste(text))
        await self.settle()

    @property
    def text(self) -> str:
        """What is on the screen, line by line."""
        return screen_text(self.app)

    @property
    def said(self) -> str:
        """What was said in passing, at the edge of the screen."""
        return "\n".join(f"{one.title} {one.message}" for one in self.app._notifications)


def _pressed(name: str) -> events.Key:
    """A key by the name that bindings give it."""
    key = _character_to_key(name) if len(name) == 1 else name
    return events.Key(key, name if len(name) == 1 else None)


def screen_text(app: App[Any]) -> str:
    """The letters on the screen, without their colours."""
    screen = app.screen
    return "\n".join(strip.text.rstrip() for strip in screen._compositor.render_strips(screen.size))


Scene = Callable[[Stage], Awaitable[None]]


def play(engine: Engine, scene: Scene, size: tuple[int, int] = WIDE, *, role: Role = "admin", **options: Any) -> None:
    """Run an application on an engine, and a scene on it."""

    async def run() -> None:
        client = Within(engine, role)
        app = StatekeepApp(client, pace=0, **options)
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            stage = Stage(pilot, app)
            stage.client = client
            await stage.settle()
            await scene(stage)

    asyncio.run(run())


def play_on(socket: Path, scene: Scene, size: tuple[int, int] = WIDE) -> None:
    """Run an application on a daemon, and a scene on it."""

    async def run() -> None:
        app = StatekeepApp(AsyncClient(str(socket)), pace=0)
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            stage = Stage(pilot, app)
            await stage.settle()
            await scene(stage)

    asyncio.run(run())


def loans(engine: Engine, paid: int = 6, waived: int = 4) -> None:
    """``loan-v1``, alice and others who paid, bob and others whose fee was waived: all in ``awaiting_docs``."""
    ask(engine, Deploy("loan-v1", loan.definition("loan-v1")))
    for kind, event, number in (("alice", "PAY_FEE", paid), ("bob", "WAIVE_FEE", waived)):
        for n in range(number):
            key = f"{kind}-{n}" if n else kind
            ask(engine, Spawn("loan-v1", key=key, context={"applicantId": f"A-{n}", "documents": ["id"]}))
            ask(engine, Send(key, "SUBMIT_INFO"))
            ask(engine, Send(key, event, {"cents": 5000}))


def verified(engine: Engine) -> None:
    """``loan-v2``, which takes over those who paid."""
    path = ["SUBMIT_INFO", "PAY_FEE"]
    ask(engine, Deploy("loan-v2", loan.definition("loan-v2"), parent="loan-v1", path=path))
