"""SQLite's log as bytes: which of them belong to commits (sqlite.org/fileformat2.html, section 4)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

HEADER: Final = 32
"""Bytes before the first frame."""

_FRAME: Final = struct.Struct(">II8s8x")
"""The number of its page; the size of the database in pages if it ends a commit, else 0; the salts of its log."""

FRAME: Final = _FRAME.size
"""Bytes before the page of a frame."""


def page_size(header: bytes) -> int:
    """Bytes of a page."""
    return int.from_bytes(header[8:12], "big")


def salts(header: bytes) -> bytes:
    """What tells a log from the one that was in the file before."""
    return header[16:24]


def frame_size(page_size: int) -> int:
    """Bytes of a frame with its page."""
    return FRAME + page_size


def commits(frames: bytes, of: bytes, page_size: int) -> Iterator[int]:
    """Where in ``frames``, whole ones of the log with the salts ``of``, a commit ends.

    Frames that are left from another log, or of a transaction that did not end, are none.
    """
    size = frame_size(page_size)
    for start in range(0, len(frames) - size + 1, size):
        _, pages, found = _FRAME.unpack_from(frames, start)
        if found != of:
            return
        if pages:
            yield start + size
