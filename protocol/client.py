"""The blocking client, for scripts and threaded services."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar, cast

from statekeep.protocol.connection import Connection, Exchange
from statekeep.protocol.dialing import dial, pauses, queue_full
from statekeep.protocol.errors import ConnectionLost, StatekeepError, TimedOut
from statekeep.protocol.location import default_socket
from statekeep.protocol.messages import ActorRef, Hello, PageRequest, Request, Watch
from statekeep.protocol.operations import Operations, chunks, following
from statekeep.protocol.records import NoticeKind, Page, Record
from statekeep.protocol.retrying import RETRY_FOR, Effort
from statekeep.protocol.watching import Watching

R = TypeVar("R", bound=Record)
PageT = TypeVar("PageT", bound=Page)

_CHUNK: Final = 1 << 16
"""Bytes of one read: a few hundred answers."""


class Client(Operations):
    """A connection to the daemon, made when it is first needed, and again after it was lost.

    Threads may share a client; they take turns. For many requests at once use ``call_many``.
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
        self._turn = threading.Lock()
        self._link: _Link | None = None

    def __enter__(self) -> Self:
        with self._turn:
            self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection. The next call would make a new one."""
        with self._turn:
            self._drop()

    def call(self, request: Request[R]) -> R:
        """Return what the daemon answers, or raise the error that it answers."""
        (outcome,) = self.call_many([request])
        if isinstance(outcome, StatekeepError):
            raise outcome
        return outcome

    def call_many(self, requests: Iterable[Request[R]]) -> list[R | StatekeepError]:
        """Send requests without waiting for each answer; return the outcomes in the order of the requests.

        When the connection fails on the way, what may be repeated is repeated on another (see ``retrying``); the other
        requests that were not answered have that error as their outcome.
        """
        effort = Effort(requests, self.retry_for)  # before the turn: what makes them may use this very client
        with self._turn:
            while (pause := effort.pause()) is not None:
                if pause:
                    time.sleep(pause)
                self._attempt(effort)
        return cast("list[R | StatekeepError]", effort.outcomes)

    def _attempt(self, effort: Effort) -> None:
        try:
            link = self._connect()
        except StatekeepError as error:
            effort.unreachable(error)
            return
        exchange = Exchange(link.connection, effort.left)
        try:
            link.run(exchange)
        except StatekeepError as error:
            self._drop()
            exchange.fail(error)
        except BaseException:
            self._drop()
            raise
        effort.take(exchange.outcomes)

    def send_many(self, requests: Iterable[Request[R]]) -> Iterator[R | StatekeepError]:
        """Yield the outcomes of any number of requests, in their order, with many of them under way at once.

        Unlike ``call_many`` it takes the requests as it goes, and holds no more than a thousand of them.
        """
        for chunk in chunks(requests):
            yield from self.call_many(chunk)

    def pages(self, request: PageRequest[PageT]) -> Iterator[PageT]:
        """Yield the pages that begin at the request's cursor, to the last."""
        wanted: PageRequest[PageT] | None = request
        while wanted:
            page = self.call(wanted)
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
    ) -> Watching:
        """Tell what happens, from the token ``after`` on or from now on, over a connection of its own.

        The result is an iterator that takes up a lost connection where it was. With ``ahead`` notices
        fetched and not taken, the daemon tells no more until some are.
        """
        request = Watch(after=after, kinds=list(kinds), actor=actor, version=version, credits=max(ahead, 1))
        return Watching(self.socket, request)

    def _connect(self) -> _Link:
        if not self._link:
            link = _Link(self._dial(), self.timeout)
            try:
                link.greet()
            except BaseException:
                link.close()
                raise
            self._link = link
        return self._link

    def _dial(self) -> socket.socket:
        deadline = time.monotonic() + self.timeout
        for pause in pauses():
            if connection := dial(self.socket):
                return connection
            if time.monotonic() > deadline:
                break
            time.sleep(pause)
        raise queue_full(self.socket, self.timeout)

    def _drop(self) -> None:
        if self._link:
            self._link.close()
            self._link = None


class _Link:
    """A connected socket. One thread at a time."""

    def __init__(self, connected: socket.socket, timeout: float) -> None:
        self.connection = Connection()
        self._socket = connected
        self._timeout = timeout
        self._outgoing = bytearray()

    def close(self) -> None:
        self._socket.close()

    def greet(self) -> None:
        """Agree with the daemon on the protocol and its limits."""
        greeting = Exchange(self.connection, [Hello()])
        self.run(greeting)
        if isinstance(greeting.outcomes[0], StatekeepError):
            raise greeting.outcomes[0]

    def run(self, exchange: Exchange) -> None:
        """Bring an exchange to its end."""
        self._outgoing += exchange.fill()
        while exchange.under_way:
            self._advance()
            self._outgoing += exchange.fill()

    def _advance(self) -> None:
        """Wait for at least one outcome, writing what is to be written meanwhile.

        Both directions move together: a daemon that can't get rid of its answers stops reading, and a client that
        wrote everything before it read anything would wait for it forever.
        """
        deadline = time.monotonic() + self._timeout
        settled: list[Exchange] = []
        while not settled:
            try:
                self._write()
                self._wait(deadline)
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                continue
            except OSError as error:
                raise ConnectionLost(error.strerror or str(error)) from error
            if not data:
                raise ConnectionLost("the daemon closed it")
            settled = self.connection.receive(data)

    def _write(self) -> None:
        """Write what the socket takes now. A failure is left to the next read, which may find answers before it."""
        if self._outgoing:
            try:
                del self._outgoing[: self._socket.send(self._outgoing)]
            except BlockingIOError:
                return
            except OSError:
                self._outgoing.clear()

    def _wait(self, deadline: float) -> None:
        """Wait until there is something to read, or room for what is still to be written."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._outgoing else 0))
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimedOut(self._timeout)
