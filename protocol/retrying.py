"""What becomes of a call whose connection is lost: what may be repeated is repeated, within bounds.

Nobody can tell whether a request that was not answered has been carried out. Reads may be repeated anyhow. Spawns and
events get an idempotency key before they are first sent, and so may be repeated too; the daemon carries them out once.
Everything else (deploys, closes, whatever an operator does) has an unknown outcome, and the caller is told so.

A key costs the daemon about 15 us and 200 bytes an event. Who sends a flood that need not arrive whole, or keeps books
of his own, gives ``retry_for=0``: then nothing gets a key, and nothing is repeated.

``Effort`` knows no socket: a client asks it for what is left, tells it what came of that, and waits as long as it says.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from statekeep.protocol.connection import Outcome
from statekeep.protocol.dialing import pauses
from statekeep.protocol.errors import ConnectionLost, NoDaemon, StatekeepError
from statekeep.protocol.messages import Batch, Request, Write
from statekeep.protocol.records import Record

RETRY_FOR: Final = 10.0
"""Seconds: a daemon that is restarted is back in less."""

_LOSSES: Final = 3
"""Connections that may be lost in a row with no answer at all: more, and it is the requests that end them."""

RequestT = TypeVar("RequestT", bound=Request[Record])


def named(request: RequestT) -> RequestT:
    """The request, with an idempotency key if it can have one and has none."""
    if isinstance(request, Write) and request.idempotency_key is None:
        return replace(request, idempotency_key=os.urandom(16).hex())
    if isinstance(request, Batch):
        return replace(request, requests=[named(part) for part in request.requests])
    return request


def repeatable(request: Request[Record]) -> bool:
    """Whether a request has the same effect however often it is carried out."""
    if isinstance(request, Batch):
        return all(map(repeatable, request.requests))
    return request.role == "viewer" or (isinstance(request, Write) and request.idempotency_key is not None)


class Effort:
    """The requests of one call, from the first attempt to the last."""

    def __init__(self, requests: Iterable[Request[Record]], retry_for: float) -> None:
        """Repeat for ``retry_for`` seconds after the first loss; never, if that is 0."""
        self._requests = [named(request) for request in requests] if retry_for else list(requests)
        self.outcomes: list[Outcome | None] = [None] * len(self._requests)
        """In the order of the requests; complete when ``pause`` is None."""
        self._left = list(range(len(self._requests)))
        self._retry_for = retry_for
        self._pauses = pauses()
        self._loss: ConnectionLost | None = None
        self._losses = 0
        self._deadline = 0.0

    @property
    def left(self) -> list[Request[Record]]:
        """The requests to send, in their order."""
        return [self._requests[place] for place in self._left]

    def pause(self) -> float | None:
        """Seconds to wait before the next attempt; None when there is nothing left to be attempted."""
        if not self._left:
            return None
        return next(self._pauses) if self._loss else 0.0

    def take(self, outcomes: Sequence[Outcome | None]) -> None:
        """What came of an attempt, in the order of ``left``."""
        left: list[int] = []
        for place, outcome in zip(self._left, outcomes, strict=True):
            # Only the loss itself: a client that was closed by its user must not come back.
            if type(outcome) is ConnectionLost and self._retry_for and repeatable(self._requests[place]):
                self._loss = outcome
                left.append(place)
            else:
                self.outcomes[place] = outcome
        progress = len(left) < len(self._left)
        self._left = left
        if left:
            if progress or not self._losses:
                self._losses, self._deadline = 0, time.monotonic() + self._retry_for
            self._losses += 1
            if self._losses >= _LOSSES:
                self._give_up()

    def unreachable(self, error: StatekeepError) -> None:
        """There is no connection. Raises ``error`` if nothing has been sent at all."""
        if self._loss is None:
            raise error
        if not isinstance(error, NoDaemon | ConnectionLost) or time.monotonic() > self._deadline:
            self._give_up()

    def _give_up(self) -> None:
        for place in self._left:
            self.outcomes[place] = self._loss
        self._left = []
