"""The server: Unix sockets around the engine.

One task does it all, in turns: it takes what has come in from all connections, runs it as one batch, which is one
transaction, and writes the answers straight after the commit; looks come before the changes. It waits for all sockets
at once, on an epoll of its own that trio waits for, which costs a quarter of a task for each; and it runs batches in
trio's own thread: that beats handing them to a worker at every load, and a simulation needs no threads.

What clients can make the daemon hold is bounded. A turn reads no more than ``BUDGET`` bytes and about a batch; a
connection that does not take its answers is not read from, what is left of its requests waits, and of requests whose
answers may be large only ``LARGE_ANSWERS`` are run in a turn. Requests that are large themselves are read a few at a
time (``LargeRequests``), and small ones never wait for them.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from typing import Any, Final

import trio

from statekeep.daemon.accepting import Acceptor
from statekeep.daemon.connections import Connection, LargeRequests
from statekeep.daemon.engine import Engine, about
from statekeep.daemon.peers import Access
from statekeep.daemon.watching import Streams
from statekeep.protocol import errors
from statekeep.protocol.messages import (
    REQUESTS,
    Answer,
    AnyRequest,
    BackupRead,
    Batch,
    Credit,
    Definition,
    Describe,
    Get,
    Hello,
    PageRequest,
    PreviewActors,
    Refusal,
    Unwatch,
    Versions,
    Watch,
)

BATCH: Final = 1_024
"""Requests of one transaction: some 20 ms. More would make those at its front wait for those at its end.

