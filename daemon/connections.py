"""One client as the server sees it, without waiting: bytes are taken as they are there, and written as they fit."""

from __future__ import annotations

import collections
import select
import socket
from collections.abc import Sequence
from typing import Final

import trio

from statekeep.daemon.engine import About
from statekeep.daemon.peers import MAY, Access, credentials, describe
from statekeep.protocol.codec import RequestReader, encode_answers
from statekeep.protocol.messages import Answer, Refusal
from statekeep.protocol.records import Peer, Role

CHUNK: Final = 65_536
"""Bytes of one read: hundreds of small requests, and little to hold for thousands of connections."""

LARGE: Final = 64
"""Requests of more than a chunk that are read at a time: with the default limit of a request, 64 MiB."""

PATIENCE: Final = 30.0
"""Seconds that a client may leave its answers unread before it is cut off."""


class Connection:
    """A client's requests under way, and the answers that its socket did not take yet.

    It is in ``poll`` for just what it can use: to be read while there is room for its requests and it takes its
    answers, to be written while it does not. With neither it is not in there at all, because the kernel would tell
    again and again of a client that has hung up.
    """

    def __init__(self, connected: socket.socket, poll: select.epoll, about: About, access: Access) -> None:
        connected.setblocking(False)
        self.number = connected.fileno()
        self.reader = RequestReader(about.frame)
        self._credentials = credentials(connected)
        self._role: Role | None = access.role(self._credentials)
        self.may = MAY[self._role]
        self.under_way = 0
        self.reading = True
        """Whether more requests may come; what is under way is answered also when none may."""
        self.waits = False
        """Whether the rest of its large request has to wait until others have been read."""
        self.gone = False
        """Whether nobody takes answers any more."""
        self._socket = connected
        self._poll = poll
        self._events = 0
        self._most = about.under_way
        self._seconds = about.request_seconds
        self._backlog = bytearray()
        self._half_since: float | None = None
        self._stuck_since = 0.0
        self.update()

    @property
    def peer(self) -> Peer:
        """Who it is, and what it may do."""
        return describe(self._credentials, self._role)

    @property
    def stuck(self) -> bool:
        """Whether answers wait for the client to read."""
        return bool(self._backlog)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do for it."""
        return not (self.reading or self.under_way or self._backlog)

    @property
    def deadline(self) -> float:
        """When it has to have ended the request that it began, or to have taken an answer; else infinite."""
        if self._backlog:
            return self._stuck_since + PATIENCE
        return float("inf") if self._half_since is None else self._half_since + self._seconds

    def update(self) -> None:
        """Be told of what can be used now."""
        events = select.EPOLLOUT if self._backlog else 0
        if self.reading and not self.waits and not self._backlog and self.under_way < self._most:
            events |= select.EPOLLIN
        if events != self._events:
            if not events:
                self._poll.unregister(self.number)
            elif self._events:
                self._poll.modify(self.number, events)
            else:
                self._poll.register(self.number, events)
                if self._half_since is not None:  # while it was not read from, the time was not its own
                    self._half_since = trio.current_time()
            self._events = events

    @property
    def is_read(self) -> bool:
        """Whether it is being read from."""
        return bool(self._events & select.EPOLLIN)

    def receive(self) -> bytes:
        """Return what has come; nothing means that nothing more will. Raises ``BlockingIOError``."""
        try:
            return self._socket.recv(CHUNK)
        except BlockingIOError:
            raise
        except OSError:
            return b""

    def note(self, *, ended: bool) -> None:
        """Note when the request began that is half here; ``ended``: another one was ended by what came last."""
        if not self.reader.held:
            self._half_since = None
        elif ended or self._half_since is None:
            self._half_since = trio.current_time()

    def answer(self, answers: Sequence[Answer | Refusal]) -> None:
        """Write the answers to as many of its requests."""
        self.under_way -= len(answers)
        self.push(encode_answers(self.reader.dialect, answers))

    def push(self, data: bytes) -> None:
        """Write bytes, whole messages of its dialect. What the socket does not take goes out when it has room."""
        if self._backlog:
            self._backlog += data
        elif not self.gone:
            self._backlog += data[self._send(data) :]
            if self._backlog:
                self._stuck_since = trio.current_time()
        if self._backlog or not self.is_read:
            self.update()

    def drain(self) -> None:
        """Write what is left, as far as the socket takes it."""
        if sent := self._send(self._backlog):
            del self._backlog[:sent]
            self._stuck_since = trio.current_time()
        self.update()

    def stop_reading(self) -> None:
        """Take no more requests."""
        self.reading = False
        self._half_since = None
        self.update()

    def close(self) -> None:
        """End it, whatever is under way."""
        self.gone = True
        self._backlog.clear()
        self.stop_reading()
        self._socket.close()

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:  # the client is gone; what it has sent is carried out all the same
            self.gone = True
            return len(data)


class LargeRequests:
    """Lets a few connections at a time send what is large, in the order in which they began.

    What the others have sent of theirs stays at a chunk; the time that they wait is not counted as theirs.
    """

    def __init__(self) -> None:
        self._admitted: set[Connection] = set()
        self._waiting: collections.deque[Connection] = collections.deque()

    def judge(self, connection: Connection) -> None:
        """Let the rest of its request in, or let it wait for room; make room if it has ended."""
        if connection.reader.held >= CHUNK and not connection.gone:
            if connection not in self._admitted and not connection.waits:
                connection.waits = len(self._admitted) >= LARGE
                (self._waiting.append if connection.waits else self._admitted.add)(connection)
            return
        self._admitted.discard(connection)
        while self._waiting and len(self._admitted) < LARGE:
            following = self._waiting.popleft()
            if not following.gone:
                self._admitted.add(following)
                following.waits = False
                following.update()
