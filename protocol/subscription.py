"""A watch as a client sees it, without the socket: what to send, what came, and when to come again.

A watch has a connection of its own. The daemon is given leave for so many notices ahead, and for more as they are
taken; so what a slow reader did not take stays with the daemon. After a lost connection the watch goes on behind the
last part that came whole, on a new connection, without a gap and without a repeat.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any, Final

import msgspec

from statekeep.protocol.errors import (
    Busy,
    ConnectionLost,
    NotAnswered,
    ProtocolViolation,
    StatekeepError,
    Stopping,
    from_body,
)
from statekeep.protocol.framing import ANSWER_LIMIT, Dialect, FrameReader, Oversized, join_frames
from statekeep.protocol.messages import ActorRef, Credit, Request, Watch
from statekeep.protocol.records import ErrorBody, Notice, Record

PATIENCE: Final = 60.0
"""Seconds for which a watch tries to reach the daemon again: longer than a restart takes."""

_WATCH: Final = 1
"""The id of the request to watch; grants of credits have the ids above."""

_PAUSES: Final = (0.01, 2.0)
"""Seconds between attempts to reach the daemon, at first and at last; each is twice the one before."""

_ENCODE: Final = msgspec.msgpack.Encoder().encode


class _Part(msgspec.Struct):
    """What comes on the connection: a part of the stream, an answer, or a refusal."""

    id: int | None
    notices: list[Notice] = []
    token: str | None = None
    ok: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None


_DECODE: Final = msgspec.msgpack.Decoder(_Part).decode


class Subscription:
    """One watch over all of its connections."""

    def __init__(self, request: Watch, patience: float = PATIENCE) -> None:
        """Watch what ``request`` says; give up when the daemon can't be reached for ``patience`` seconds."""
        self.ready: deque[Notice] = deque()
        """What came and was not taken yet."""
        self._request = request
        self._patience = patience
        self._frames = FrameReader(ANSWER_LIMIT, Dialect.MSGPACK)
        self._taken = 0
        self._last = _WATCH
        self._began = False
        self._lost_at: float | None = None
        self._pause = _PAUSES[0]

    def begin(self) -> bytes:
        """What to send first on a new connection."""
        self._frames = FrameReader(ANSWER_LIMIT, Dialect.MSGPACK)
        ahead = max(1, self._request.credits - len(self.ready))
        self._taken, self._last = 0, _WATCH
        return _frame(msgspec.structs.replace(self._request, id=_WATCH, credits=ahead))

    def receive(self, data: bytes) -> None:
        """Take in what came; nothing is the end. Raises the error that ends the watch, or this connection of it."""
        if not data:
            raise ConnectionLost("the daemon closed it")
        for frame in self._frames.feed(data):
            if isinstance(frame, Oversized):
                raise ProtocolViolation(f"a part announces {frame.size} bytes")
            part = _read(frame)
            if part.error is not None:
                raise from_body(part.error)
            if part.token is not None:
                self.ready += part.notices
                self._request = msgspec.structs.replace(self._request, after=part.token, actor=self._actor(part))
                self._began, self._lost_at, self._pause = True, None, _PAUSES[0]

    def _actor(self, part: _Part) -> ActorRef | None:
        """Whom the watch is about: by id, once it is known, since the key of an actor that is erased leads nowhere."""
        actor = self._request.actor
        return part.notices[-1].actor or actor if part.notices and isinstance(actor, str) else actor

    def take(self) -> tuple[Notice, bytes]:
        """The next notice that is ready, and what to send now that there is room for more; mostly nothing."""
        notice = self.ready.popleft()
        self._taken += 1
        if 2 * self._taken < self._request.credits:
            return notice, b""
        self._last += 1
        grant = Credit(watch=_WATCH, credits=self._taken, id=self._last)
        self._taken = 0
        return notice, _frame(grant)

    def lost(self, error: StatekeepError, now: float) -> float:
        """The seconds to wait before the next connection; raises ``error`` if there is to be none."""
        again = isinstance(error, NotAnswered | Stopping | Busy) and not isinstance(error, ProtocolViolation)
        if not self._began or not again:
            raise error
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at > self._patience:
            raise error
        pause, self._pause = self._pause, min(2 * self._pause, _PAUSES[1])
        return pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing


def _frame(request: Request[Record]) -> bytes:
    return join_frames((_ENCODE(request),))


def _read(frame: bytes) -> Any:
    try:
        return _DECODE(frame)
    except (msgspec.MsgspecError, RecursionError, ValueError) as problem:
        raise ProtocolViolation(f"a part of a watch can't be read ({problem})") from problem