A ``Batch`` counts as what it holds."""

BUDGET: Final = 1 << 20
"""Bytes of requests of one turn. Decoded, the worst of them take seventy times as much."""

LARGE_ANSWERS: Final = 32
"""Pages and definitions of one turn; each may be a megabyte or more."""

GETS: Final = 4
"""Actors for each of them: a context may be as large, and mostly is small."""

PUT_OFF: Final = 256
"""Requests that may wait for the end of a sweep. Previews among them hold a definition each."""

PAUSE: Final = 1.0
"""Seconds until accepting is tried again, if no connection has ended before."""

COALESCE: Final = 0.1
"""Seconds by which a deadline may be late, so that a thousand of them cost ten looks a second."""

_SHARES: Final[dict[type[Any], int]] = {
    kind: 1 if kind is Get else GETS
    for kind in REQUESTS.values()
    if issubclass(kind, PageRequest | PreviewActors | BackupRead | Definition | Describe | Versions | Get)
}
"""How much of what a turn may answer goes to a request; the answers of others are small, or as large as they are."""

Asked = tuple[Connection, AnyRequest]


def _weight(request: AnyRequest) -> int:
    return len(request.requests) if type(request) is Batch else 1


def _looks_first(batch: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """The looks of those who have not asked for a change before, which need not wait for any to be durable; the rest.

    Requests of one connection stay in their order.
    """
    looks, rest, changing = list[Asked](), list[Asked](), set[Connection]()
    for asked in batch:
        connection, request = asked
        if request.role == "viewer" and connection not in changing:
            looks.append(asked)
        else:
            rest.append(asked)
            changing.add(connection)
    return looks, rest


class Server:
    """Serves one engine on any number of listeners."""

    def __init__(self, engine: Engine, access: Access | None = None) -> None:
        """Let those in whom ``access`` names; by default the standard ones."""
        self._engine = engine
        self._access = access or Access.standard()
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._queue: list[Asked] = []
        self._ready: list[tuple[Connection, Answer | Refusal]] = []
        """Answers for which the engine is not needed."""
        self._held: dict[Connection, list[Asked]] = {}
        """What is left of the requests of connections that do not take their answers."""
        self._put_off: list[Asked] = []
        self._large = LargeRequests()
        self._streams = Streams(engine)
        self._acceptor = Acceptor([], self._poll)
        self._stopping = False
        self._look_at = float("inf")
        """When the next deadline of a connection, or the end of a pause, may be due."""
        self._waiting = trio.CancelScope()
        self._turned: trio.Event | None = None

    async def turn(self) -> None:
        """Wait until a batch, be it an empty one, has been run: a daemon that still does so is alive."""
        turned = self._turned = trio.Event() if self._turned is None else self._turned
        self._waiting.cancel()
        await turned.wait()

    async def serve(
        self,
        listeners: Sequence[socket.socket],
        *,
        stop: trio.Event,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until ``stop`` is set; then answer what has come in, and close."""
        self._acceptor = Acceptor(listeners, self._poll)
        self._acceptor.resume()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop_at, stop)
                task_status.started()
                while not (self._stopping and self._is_done()):
                    await self._wait()
                    self._turn()
        finally:
            for connection in list(self._connections.values()):
                self._forget(connection)
            self._poll.close()

    async def _stop_at(self, stop: trio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._acceptor.pause()
        for connection in list(self._connections.values()):
            self._end_reading(connection, errors.Stopping())
        self._waiting.cancel()

    def _is_done(self) -> bool:
        return not (self._connections or self._queue or self._put_off)

    async def _wait(self) -> None:
        """Wait until there is something to do; let other tasks run in any case."""
        busy = self._engine.goes_on or self._streams.behind
        if self._queue or self._ready or busy:
            await trio.lowlevel.checkpoint()
            return
        with trio.CancelScope(deadline=self._look_at) as self._waiting:
            await trio.lowlevel.wait_readable(self._poll.fileno())

    def _turn(self) -> None:
        taken = 0
        for number, _ in self._poll.poll(0, BATCH):
            if connection := self._connections.get(number):
                if connection.stuck:
                    connection.drain()
                    self._settle(connection)
                elif connection.is_read and taken < BUDGET and len(self._queue) < BATCH:
                    taken += self._read(connection)
            elif not self._acceptor.paused:
                self._accept(number)
        due = self._queue or self._engine.goes_on or self._turned is not None
        ran = self._run_batch() if due else 0
        if self._turned is not None:
            self._turned.set()
            self._turned = None
        ready, self._ready = self._ready, []
        self._engine.meter.refused([answer for _, answer in ready])
        self._answer(ready)
        self._streams.tell(ran)
        if self._look_at < float("inf") and trio.current_time() >= self._look_at:
            self._look()

    def _read(self, connection: Connection) -> int:
        """Take what a connection has to read; return the bytes that it, and what came before it, amount to."""
        held = connection.reader.held
        try:
            data = connection.receive()
        except BlockingIOError:
            return 0
        if not data:
            self._end_reading(connection)
            return 0
        requests = connection.reader.feed(data)
        for request in requests:
            self._take(connection, request)
        if held or connection.reader.held:
            connection.note(ended=bool(requests))
            self._large.judge(connection)
            self._timed(connection)
        connection.update()
        return held + len(data)

    def _take(self, connection: Connection, request: AnyRequest | Refusal) -> None:
        connection.under_way += 1
        if isinstance(request, Refusal):
            self._ready.append((connection, request))
        elif type(request) not in connection.may:
            kind = type(request)
            error = errors.Forbidden(str(kind.__struct_config__.tag), kind.role, connection.peer)
            self._ready.append((connection, Refusal(request.id, error.body())))
        elif isinstance(request, Hello):
            self._ready.append((connection, self._greet(connection, request)))
        elif isinstance(request, Watch | Unwatch | Credit):
            self._ready += [(connection, answer) for answer in self._streams.take(connection, request)]
        else:
            self._queue.append((connection, request))

    def _end_reading(self, connection: Connection, reason: errors.StatekeepError | None = None) -> None:
        """Take no more requests of a connection; what it watches ends with that."""
        connection.stop_reading()
        self._answer([(connection, answer) for answer in self._streams.end(connection, reason)])
        self._settle(connection)

    def _greet(self, connection: Connection, request: Hello) -> Answer | Refusal:
        try:
            return Answer(request.id, about.hello(self._engine.about, connection.peer, request))
        except errors.UnsupportedProtocol as refused:
            return Refusal(request.id, refused.body())

    def _run_batch(self) -> int:
        """Carry out what is next; how many requests that was, those in batches counted one by one."""
        batch = self._next_batch()
        first, others = _looks_first(batch)
        if first and others:
            self._run(first)
        self._run(others or first)
        return sum(_weight(request) for _, request in batch)

    def _run(self, batch: Sequence[Asked]) -> None:
        """Carry out requests as one transaction, and answer them, but for those that have to wait."""
        answers = self._engine.run([request for _, request in batch])
        answered: list[tuple[Connection, Answer | Refusal]] = []
        for asked, answer in zip(batch, answers, strict=True):
            if answer is not None:
                answered.append((asked[0], answer))
            elif len(self._put_off) < PUT_OFF:
                self._put_off.append(asked)
            else:
                busy = errors.Busy(f"{PUT_OFF} requests wait for the end of a sweep")
                answered.append((asked[0], Refusal(asked[1].id, busy.body())))
        if not self._engine.sweeping:
            self._queue, self._put_off = self._put_off + self._queue, []
        self._answer(answered)

    def _next_batch(self) -> list[Asked]:
        """Take from the queue, in its order, what is run now; what may not be goes to the side or waits."""
        batch: list[Asked] = []
        shares = weight = 0
        for place, asked in enumerate(self._queue):
            connection, request = asked
            if connection.stuck:
                self._held.setdefault(connection, []).append(asked)
                continue
            shares += _SHARES.get(type(request), 0)
            weight += _weight(request)
            if batch and (shares > LARGE_ANSWERS * GETS or weight > BATCH):
                del self._queue[:place]
                return batch
            batch.append(asked)
        self._queue.clear()
        return batch

    def _answer(self, answered: Sequence[tuple[Connection, Answer | Refusal]]) -> None:
        outgoing: dict[Connection, list[Answer | Refusal]] = {}
        for connection, answer in answered:
            outgoing.setdefault(connection, []).append(answer)
        for connection, mine in outgoing.items():
            connection.answer(mine)
            if connection.stuck or not connection.reading:
                self._timed(connection)
                self._settle(connection)

    def _settle(self, connection: Connection) -> None:
        """Do what is due to a connection that was drained, or has ended."""
        if not connection.stuck and connection in self._held:
            self._queue[:0] = self._held.pop(connection)
        if connection.over and self._connections.get(connection.number) is connection:
            self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        """Close a connection for good. What it asked for is carried out all the same."""
        del self._connections[connection.number]
        connection.close()
        self._queue += self._held.pop(connection, [])
        self._streams.end(connection)
        self._large.judge(connection)
        self._engine.about.connections -= 1
        if not self._stopping:
            self._acceptor.resume()

    def _accept(self, number: int) -> None:
        for accepted in self._acceptor.accept(number, len(self._connections)):
            connection = Connection(accepted, self._poll, self._engine.about, self._access)
            self._connections[connection.number] = connection
            self._engine.about.connections += 1
        if self._acceptor.paused:
            self._look_at = min(self._look_at, trio.current_time() + PAUSE)

    def _timed(self, connection: Connection) -> None:
        self._look_at = min(self._look_at, connection.deadline)

    def _look(self) -> None:
        """End what is over its deadline, and find the next one."""
        now = trio.current_time()
        self._look_at = float("inf")
        for connection in list(self._connections.values()):
            if connection.deadline <= now:
                self._cut_off(connection)
            else:
                self._timed(connection)
        self._look_at = max(self._look_at, now + COALESCE)
        if not self._stopping:
            self._acceptor.resume()

    def _cut_off(self, connection: Connection) -> None:
        """End a connection that did not read, or did not end its request, in time."""
        if connection.stuck:
            self._forget(connection)
        elif connection.is_read:
            slow = errors.RequestTooSlow(self._engine.about.request_seconds)
            connection.stop_reading()
            connection.under_way += 1
            self._answer([(connection, Refusal(None, slow.body()))])
        else:
            connection.note(ended=True)
            self._timed(connection)
