"""Bytes to frames and back, in both dialects, without any I/O.

The first byte of a connection chooses its dialect for good. ``{`` means JSON: a frame is a line. Anything else means
MessagePack: a frame is its length, four bytes big-endian, and a body. The two can't be confused: a length that
begins with the byte of ``{`` announces two gigabytes, and no limit may be as large.

A frame over the limit is known by its header, or by a line that goes on for too long. It becomes one ``Oversized`` in
its place, its bytes are dropped as they come, and the next frame is read as if nothing had happened.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

REQUEST_LIMIT: Final = 1 << 20
"""Bytes of one request, unless configured otherwise: four times the largest definition."""

ANSWER_LIMIT: Final = 1 << 26
"""Bytes of one answer that a client takes. Answers come from a trusted daemon, so this only bounds an accident."""

_JSON_START: Final = ord("{")
_HEADER: Final = struct.Struct(">I")


class Dialect(enum.Enum):
    """How a connection writes its messages."""

    JSON = "JSON"
    MSGPACK = "MessagePack"


class Oversized(NamedTuple):
    """Stands where a frame over the limit was."""

    size: int | None
    """The length that its header announced; None for a line, of which only the beginning was seen."""

    @property
    def looks_like_text(self) -> bool:
        """Whether the header was four characters of some other protocol, rather than a length."""
        return self.size is not None and all(32 <= byte < 127 or byte in b"\r\n\t" for byte in _HEADER.pack(self.size))


class FrameReader:
    """Cuts what one peer sends into frames, however the bytes were chunked."""

    def __init__(self, limit: int, dialect: Dialect | None = None) -> None:
        """Accept bodies of up to ``limit`` bytes. Without a dialect the first byte decides."""
        if not 0 < limit < _JSON_START << 24:
            raise ValueError(f"a frame limit must be between 1 and {(_JSON_START << 24) - 1} bytes, not {limit}")
        self.dialect = dialect
        self._limit = limit
        self._kept = bytearray()
        self._needed = _HEADER.size
        """Length that ``_kept`` must reach before looking at it again is worth it. MessagePack only."""
        self._skip = 0
        """Bytes of an oversized frame that are still to come. MessagePack only."""
        self._skip_line = False
        """Whether the line that is coming in has already been answered as oversized. JSON only."""

    @property
    def held(self) -> int:
        """Bytes of a frame that has begun and not ended; 1 for one that is dropped as it comes."""
        return len(self._kept) or bool(self._skip or self._skip_line)

    def feed(self, data: bytes) -> list[bytes | Oversized]:
        """Return the frames that ``data`` completes: bodies without header, lines without newline."""
        if not data:
            return []
        if self.dialect is None:
            self.dialect = Dialect.JSON if data[0] == _JSON_START else Dialect.MSGPACK
        return self._lines(data) if self.dialect is Dialect.JSON else self._frames(data)

    def _frames(self, data: bytes) -> list[bytes | Oversized]:
        if self._skip:
            dropped = min(self._skip, len(data))
            self._skip -= dropped
            data = data[dropped:]
            if not data:
                return []
        if self._kept:
            self._kept += data
            if len(self._kept) < self._needed:
                return []
            data = bytes(self._kept)
        frames: list[bytes | Oversized] = []
        start, end, header = 0, len(data), _HEADER.size
        needed = header
        while end - start >= header:
            (size,) = _HEADER.unpack_from(data, start)
            stop = start + header + size
            if size > self._limit:
                frames.append(Oversized(size))
            elif stop > end:
                needed = header + size
                break
            else:
                frames.append(data[start + header : stop])
            start = stop
        self._skip = max(0, start - end)
        self._kept = bytearray(data[start:])
        self._needed = needed
        return frames

    def _lines(self, data: bytes) -> list[bytes | Oversized]:
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = bytes(self._kept) + lines[0]
            self._kept.clear()
            if self._skip_line:
                del lines[0]
                self._skip_line = False
        frames: list[bytes | Oversized] = []
        for line in lines:
            if len(line) > self._limit:
                frames.append(Oversized(None))
            elif line.strip():
                frames.append(line)
        if not self._skip_line:
            self._kept += rest
            if len(self._kept) > self._limit:
                frames.append(Oversized(None))
                self._kept.clear()
                self._skip_line = True
        return frames


def join_frames(bodies: Iterable[bytes]) -> bytes:
    """Write MessagePack bodies as one run of frames."""
    parts: list[bytes] = []
    for body in bodies:
        parts.append(_HEADER.pack(len(body)))
        parts.append(body)
    return b"".join(parts)
