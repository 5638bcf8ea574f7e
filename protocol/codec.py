"""Frames to requests and answers to frames: the daemon's end of the wire, still without any I/O.

Whatever bytes come in, the result is requests and refusals. A refusal carries the request's id whenever that much of
the request can be read, so that the caller who pipelines knows which one it was.

Payloads, contexts and definitions are *values*, which both dialects must be able to carry and XState to hold: null,
booleans, 64-bit signed integers, finite floats, text, arrays, and objects whose keys are text. MessagePack can say
more, so values are walked before they go further.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, get_args

import msgspec
from msgspec import UNSET

from statekeep.protocol.errors import BadRequest, FrameTooLarge, Malformed, StatekeepError, UnknownOp, shorten
from statekeep.protocol.framing import Dialect, FrameReader, Oversized, join_frames
from statekeep.protocol.messages import REQUESTS, Answer, AnyRequest, Batch, Notices, Refusal, Request
from statekeep.protocol.records import Record

VALUE_DEPTH: Final = 128
"""Levels of arrays and objects in a value. A definition of 32 levels of states needs 70; Python's own stack ends the
decoding of deeper ones somewhere below a thousand, at a place that depends on the caller."""

VALUE_ITEMS: Final = 65_536
"""Elements and members of a value, at all levels together. A request of the default limit could have a million, whose
check would hold everybody up for half a second."""

_HOSTILE: Final = (msgspec.MsgspecError, RecursionError, ValueError, TypeError, OverflowError)
"""What decoding bad bytes raises: msgspec's own errors, and Python's, for text that is not UTF-8 and the like."""

_DECODE: Final = {
    Dialect.JSON: msgspec.json.Decoder(AnyRequest).decode,
    Dialect.MSGPACK: msgspec.msgpack.Decoder(AnyRequest).decode,
}


class _Head(msgspec.Struct):
    """The part of a request that a refusal needs, read without any demand on the rest."""

    id: Any = 0
    op: Any = None


_DECODE_HEAD: Final = {
    Dialect.JSON: msgspec.json.Decoder(_Head).decode,
    Dialect.MSGPACK: msgspec.msgpack.Decoder(_Head).decode,
}
_ENCODE_LINES: Final = msgspec.json.Encoder().encode_lines
_ENCODE: Final = msgspec.msgpack.Encoder().encode


def _holds_any(kind: Any) -> bool:
    return kind is Any or any(_holds_any(part) for part in get_args(kind))


_VALUES: Final = {
    kind: [field.name for field in msgspec.structs.fields(kind) if _holds_any(field.type)] for kind in REQUESTS.values()
}
"""The fields of each request whose type says nothing about what is in them."""


class RequestReader:
    """Turns what one client sends into requests, and what can't be one into refusals, in the order they came."""

    def __init__(self, limit: int) -> None:
        """Accept requests of up to ``limit`` bytes."""
        self._limit = limit
        self._frames = FrameReader(limit)

    @property
    def dialect(self) -> Dialect:
        """How the client wants its answers. Before its first byte: MessagePack."""
        return self._frames.dialect or Dialect.MSGPACK

    @property
    def held(self) -> int:
        """Bytes of a request that has begun and not ended."""
        return self._frames.held

    def feed(self, data: bytes) -> list[AnyRequest | Refusal]:
        """Return the requests that ``data`` completes; a refusal among them is to be answered as it is."""
        frames = self._frames.feed(data)
        decode = _DECODE[self.dialect]
        requests: list[AnyRequest | Refusal] = []
        for body in frames:
            if isinstance(body, Oversized):
                error = FrameTooLarge(self._limit, body.size, text=body.looks_like_text)
                requests.append(Refusal(None, error.body()))
                continue
            try:
                request = decode(body)
            except _HOSTILE as problem:
                requests.append(_refuse(self.dialect, body, problem))
                continue
            requests.append(_check_values(request))
        return requests


def encode_answers(dialect: Dialect, answers: Sequence[Answer | Refusal | Notices]) -> bytes:
    """Write answers as one run of bytes, so that they cost one system call."""
    if dialect is Dialect.JSON:
        return _ENCODE_LINES(answers)
    return join_frames(map(_ENCODE, answers))


