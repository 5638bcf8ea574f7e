"""Watches as iterators: blocking, and asynchronous under asyncio and trio. Both over one ``Subscription``."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final, Self

from statekeep.protocol.dialing import dial, queue_full
from statekeep.protocol.errors import ConnectionLost, StatekeepError
from statekeep.protocol.messages import Watch
from statekeep.protocol.records import Notice
from statekeep.protocol.subscription import PATIENCE, Subscription

_CHUNK: Final = 1 << 16
"""Bytes of one read: a few hundred notices."""


class _Line:
    """The connection of a watch, if it has one at the moment."""

    def __init__(self, path: str, subscription: Subscription) -> None:
        self.subscription = subscription
        self.ended = False
        self._path = path
        self._socket: socket.socket | None = None

    def connected(self) -> socket.socket:
        """A connection on which the watch goes on. Raises ``NoDaemon``."""
        if self._socket is None:
            self._socket = dial(self._path)
            if self._socket is None:
                raise queue_full(self._path, 0)
            self.send(self.subscription.begin())
        return self._socket

    def receive(self) -> None:
        """Take in what is there to be read. Raises what ends the watch, or this connection of it."""
        try:
            data = self.connected().recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            raise ConnectionLost(error.strerror or str(error)) from error
        self.subscription.receive(data)

    def send(self, data: bytes) -> None:
        """Send a request, far smaller than a socket's room. A failure is left to the next read."""
        if data and self._socket is not None:
            try:
                self._socket.sendall(data)
            except OSError:
                self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Go on no more."""
        self.ended = True
        self._close()

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def lost(self, error: StatekeepError) -> float:
        """The seconds until the next attempt; raises ``error`` if there is to be none."""
        self._close()
        return self.subscription.lost(error, time.monotonic())


class Watching(Iterator[Notice]):
    """What happens, one notice after the other. It waits as long as it takes; ``close`` it, or use it in a ``with``."""

    def __init__(self, path: str, request: Watch, patience: float = PATIENCE) -> None:
        self._line = _Line(path, Subscription(request, patience))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the watch. Its last notice's token says where another may go on."""
        self._line.end()

    def __next__(self) -> Notice:
        ready = self._line.subscription.ready
        while not ready and not self._line.ended:
            try:
                poll = select.poll()
                poll.register(self._line.connected(), select.POLLIN)
                poll.poll()
                self._line.receive()
            except StatekeepError as error:
                time.sleep(self._line.lost(error))
        if self._line.ended:
            raise StopIteration
        notice, request = self._line.subscription.take()
        self._line.send(request)
        return notice


class AsyncWatching(AsyncIterator[Notice]):
    """Likewise for tasks: ``async for notice in watching``. One task at a time; a cancelled wait loses nothing."""

    def __init__(self, path: str, request: Watch, patience: float = PATIENCE) -> None:
        self._line = _Line(path, Subscription(request, patience))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the watch. Its last notice's token says where another may go on."""
        self._line.end()

    async def __anext__(self) -> Notice:
        import anyio.lowlevel  # noqa: PLC0415 - only for those who are asynchronous

        ready = self._line.subscription.ready
        await anyio.lowlevel.checkpoint()
        while not ready and not self._line.ended:
            try:
                await anyio.wait_readable(self._line.connected())
                self._line.receive()
            except StatekeepError as error:
                await anyio.sleep(self._line.lost(error))
        if self._line.ended:
            raise StopAsyncIteration
        notice, request = self._line.subscription.take()
        self._line.send(request)
        return notice
