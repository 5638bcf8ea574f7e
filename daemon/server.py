"""The server: Unix sockets around the engine.

A connection's task reads and decodes; what has come in from all connections since the last turn is one batch, and one
task runs the batches, each a transaction. It does so in trio's own thread: that beats handing batches to a worker at
every load, and a simulation needs no threads. Answers are written by that task straight after the commit, as far as
the socket takes them; what it does not take is left to a task of the connection, which then is not read from.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Final

import trio

from statekeep.daemon.engine import Engine
from statekeep.protocol.codec import RequestReader, encode_answers
from statekeep.protocol.messages import Answer, AnyRequest, Refusal

BATCH: Final = 1_024
"""Requests of one transaction: some 20 ms. More would make those at its front wait for those at its end."""

CHUNK: Final = 65_536
"""Bytes of one read: hundreds of small requests, and little to hold for thousands of connections."""

PATIENCE: Final = 30.0
"""Seconds that a client may leave its answers unread before it is cut off."""


class Connection:
    """One client: its requests under way, and answers that its socket did not take yet."""

    def __init__(self, stream: trio.SocketStream, frame_limit: int) -> None:
        self.stream = stream
        self.reader = RequestReader(frame_limit)
        self.reading = trio.CancelScope()
        """Cancelled when no more requests are to be read; what is under way is still answered."""
        self.under_way = 0
        self._backlog = bytearray()
        self._room = trio.Event()

    async def wait_for_room(self, under_way: int) -> None:
        """Wait until fewer than ``under_way`` requests are, and all answers have been taken."""
        while self.under_way >= under_way or self._backlog:
            self._room = trio.Event()
            await self._room.wait()

    def answer(self, answers: Sequence[Answer | Refusal], nursery: trio.Nursery) -> None:
        """Write answers without waiting; what the socket does not take now is written by a task in ``nursery``."""
        self.under_way -= len(answers)
        data = encode_answers(self.reader.dialect, answers)
        if self._backlog:
            self._backlog += data
            return
        try:
            written = os.write(self.stream.socket.fileno(), data)
        except BlockingIOError:
            written = 0
        except OSError:  # the client is gone; its reader finds out
            written = len(data)
        if written < len(data):
            self._backlog += data[written:]
            nursery.start_soon(self._drain)
        else:
            self._room.set()

    async def _drain(self) -> None:
        try:
            while self._backlog:
                with trio.fail_after(PATIENCE):
                    sent = await self.stream.socket.send(self._backlog)
                # Only now: what is on its way must stay a backlog, or the next answer would be written into it.
                del self._backlog[:sent]
        except (OSError, trio.ClosedResourceError, trio.TooSlowError):
            await trio.aclose_forcefully(self.stream)
            self._backlog.clear()
        self._room.set()


class Server:
    """Serves one engine on any number of listeners."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connections: set[Connection] = set()
        self._queue: list[tuple[Connection, AnyRequest]] = []
        self._refused: list[tuple[Connection, Refusal]] = []
        self._put_off: list[tuple[Connection, AnyRequest]] = []
        self._work = trio.Event()
        self._turned = trio.Event()

    async def turn(self) -> None:
        """Wait until a batch, be it an empty one, has been run: a daemon that still does so is alive."""
        turned = self._turned
        self._work.set()
        await turned.wait()

    async def serve(
        self,
        listeners: list[trio.SocketListener],
        *,
        stop: trio.Event,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until ``stop`` is set; then answer what has come in, and close."""
        async with trio.open_nursery() as answering:
            answering.start_soon(self._run_batches, answering)
            async with trio.open_nursery() as conversing:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(
                        partial(trio.serve_listeners, handler_nursery=conversing), self._converse, listeners
                    )
                    task_status.started()
                    await stop.wait()
                    accepting.cancel_scope.cancel()
                # All that were accepted are among them: their tasks began a turn before the acceptor ended.
                for connection in self._connections:
                    connection.reading.cancel()
            answering.cancel_scope.cancel()

    async def _converse(self, stream: trio.SocketStream) -> None:
        about = self._engine.about
        connection = Connection(stream, about.frame)
        self._connections.add(connection)
        about.connections += 1
        try:
            async with stream:
                with connection.reading:
                    while data := await self._read(connection):
                        self._take(connection, data)
                await connection.wait_for_room(1)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client is gone, or was cut off; what it asked for is carried out all the same
        finally:
            self._connections.remove(connection)
            about.connections -= 1

    async def _read(self, connection: Connection) -> bytes:
        await connection.wait_for_room(self._engine.about.under_way)
        return bytes(await connection.stream.receive_some(CHUNK))

    def _take(self, connection: Connection, data: bytes) -> None:
        for request in connection.reader.feed(data):
            connection.under_way += 1
            if isinstance(request, Refusal):
                self._refused.append((connection, request))
            else:
                self._queue.append((connection, request))
        if self._queue or self._refused:
            self._work.set()

    async def _run_batches(self, nursery: trio.Nursery) -> None:
        while True:
            if not (self._queue or self._engine.sweeping):
                await self._work.wait()
            # One turn of the scheduler: every connection that has something to read adds it to this batch.
            await trio.lowlevel.checkpoint()
            self._run_batch(nursery)

    def _run_batch(self, nursery: trio.Nursery) -> None:
        batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        refused, self._refused = self._refused, []
        answers = self._engine.run([request for _, request in batch])
        self._turned.set()
        self._turned = trio.Event()
        self._put_off += [asked for asked, answer in zip(batch, answers, strict=True) if answer is None]
        if not self._engine.sweeping:
            self._queue, self._put_off = self._put_off + self._queue, []
        if not self._queue:
            self._work = trio.Event()
        outgoing: dict[Connection, list[Answer | Refusal]] = {}
        for connection, refusal in refused:
            outgoing.setdefault(connection, []).append(refusal)
        for (connection, _), answer in zip(batch, answers, strict=True):
            if answer is not None:
                outgoing.setdefault(connection, []).append(answer)
        for connection, mine in outgoing.items():
            connection.answer(mine, nursery)
