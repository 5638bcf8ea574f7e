"""The whole daemon in one thread, under a scheduler, a clock and faults that a seed decides.

Server, engine, store and clients are the real ones. The seed chooses which task runs next, how long everybody waits on
a clock that nobody has to wait for, which commit fails, and when the daemon is killed or stopped; another comes up with
the files as they were at that moment. A seed that fails does so again, step by step: its number is the test's.
"""

from __future__ import annotations

import contextlib
import random as global_random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest import mock

import pytest
import trio
import trio.testing

from statekeep.daemon.engine import About, Engine, keeping
from statekeep.daemon.listening import listener
from statekeep.daemon.server import Server
from statekeep.daemon.store import Store, SyncFailed, open_store
from statekeep.protocol import AsyncClient
from statekeep.protocol.errors import ConnectionLost, NoDaemon, Refused, StorageFailed
from statekeep.protocol.messages import Close, Deploy, Erase, Get, History, KeyRotate, Request, Send, Spawn
from statekeep.protocol.records import Record
from tests.daemon.serving import LIGHT
from tests.engine.worlds import KEY, ask
from tests.faults.workload import differences, tight

SENDERS: Final = 3
ROUNDS: Final = 5
"""Of each sender."""

AT_ONCE: Final = 3
"""Events of a round, under way together."""


class Killed(BaseException):
    """The daemon is no more; its files were copied to where the next one finds them."""


@contextmanager
def decided(seed: int) -> Iterator[None]:
    """Let the scheduler, and the pauses of clients, follow the seed."""
    scheduling = "trio._core._run"
    before = global_random.getstate()
    global_random.seed(seed)
    allowed = mock.patch(f"{scheduling}._ALLOW_DETERMINISTIC_SCHEDULING", new=True)
    with allowed, mock.patch(f"{scheduling}._r", Random(seed)):
        yield
    global_random.setstate(before)


