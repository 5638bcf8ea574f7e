"""One connection as a client sees it, without the socket: requests become bytes, bytes become their outcomes.

The daemon may answer in any order, so every request gets a number of its own, its ``id``, and an answer is read as
the ``Result`` of the request with that number. Whoever waits for outcomes does so with an ``Exchange``: it sends what
``fill`` gives, feeds what comes to ``receive``, and again, until nothing is under way. ``Client`` and ``AsyncClient``
differ only in how they wait.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from statekeep.protocol.errors import FrameTooLarge, ProtocolViolation, StatekeepError, from_body
from statekeep.protocol.framing import ANSWER_LIMIT, REQUEST_LIMIT, Dialect, FrameReader, Oversized, join_frames
from statekeep.protocol.messages import Request
from statekeep.protocol.records import ErrorBody, Record, Welcome

Outcome = Record | StatekeepError
"""What became of a request."""

_ENCODE: Final = msgspec.msgpack.Encoder().encode


class _Reply(msgspec.Struct):
    """An answer or a refusal. What is in ``ok`` can be read only when the id has told which request it is for."""

    id: int | None
    ok: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None


_DECODE_REPLY: Final = msgspec.msgpack.Decoder(_Reply).decode


@functools.cache
def _decoder(result: type[Record]) -> msgspec.msgpack.Decoder[Record]:
    return msgspec.msgpack.Decoder(result)


class Connection:
    """What is under way on one connection. Any error that ``receive`` raises is the end of it."""

    def __init__(self) -> None:
        self.request_limit = REQUEST_LIMIT
        """Bytes of one request that the daemon takes. The answer to a ``Hello`` corrects it."""
        self.window = 1
        """Requests of one exchange that may be under way at once. Likewise; one, until the daemon has said more."""
        self._frames = FrameReader(ANSWER_LIMIT, Dialect.MSGPACK)
        self._under_way: dict[int, tuple[type[Record], Exchange]] = {}
        self._last = 0

    def request(self, request: Request[Record], exchange: Exchange) -> tuple[int, bytes]:
        """Return the number under which the request is answered, and the bytes to send.

        A request over the limit raises ``FrameTooLarge`` here: the daemon would drop it unread, and so could not say
        which one it was.
        """
        number = self._last + 1
        body = _ENCODE(msgspec.structs.replace(request, id=number))
        if len(body) > self.request_limit:
            raise FrameTooLarge(self.request_limit, len(body))
        self._last = number
        self._under_way[number] = request.Result, exchange
        return number, join_frames((body,))

    def receive(self, data: bytes) -> list[Exchange]:
        """Settle what ``data`` answers, and return the exchanges that came forward by it."""
        settled: list[Exchange] = []
        for frame in self._frames.feed(data):
            if isinstance(frame, Oversized):
                raise ProtocolViolation(f"an answer announces {frame.size} bytes")
            reply: _Reply = _read(_DECODE_REPLY, frame)
            if reply.id is None and reply.error:
                raise from_body(reply.error)
            if reply.id is None or reply.id not in self._under_way:
                raise ProtocolViolation("an answer belongs to no request")
            result, exchange = self._under_way.pop(reply.id)
            exchange.settle(reply.id, self._outcome(reply, result))
            settled.append(exchange)
        return settled

    def _outcome(self, reply: _Reply, result: type[Record]) -> Outcome:
        if reply.error:
            return from_body(reply.error)
        record: Record = _read(_decoder(result).decode, reply.ok)
        if isinstance(record, Welcome):
            self.request_limit = record.limits.frame
            self.window = max(1, record.limits.under_way)
        return record


class Exchange:
    """Requests for whose outcomes one caller waits. The daemon sees them in their order, a window at a time."""

    def __init__(self, connection: Connection, requests: Sequence[Request[Record]]) -> None:
        self.outcomes: list[Outcome | None] = [None] * len(requests)
        """In the order of the requests, whatever the order of the answers."""
        self.under_way: dict[int, int] = {}
        """The place of each request that was sent and not answered, by its number."""
        self._connection = connection
        self._left = iter(enumerate(requests))

    def fill(self) -> bytes:
        """Return what to send now: as many of the requests that are left as the window has room for."""
        frames: list[bytes] = []
        while len(self.under_way) < self._connection.window and (item := next(self._left, None)):
            place, request = item
            try:
                number, frame = self._connection.request(request, self)
            except FrameTooLarge as error:
                self.outcomes[place] = error
            else:
                self.under_way[number] = place
                frames.append(frame)
        return b"".join(frames)

    def settle(self, number: int, outcome: Outcome) -> None:
        """Take the outcome of one request."""
        self.outcomes[self.under_way.pop(number)] = outcome

    def fail(self, reason: StatekeepError) -> None:
        """Make ``reason`` the outcome of all that has none."""
        self.outcomes = [reason if outcome is None else outcome for outcome in self.outcomes]


def _read(decode: Any, body: bytes | msgspec.Raw) -> Any:
    try:
        return decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as problem:
        raise ProtocolViolation(f"an answer can't be read ({problem})") from problem
