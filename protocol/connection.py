"""One connection as a client sees it, without the socket: requests become bytes, bytes become their outcomes.

The daemon may answer in any order, so every request gets a number of its own, its ``id``, and an answer is read as
the ``Result`` of the request with that number. Whoever drives the connection writes the bytes, feeds what comes, and
hands each outcome to who waits for it; ``Client`` and ``AsyncClient`` differ only in how they wait.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import msgspec

from statekeep.protocol.errors import FrameTooLarge, ProtocolViolation, StatekeepError, from_body
from statekeep.protocol.framing import ANSWER_LIMIT, REQUEST_LIMIT, Dialect, FrameReader, Oversized, join_frames
from statekeep.protocol.messages import ErrorBody, Record, Request, Welcome

Outcome = Record | StatekeepError
"""What became of a request."""

_ENCODE: Final = msgspec.msgpack.Encoder().encode


class _Reply(msgspec.Struct):
    """An answer or a refusal. What is in ``ok`` can be read only when the id has told which request it is for."""

    id: int | None
    ok: msgspec.Raw | None = None
    error: ErrorBody | None = None


_DECODE_REPLY: Final = msgspec.msgpack.Decoder(_Reply).decode


@functools.cache
def _decoder(result: type[Record]) -> msgspec.msgpack.Decoder[Record]:
    return msgspec.msgpack.Decoder(result)


class Connection:
    """Numbers requests and matches answers. Any error that ``receive`` raises is the end of the connection."""

    def __init__(self) -> None:
        self.request_limit = REQUEST_LIMIT
        """Bytes of one request that the daemon takes. The answer to a ``Hello`` corrects it."""
        self.window = 1
        """Requests that may be under way at once. Likewise; one, until the daemon has said more."""
        self._frames = FrameReader(ANSWER_LIMIT, Dialect.MSGPACK)
        self._results: dict[int, type[Record] | None] = {}
        self._last = 0

    def request(self, request: Request[Record]) -> tuple[int, bytes]:
        """Return the request's number and the bytes to send.

        A request over the limit raises ``FrameTooLarge`` here: the daemon would drop it unread, and so could not say
        which one it was.
        """
        number = self._last + 1
        body = _ENCODE(msgspec.structs.replace(request, id=number))
        if len(body) > self.request_limit:
            raise FrameTooLarge(self.request_limit, len(body))
        self._last = number
        self._results[number] = request.Result
        return number, join_frames((body,))

    def abandon(self, number: int) -> None:
        """Drop the answer to a request, if it still comes: nobody waits for it any more."""
        if number in self._results:
            self._results[number] = None

    def receive(self, data: bytes) -> list[tuple[int, Outcome]]:
        """Return the numbers and outcomes of the requests that ``data`` answers."""
        outcomes: list[tuple[int, Outcome]] = []
        for frame in self._frames.feed(data):
            if isinstance(frame, Oversized):
                raise ProtocolViolation(f"an answer announces {frame.size} bytes")
            reply: _Reply = _read(_DECODE_REPLY, frame)
            if reply.id is None and reply.error:
                raise from_body(reply.error)
            if reply.id not in self._results:
                raise ProtocolViolation("an answer belongs to no request")
            result = self._results.pop(reply.id)
            if result:
                outcomes.append((reply.id, self._outcome(reply, result)))
        return outcomes

    def _outcome(self, reply: _Reply, result: type[Record]) -> Outcome:
        if reply.error:
            return from_body(reply.error)
        if reply.ok is None:
            raise ProtocolViolation("an answer has neither `ok` nor `error`")
        record: Record = _read(_decoder(result).decode, reply.ok)
        if isinstance(record, Welcome):
            self.request_limit = record.limits.frame
            self.window = record.limits.under_way
        return record


def _read(decode: Any, body: bytes | msgspec.Raw) -> Any:
    try:
        return decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as problem:
        raise ProtocolViolation(f"an answer can't be read ({problem})") from problem