class Simulation:
    """Lives of one store, and the clients that go on over them."""

    def __init__(self, room: Path, seed: int) -> None:
        self.directory = room / "0"
        self.directory.mkdir()
        self.trace: list[tuple[float, str]] = []
        self.erased: list[int] = []
        self.sent: dict[str, int] = {}
        self._room = room
        self._socket = room / "socket"
        self._random = Random(seed)
        self._bytes = Random(-seed).randbytes
        self._lives = 0

    def note(self, what: str) -> None:
        """Remember what happened, and when."""
        self.trace.append((trio.current_time(), what))

    async def run(self) -> None:
        """Live until every client is through."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._live)
            async with trio.open_nursery() as clients:
                for number in range(SENDERS):
                    clients.start_soon(self._send, f"sender-{number}")
                clients.start_soon(self._operate)
                clients.start_soon(self._be_rude)
            nursery.cancel_scope.cancel()

    async def _live(self) -> None:
        while True:
            with contextlib.closing(self._start()) as engine:
                try:
                    with listener(self._socket) as listening, trio.move_on_after(self._random.expovariate(0.4)):
                        await Server(engine).serve(listening, stop=trio.Event())
                except* (Killed, SyncFailed) as ended:
                    self.note(f"ended by {ended.exceptions[0]!r}")
                else:
                    stopped = self._random.random() < 0.5
                    if stopped:
                        engine.keep_columns()
                    self._copy()
                    self.note("stopped" if stopped else "killed")
            await trio.sleep(self._random.random())

    def _start(self) -> Engine:
        """An engine on the files that the last kill has left, and a disk that fails now and then."""
        self.directory = self._room / str(self._lives)
        store = open_store(self.directory / "store.db", KEY, now=0, random=self._bytes)
        engine = Engine(store, self._now, About(1, "s", "d", 0, 1 << 16, 16))
        store.commit = self._failing(store)  # type: ignore[method-assign]
        return engine

    def _now(self) -> int:
        return int(trio.current_time() * 1_000)

    def _copy(self) -> None:
        self._lives += 1
        shutil.copytree(self.directory, self._room / str(self._lives))
        (self._room / str(self._lives) / "store.db-shm").unlink(missing_ok=True)

    def _failing(self, store: Store) -> Callable[[], bool]:
        commit = store.commit

        def failing() -> bool:
            chance = self._random.random()
            if chance < 0.01:
                self._copy()
                raise Killed("before a commit")
            if chance < 0.03:
                raise sqlite3.OperationalError("disk I/O error")
            committed = commit()
            if chance < 0.04:
                self._copy()
                raise Killed("after a commit")
            if chance < 0.045:
                self._copy()
                raise SyncFailed
            return committed

        return failing

    async def _insist(self, client: AsyncClient, request: Request[Record]) -> Record | Refused:
        """Repeat until there is an answer for good. What has an idempotency key is carried out once."""
        while True:
            try:
                answer: Record | Refused = await client.call(request)
            except (ConnectionLost, NoDaemon, StorageFailed) as failure:
                self.note(f"{type(request).__name__}: {type(failure).__name__}")
                await trio.sleep(self._random.random())
                continue
            except Refused as refused:
                answer = refused
            self.note(f"{request}: {type(answer).__name__}")
            return answer

    async def _send(self, key: str) -> None:
        client = AsyncClient(self._socket, retry_for=0)
        await self._insist(client, Deploy("light", LIGHT))
        await self._insist(client, Spawn("light", key, {"of": key}, idempotency_key=key))
        for number in range(ROUNDS):
            async with trio.open_nursery() as nursery:
                for part in range(AT_ONCE):
                    name = f"{number}-{part}"
                    event = Send(key, "TOGGLE", name, idempotency_key=name)
                    nursery.start_soon(self._insist, client, event)
            await trio.sleep(self._random.random())
        self.sent[key] = ROUNDS * AT_ONCE
        client.close()

    async def _operate(self) -> None:
        client = AsyncClient(self._socket, retry_for=0)
        await self._insist(client, Deploy("light", LIGHT))
        above = "light"
        for number in range(ROUNDS):
            spawned = await self._insist(client, Spawn("light", None, "x" * 99, idempotency_key=f"victim-{number}"))
            version, path = f"v{number}", ["TOGGLE"] * self._random.randrange(6)
            await self._insist(client, Deploy(version, LIGHT, parent=above, path=path))
            if self._random.random() < 0.5:
                above = version
            if self._random.random() < 0.3:
                await self._insist(client, Close(version))
            await self._insist(client, KeyRotate())
            victim = getattr(spawned, "id", 0)
            await self._insist(client, Erase(victim))
            self.erased.append(victim)
            await trio.sleep(self._random.random())
        client.close()

    async def _be_rude(self) -> None:
        """Connect, begin a request, and leave."""
        for _ in range(ROUNDS):
            await trio.sleep(self._random.random())
            with contextlib.suppress(OSError):
                async with await trio.open_unix_socket(self._socket) as stream:
                    await stream.send_all(b'{"id":1,"op":"spawn"'[: self._random.randrange(21)])

    def examine(self) -> list[Any]:
        """Compare what is left with what was answered."""
        engine = self._start_sound()
        with contextlib.closing(engine):
            assert differences(engine) == []
            for key, count in self.sent.items():
                payloads = sorted(event.payload for event in ask(engine, History(key, limit=1_000)).events)
                assert len(set(payloads)) == len(payloads) == count
            for actor in self.erased:
                with pytest.raises(Refused, match="erased"):
                    ask(engine, Get(actor))
            return [ask(engine, History(key, limit=1_000)) for key in self.sent]

    def _start_sound(self) -> Engine:
        self._copy()
        store = open_store(self._room / str(self._lives) / "store.db", KEY, now=0, random=self._bytes)
        return Engine(store, lambda: 0, About(1, "s", "d", 0, 1 << 16, 16))


def simulate(room: Path, seed: int) -> tuple[list[tuple[float, str]], list[Any]]:
    """One seed, from the first start to the last look; what happened, and what is left."""
    here = room / str(seed)
    here.mkdir()
    with decided(seed), tight(), mock.patch.object(keeping, "WORTH_IT", 0):
        simulation = Simulation(here, seed)
        trio.run(simulation.run, clock=trio.testing.MockClock(autojump_threshold=0))
        left = simulation.examine()
    shutil.rmtree(here)
    return simulation.trace, left


@pytest.mark.parametrize(
    "seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 1_000))]
)
def test_whatever_happens_nothing_is_lost_and_nothing_happens_twice(room: Path, seed: int) -> None:
    """Commits fail, the daemon is killed before and after them, clients repeat: each event is there once.

    Who was said to be erased is erased, and ``verify`` finds nothing.
    """
    simulate(room, seed)


def test_a_seed_repeats(room: Path) -> None:
    """The same seed is the same story, to the last wait; another is another."""
    (room / "again").mkdir()
    first, again = simulate(room, 7), simulate(room / "again", 7)
    assert first == again
    assert first[0] != simulate(room, 8)[0]
    assert any("ended by" in what or what == "killed" for _, what in first[0])