def _check_values(request: AnyRequest) -> AnyRequest | Refusal:
    try:
        if type(request) is Batch:
            for number, part in enumerate(request.requests):
                _check_fields(part, f"requests[{number}].")
        else:
            _check_fields(request)
    except _Unfit as unfit:
        error = BadRequest(f"`{shorten(''.join(reversed(unfit.place)))}` {unfit.reason}.", unfit.hint)
        return Refusal(request.id, error.body())
    return request


def _check_fields(request: AnyRequest, place: str = "") -> None:
    """Raise ``_Unfit`` for a value of the request, which stands at ``place`` in what was sent."""
    for name in _VALUES[type(request)]:
        value = getattr(request, name)
        if value is not None and value is not UNSET:
            try:
                _check_value(value, VALUE_DEPTH, VALUE_ITEMS)
            except _Unfit as unfit:
                unfit.place.append(place + name)
                raise


class _Unfit(Exception):
    """Why a value is refused; its place is filled in from the innermost outwards."""

    def __init__(self, reason: str, hint: str = "") -> None:
        self.reason = reason
        self.hint = hint
        self.place: list[str] = []


def _check_value(value: Any, depth: int, room: int) -> int:
    """Check one value; returns how many elements there is room for behind it."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return room
    if kind is int:
        if not -(2**63) <= value < 2**63:
            raise _Unfit("is an integer that does not fit into 64 bits", "Write it as text.")
    elif kind is float:
        if not math.isfinite(value):
            raise _Unfit("is not a finite number", "JSON has no NaN and no infinity; use null.")
    elif kind is dict or kind is list:
        return _check_items(value, depth, room)
    else:
        raise _Unfit(f"is of a type that JSON does not have ({kind.__name__})", "Write it as text.")
    return room


def _check_items(value: dict[Any, Any] | list[Any], depth: int, room: int) -> int:
    if not depth:
        raise _Unfit(f"is nested deeper than {VALUE_DEPTH} levels")
    room -= len(value)
    if room < 0:
        raise _Unfit(
            f"is more than the {VALUE_ITEMS:,} elements that a value may have", "Send it in parts, or as text."
        )
    is_object = isinstance(value, dict)
    items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if is_object and type(key) is not str:
            raise _Unfit("has a key that is not text", "JSON's keys are text.")
        try:
            room = _check_value(item, depth - 1, room)
        except _Unfit as unfit:
            unfit.place.append(f".{key}" if is_object else f"[{key}]")
            raise
    return room


def _refuse(dialect: Dialect, body: bytes, problem: Exception) -> Refusal:
    try:
        head = _DECODE_HEAD[dialect](body)
    except _HOSTILE:
        head = _Head(id=None)
    number = head.id if type(head.id) is int and 0 <= head.id < 2**63 else None
    return Refusal(number, _explain(dialect, head.op, problem).body())


def _explain(dialect: Dialect, op: Any, problem: Exception) -> StatekeepError:
    if isinstance(problem, RecursionError):
        return BadRequest(f"The request is nested deeper than {VALUE_DEPTH} levels.")
    if not isinstance(problem, msgspec.ValidationError):
        return Malformed(dialect.value, str(problem))
    if not isinstance(op, str):
        return BadRequest(f"{problem}.", f"A request is an object whose `op` is one of {', '.join(REQUESTS)}.")
    if op not in REQUESTS:
        return UnknownOp(op, REQUESTS)
    # What is null in JSON is called None where MessagePack is decoded.
    return BadRequest(f"{shorten(str(problem).replace('`None`', '`null`'))}.", _usage(REQUESTS[op]))


def _usage(kind: type[Request[Record]]) -> str:
    fields = msgspec.structs.fields(kind)
    required = [field.name for field in fields if field.required]
    optional = [field.name for field in fields if not field.required]
    needs = f"needs {', '.join(required)} and takes" if required else "takes"
    return f"`{kind.__struct_config__.tag}` {needs} {', '.join(optional)}."
