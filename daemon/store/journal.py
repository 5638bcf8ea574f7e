"""The erasure journal: who was erased, in a file outside the database.

A backup knows nothing of what was erased after it. The journal does: one line of JSON for each erasure, with the
database, the actor's id, and position and time of the erasure; nothing else of the actor. Each line authenticates
itself and, by the code of the line before, all before it. It only ever grows.

The journal and the tombstones in the database say the same. Where they don't, a backup was restored (the tombstone is
missing: the actor is erased again), or the daemon died before it wrote the line, or the journal is gone (the line is
missing: it is added).
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from statekeep.daemon.store.key_files import sync_directory
from statekeep.daemon.store.rows import TombstoneRow

_CODE_SIZE: Final = 16


class DamagedJournal(Exception):
    """The erasure journal is another store's, or is not as it was written."""


class _Entry(msgspec.Struct):
    """A line: ``mac`` is HMAC-SHA-256 over the code before and the other fields, the first 128 bits, in hex."""

    database: str
    actor: int
    position: int
    time: int
    mac: str = ""


class Journal:
    """The journal of one database, in the file ``path``, which is made with the first entry. ``key`` authenticates it.

    Raises ``DamagedJournal``, and ``OSError`` for a directory that is not there or a file that can't be read.
    """

    def __init__(self, path: Path, database: bytes, key: bytes) -> None:
        self.actors: set[int] = set()
        """Whoever is in it."""
        self._path = path
        self._database = database.hex()
        self._key = key
        self._end = 0
        self._last = bytes(_CODE_SIZE)
        path.parent.stat()  # raises: a journal that can't be written must be known before the first erasure
        if path.exists():
            self._read(path.read_bytes())

    def append(self, stones: Iterable[TombstoneRow]) -> None:
        """Add those who are not in it, durably. Raises ``OSError``; then none is in it, and it may be tried again."""
        new = [stone for stone in stones if stone.actor not in self.actors]
        if not new:
            return
        lines, last = bytearray(), self._last
        for stone in new:
            entry = _Entry(self._database, stone.actor, stone.position, stone.time)
            last = self._code(last, entry)
            entry.mac = last.hex()
            lines += msgspec.json.encode(entry) + b"\n"
        descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            # At the end of the last whole entry: what an attempt before has left behind it is no part of the journal.
            os.ftruncate(descriptor, self._end)
            written = os.pwrite(descriptor, lines, self._end)
            if written < len(lines):
                raise OSError(f"only {written} of {len(lines)} bytes were written to {self._path}")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not self._end:
            sync_directory(self._path.parent)
        self._end += len(lines)
        self._last = last
        self.actors.update(stone.actor for stone in new)

    def _read(self, content: bytes) -> None:
        for number, line in enumerate(content.splitlines(keepends=True), start=1):
            if not line.endswith(b"\n"):
                return  # cut off while it was written, and so never acknowledged
            try:
                entry = msgspec.json.decode(line, type=_Entry)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise self._damaged(number, "is not an entry") from None
            if entry.database != self._database:
                raise self._damaged(number, "is about another store")
            self._last = self._code(self._last, entry)
            if not hmac.compare_digest(self._last.hex(), entry.mac):
                raise self._damaged(number, "is not as it was written, or one before it is missing")
            self._end += len(line)
            self.actors.add(entry.actor)

    def _damaged(self, number: int, what: str) -> DamagedJournal:
        return DamagedJournal(
            f"line {number} of the erasure journal {self._path} {what}; put back a copy of it, or move it away: the "
            "store's own tombstones make a new one, but who was erased after an older backup of the store is not there"
        )

    def _code(self, before: bytes, entry: _Entry) -> bytes:
        content = msgspec.json.encode([entry.database, entry.actor, entry.position, entry.time])
        return hmac.digest(self._key, before + content, "sha256")[:_CODE_SIZE]
