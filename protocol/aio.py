"""The asynchronous client, under asyncio and under trio."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar, cast

import anyio
import anyio.lowlevel

from statekeep.protocol.connection import Connection, Exchange, Outcome
from statekeep.protocol.dialing import dial, pauses, queue_full
from statekeep.protocol.errors import ConnectionLost, StatekeepError, TimedOut
from statekeep.protocol.location import default_socket
from statekeep.protocol.messages import ActorRef, Hello, PageRequest, Request, Watch
from statekeep.protocol.operations import Operations, chunks, following
from statekeep.protocol.records import NoticeKind, Page, Record
from statekeep.protocol.retrying import RETRY_FOR, Effort
from statekeep.protocol.watching import AsyncWatching

R = TypeVar("R", bound=Record)
PageT = TypeVar("PageT", bound=Page)

_CHUNK: Final = 1 << 16
"""Bytes of one read: a few hundred answers."""


class AsyncClient(Operations):
    """A connection to the daemon, made when it is first needed, and again after it was lost.

    Any number of tasks may call at once: their requests go out together, and a task that is cancelled disturbs no
    other. The requests of one task reach the daemon in the order of its calls.
    """

    def __init__(
        self, socket: str | os.PathLike[str] | None = None, *, timeout: float = 30.0, retry_for: float = RETRY_FOR
    ) -> None:
        """Use ``socket``, or the one of this user's daemon. Give up when no answer has come for ``timeout`` seconds.

        After a lost connection, repeat for up to ``retry_for`` seconds what may be repeated safely; 0: never.
        """
        self.socket = os.fspath(socket or default_socket())
        self.timeout = timeout
        self.retry_for = retry_for
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
            self._link.close(_ClosedHere("this side closed it"))

    async def call(self, request: Request[R]) -> R:
        """Return what the daemon answers, or raise the error that it answers."""
        (outcome,) = await self.call_many([request])
        if isinstance(outcome, StatekeepError):
            raise outcome
        return outcome

    async def call_many(self, requests: Iterable[Request[R]]) -> list[R | StatekeepError]:
        """Send requests without waiting for each answer; return the outcomes in the order of the requests.

        When the connection fails on the way, what may be repeated is repeated on another (see ``retrying``); the other
        requests that were not answered have that error as their outcome.
        """
        effort = Effort(requests, self.retry_for)
        while (pause := effort.pause()) is not None:
            if pause:
                await anyio.sleep(pause)
            try:
                link = await self._connect()
            except StatekeepError as error:
                effort.unreachable(error)
            else:
                effort.take(await link.run(effort.left))
        return cast("list[R | StatekeepError]", effort.outcomes)

    async def send_many(self, requests: Iterable[Request[R]]) -> AsyncIterator[R | StatekeepError]:
        """Yield the outcomes of any number of requests, in their order, with many of them under way at once.

        Unlike ``call_many`` it takes the requests as it goes, and holds no more than a thousand of them.
        """
        for chunk in chunks(requests):
            for outcome in await self.call_many(chunk):
                yield outcome

    async def pages(self, request: PageRequest[PageT]) -> AsyncIterator[PageT]:
        """Yield the pages that begin at the request's cursor, to the last."""
        wanted: PageRequest[PageT] | None = request
        while wanted:
            page = await self.call(wanted)
            yield page
            wanted = following(wanted, page)

    def watch(
        self,
        after: str | None = None,
        *,
        kinds: Sequence[NoticeKind] = (),
        actor: ActorRef | None = None,
        version: str | None = None,
        ahead: int = 256,
    ) -> AsyncWatching:
        """Tell what happens, from the token ``after`` on or from now on, over a connection of its own.

        The result is an asynchronous iterator that takes up a lost connection where it was. With ``ahead`` notices
        fetched and not taken, the daemon tells no more until some are.
        """
        request = Watch(after=after, kinds=list(kinds), actor=actor, version=version, credits=max(ahead, 1))
        return AsyncWatching(self.socket, request)

    async def _connect(self) -> _Link:
        if self._link and not self._link.broken:
            return self._link
        async with self._connecting:
            if not self._link or self._link.broken:
                link = _Link(await self._dial(), self.timeout)
                try:
                    await link.greet()
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


