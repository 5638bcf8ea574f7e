"""A server in the test's own trio loop, and clients that write and read what the test says, byte for byte."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import trio

from statekeep.daemon.engine import About, Engine
from statekeep.daemon.listening import listener
from statekeep.daemon.server import Server
from statekeep.daemon.store import Store, open_store
from statekeep.protocol.framing import ANSWER_LIMIT, Dialect, FrameReader, join_frames
from statekeep.protocol.messages import Answer, AnyRequest, Refusal
from tests.engine.worlds import KEY, MEMORY

FRAME = 1 << 16
UNDER_WAY = 64

LIGHT = {"initial": "off", "states": {"off": {"on": {"TOGGLE": "on"}}, "on": {"on": {"TOGGLE": "off"}}}}
"""A definition whose actors take any number of ``TOGGLE``."""


class Watched(Engine):
    """The engine, which also keeps what it was asked, batch by batch."""

    def __init__(self, store: Store, about: About) -> None:
        super().__init__(store, count(1_700_000_000_000).__next__, about)
        self.batches: list[Sequence[AnyRequest]] = []

    def run(self, batch: Sequence[AnyRequest]) -> list[Answer | Refusal | None]:
        self.batches.append(batch)
        return super().run(batch)

    @property
    def asked(self) -> int:
        """Requests so far."""
        return sum(map(len, self.batches))


class Served:
    """What a test has of a running server."""

    def __init__(self, engine: Watched, path: Path, server: Server) -> None:
        self.engine = engine
        self.server = server
        self.stop = trio.Event()
        self.stopped = trio.Event()
        self._path = path
        self.peers = contextlib.AsyncExitStack()

    async def connect(self, dialect: Dialect = Dialect.MSGPACK) -> Peer:
        stream = await self.peers.enter_async_context(await trio.open_unix_socket(self._path))
        return Peer(stream, dialect)


class Peer:
    """A client of which the test decides every byte."""

    def __init__(self, stream: trio.SocketStream, dialect: Dialect = Dialect.MSGPACK) -> None:
        self.stream = stream
        self._dialect = dialect
        self._frames = FrameReader(ANSWER_LIMIT, dialect)
        self._answers: list[dict[str, Any]] = []

    def bytes_of(self, *requests: AnyRequest) -> bytes:
        if self._dialect is Dialect.JSON:
            return msgspec.json.Encoder().encode_lines(requests)
        return join_frames(map(msgspec.msgpack.encode, requests))

    async def write(self, *requests: AnyRequest) -> None:
        await self.stream.send_all(self.bytes_of(*requests))

    def push(self, *requests: AnyRequest) -> None:
        """Write without letting anybody else run before what comes next in the test."""
        raw = socket.socket(fileno=self.stream.socket.fileno())
        raw.send(self.bytes_of(*requests))
        raw.detach()

    async def ask(self, request: AnyRequest) -> dict[str, Any]:
        """What is answered to one request, on its own."""
        await self.write(request)
        (answer,) = await self.read(1)
        return answer

    async def read(self, count: int) -> list[dict[str, Any]]:
        """The next answers; fewer where the connection ends first."""
        decode = msgspec.json.decode if self._dialect is Dialect.JSON else msgspec.msgpack.decode
        while len(self._answers) < count and (data := await self.stream.receive_some(1 << 16)):
            self._answers += [decode(frame) for frame in self._frames.feed(data) if isinstance(frame, bytes)]
        answers, self._answers = self._answers[:count], self._answers[count:]
        return answers

    def has_answer(self) -> bool:
        """Whether anything has come in that was not read."""
        raw = socket.socket(fileno=self.stream.socket.fileno())
        try:
            return bool(raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False
        finally:
            raw.detach()


@contextlib.asynccontextmanager
async def served(frame: int = FRAME) -> AsyncIterator[Served]:
    """A server on a store and a socket of its own, for requests of ``frame`` bytes; stopped when the test leaves."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        path = Path(name) / "socket"
        store = open_store(Path(name) / "store.db", KEY, now=0)
        engine = Watched(store, About(1, str(path), name, 0, frame=frame, under_way=UNDER_WAY))
        with contextlib.closing(engine), listener(path) as [listening]:
            async with trio.open_nursery() as nursery:
                running = Served(engine, path, Server(engine))

                async def serve(task_status: trio.TaskStatus[None]) -> None:
                    await running.server.serve([listening], stop=running.stop, task_status=task_status)
                    running.stopped.set()

                await nursery.start(serve)
                async with running.peers:
                    yield running
                running.stop.set()
