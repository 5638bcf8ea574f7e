"""The asynchronous client, under asyncio and under trio."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Final, Self, TypeVar, cast

import anyio

from statekeep.protocol.connection import Connection, Outcome
from statekeep.protocol.dialing import dial, pauses, queue_full
from statekeep.protocol.errors import ConnectionLost, StatekeepError, TimedOut
from statekeep.protocol.location import default_socket
from statekeep.protocol.messages import Hello, Page, PageRequest, Record, Request
from statekeep.protocol.operations import Operations, following

R = TypeVar("R", bound=Record)
PageT = TypeVar("PageT", bound=Page)

_CHUNK: Final = 1 << 16
"""Bytes of one read: a few hundred answers."""


class AsyncClient(Operations):
    """A connection to the daemon, made when it is first needed, and again after it was lost.

    Any number of tasks may call at once: their requests go out together, and a task that is cancelled disturbs no
    other. The requests of one task reach the daemon in the order of its calls.
    """

    def __init__(self, socket: str | os.PathLike[str] | None = None, *, timeout: float = 30.0) -> None:
        """Use ``socket``, or the one of this user's daemon. Give up when no answer has come for ``timeout`` seconds."""
        self.socket = os.fspath(socket or default_socket())
        self.timeout = timeout
        self._connecting = anyio.Lock()
        self._link: _Link | None = None

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; whoever waits on it is told. The next call would make a new one."""
        if self._link:
            self._link.close(ConnectionLost("this side closed it"))

    async def call(self, request: Request[R]) -> R:
        """Return what the daemon answers, or raise the error that it answers."""
        link = await self._connect()
        return cast("R", await link.call(request))

    async def call_many(self, requests: Iterable[Request[R]]) -> list[R | StatekeepError]:
        """Send requests without waiting for each answer; return the outcomes in the order of the requests.

        When the connection fails on the way, the requests that were not answered have that error as their outcome.
        """
        link = await self._connect()
        requests = list(requests)
        outcomes: list[Outcome | None] = [None] * len(requests)
        left = enumerate(requests)

        async def work() -> None:
            for place, request in left:
                try:
                    outcomes[place] = await link.call(request)
                except StatekeepError as error:
                    outcomes[place] = error

        async with anyio.create_task_group() as workers:
            for _ in range(min(link.window, len(requests))):
                workers.start_soon(work)
        return cast("list[R | StatekeepError]", outcomes)

    async def pages(self, request: PageRequest[PageT]) -> AsyncIterator[PageT]:
        """Yield the pages that begin at the request's cursor, to the last."""
        wanted: PageRequest[PageT] | None = request
        while wanted:
            page = await self.call(wanted)
            yield page
            wanted = following(wanted, page)

    async def _connect(self) -> _Link:
        if self._link and not self._link.broken:
            return self._link
        async with self._connecting:
            if not self._link or self._link.broken:
                link = _Link(await self._dial(), self.timeout)
                try:
                    await link.call(Hello())
                except BaseException:
                    link.close(ConnectionLost("no agreement was reached"))
                    raise
                self._link = link
            return self._link

    async def _dial(self) -> socket.socket:
        with anyio.move_on_after(self.timeout):
            for pause in pauses():
                if connection := dial(self.socket):
                    return connection
                await anyio.sleep(pause)
        raise queue_full(self.socket, self.timeout)


class _Link:
    """A connected socket and who waits for what on it.

    There is no task in the background. Whoever waits for an outcome writes what is to be written and reads what
    comes, for all; if somebody does so already it sleeps until its outcome is there, or until that one leaves.
    """

    def __init__(self, connected: socket.socket, timeout: float) -> None:
        self.broken: StatekeepError | None = None
        self._socket = connected
        self._timeout = timeout
        self._connection = Connection()
        self._outgoing = bytearray()
        self._outcomes: dict[int, Outcome] = {}
        self._waiting: dict[int, anyio.Event] = {}
        self._reading = False
        self._writing = False

    @property
    def window(self) -> int:
        return self._connection.window

    def close(self, reason: StatekeepError) -> None:
        """Fail all that is under way. The socket itself is closed when nobody uses it any more."""
        if not self.broken:
            self.broken = reason
            self._socket.shutdown(socket.SHUT_RDWR)
            self._wake(*self._waiting)
            self._close_unused()

    async def call(self, request: Request[Record]) -> Record:
        """Send a request and return its result."""
        if self.broken:
            raise self.broken
        number, data = self._connection.request(request)
        self._outgoing += data
        self._waiting[number] = anyio.Event()
        try:
            with anyio.move_on_after(self._timeout):
                outcome = await self._outcome(number)
                if isinstance(outcome, StatekeepError):
                    raise outcome
                return outcome
            raise TimedOut(self._timeout)
        finally:
            self._leave(number)

    async def _outcome(self, number: int) -> Outcome:
        while number not in self._outcomes:
            if self.broken:
                return self.broken
            if self._outgoing and not self._writing:
                await self._write()
            elif not self._reading:
                await self._read()
            else:
                self._waiting[number] = anyio.Event()
                await self._waiting[number].wait()
        return self._outcomes.pop(number)

    def _leave(self, number: int) -> None:
        """Forget a request, and let another who waits take over what its task did for all."""
        del self._waiting[number]
        if self._outcomes.pop(number, None) is None:
            self._connection.abandon(number)
        for other in self._waiting:
            if other not in self._outcomes:
                self._wake(other)
                break

    async def _write(self) -> None:
        self._writing = True
        try:
            del self._outgoing[: self._socket.send(self._outgoing)]
        except BlockingIOError:
            await anyio.wait_writable(self._socket)
        except OSError as error:
            self.close(ConnectionLost(error.strerror or str(error)))
        finally:
            self._writing = False
            self._close_unused()

    async def _read(self) -> None:
        self._reading = True
        try:
            await anyio.wait_readable(self._socket)
            self._receive(self._socket.recv(_CHUNK))
        except OSError as error:
            self.close(ConnectionLost(error.strerror or str(error)))
        except StatekeepError as error:
            self.close(error)
        finally:
            self._reading = False
            self._close_unused()

    def _receive(self, data: bytes) -> None:
        if not data:
            raise ConnectionLost("the daemon closed it")
        for number, outcome in self._connection.receive(data):
            self._outcomes[number] = outcome
            self._wake(number)

    def _wake(self, *numbers: int) -> None:
        for number in numbers:
            self._waiting[number].set()

    def _close_unused(self) -> None:
        if self.broken and not self._reading and not self._writing:
            self._socket.close()