class _ClosedHere(ConnectionLost):
    """Not lost: nobody wants it any more."""


class _Link:
    """A connected socket and who waits for what on it.

    There is no task in the background. One of those who wait drives the socket for all; the others sleep until their
    outcome is there, or until the driver leaves and one of them has to take over.
    """

    def __init__(self, connected: socket.socket, timeout: float) -> None:
        self.broken: StatekeepError | None = None
        self._socket = connected
        self._timeout = timeout
        self._connection = Connection()
        self._outgoing = bytearray()
        self._sleeping: dict[Exchange, anyio.Event] = {}
        self._driver: anyio.CancelScope | None = None
        """Interrupts the wait of the driver, if there is one."""

    def close(self, reason: StatekeepError) -> None:
        """Fail all that is under way: the driver closes the socket and leaves, and after it whoever waits."""
        if self.broken:
            return
        self.broken = reason
        if self._driver:
            self._driver.cancel()
        else:
            self._socket.close()

    async def greet(self) -> None:
        """Agree with the daemon on the protocol and its limits."""
        (outcome,) = await self.run([Hello()])
        if isinstance(outcome, StatekeepError):
            raise outcome

    async def run(self, requests: Sequence[Request[Record]]) -> list[Outcome | None]:
        """Send requests and return their outcomes."""
        exchange = Exchange(self._connection, requests)
        await anyio.lowlevel.checkpoint_if_cancelled()
        try:
            self._outgoing += exchange.fill()
            await anyio.lowlevel.checkpoint()  # tasks that call at the same moment are written together
            while exchange.under_way:
                self._write()
                await self._advance(exchange)
                self._outgoing += exchange.fill()
        except StatekeepError as error:
            exchange.fail(error)
        finally:
            self._write()  # what a cancelled task left unwritten goes out now, not at some later call
            self._hand_over()
        return exchange.outcomes

    async def _advance(self, exchange: Exchange) -> None:
        """Wait for at least one outcome of this exchange."""
        missing = len(exchange.under_way)
        with anyio.move_on_after(self._timeout) as patience:
            while len(exchange.under_way) == missing:
                if self.broken:
                    raise self.broken
                if self._driver:
                    await self._sleep(exchange)
                else:
                    await self._drive()
        if patience.cancelled_caught:
            raise TimedOut(self._timeout)

    async def _sleep(self, exchange: Exchange) -> None:
        self._sleeping[exchange] = anyio.Event()
        try:
            await self._sleeping[exchange].wait()
        finally:
            del self._sleeping[exchange]

    def _hand_over(self) -> None:
        """Let one of those who sleep drive, if nobody does."""
        if self._sleeping and not self._driver:
            next(iter(self._sleeping.values())).set()

    async def _drive(self) -> None:
        """Read once what has come, writing on meanwhile if the socket did not take everything."""
        self._write()
        try:
            with anyio.CancelScope() as self._driver:
                await self._ready()
                self._receive(self._socket.recv(_CHUNK))
        except BlockingIOError:
            pass  # there was only room to write
        except OSError as error:
            self.close(ConnectionLost(error.strerror or str(error)))
        except StatekeepError as error:
            self.close(error)
        finally:
            self._driver = None
            if self.broken:
                self._socket.close()

    async def _ready(self) -> None:
        """Wait until there is something to read, or room for what is still to be written."""
        if not self._outgoing:
            await anyio.wait_readable(self._socket)
            return

        async def first(wait: Callable[[socket.socket], Awaitable[None]]) -> None:
            await wait(self._socket)
            either.cancel_scope.cancel()

        async with anyio.create_task_group() as either:
            either.start_soon(first, anyio.wait_readable)
            either.start_soon(first, anyio.wait_writable)

    def _write(self) -> None:
        """Write what the socket takes now. A failure is left to the next read, which may find answers before it."""
        if self.broken or not self._outgoing:
            return
        try:
            del self._outgoing[: self._socket.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing.clear()
        if self._outgoing and self._driver:
            self._driver.cancel()  # it waits for something to read only; its next wait is for both

    def _receive(self, data: bytes) -> None:
        if not data:
            raise ConnectionLost("the daemon closed it")
        for exchange in self._connection.receive(data):
            if exchange in self._sleeping:
                self._sleeping[exchange].set()
