"""The anchor: a small file outside the database that has seen its last commit.

A database that was replaced by an older copy of itself is consistent, and so no look at it can tell. The anchor can:
it holds the number of the last commit and the tag of its evidence. It is written after each commit, without a sync:
after a power cut it may be behind the database, which is no fault; a database behind its anchor was rolled back.

Who can write both can roll back both. So the anchor is worth more in a directory that whoever copies, restores or
shares the database can't write to.
"""

from __future__ import annotations

import hmac
import logging
import os
import struct
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from statekeep.daemon.store.key_files import sync_directory

log = logging.getLogger(__name__)

KEY_USE = b"anchor 1"
"""What the key of its code is derived for."""

_RECORD = struct.Struct(">8sQ16s")
_MAGIC = b"anchor 1"
_CODE = 16


class RolledBack(Exception):
    """The database is not the one that its anchor has seen."""


class Seen(NamedTuple):
    """A commit that the anchor has seen."""

    commits: int
    root: bytes
    """The tag of the sealed totals: no two commits have the same."""


NOTHING = Seen(0, bytes(16))
"""A store in which nothing has been committed."""


class Anchor:
    """The file ``path``; ``key`` is one of the database, so that no other's anchor passes for this one's."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key
        self._descriptor = -1

    def close(self) -> None:
        """Let go of the file. It is synced, but an anchor that is behind is no fault."""
        if self._descriptor >= 0:
            try:
                os.fsync(self._descriptor)
            except OSError as failure:
                log.warning("the anchor %s was not synced: %s", self._path, failure.strerror)
            os.close(self._descriptor)
            self._descriptor = -1

    def meet(self, now: Seen, *, accept: bool) -> bool:
        """Compare a database that is being opened with what was seen; True if ``make`` must be called.

        Raises ``RolledBack`` unless it goes on from there or ``accept`` says that somebody knows.
        """
        seen = self._read()
        trouble = self._trouble(seen, now)
        if trouble and not accept:
            raise RolledBack(
                f"{trouble}. Put back the newest database with its anchor. If you know why it is so, for example "
                "because you have restored a backup: statekeepd --accept-rollback"
            )
        if trouble:
            log.warning("%s; accepted", trouble)
            return True
        if seen is None:
            return True
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        return False

    def after(self, now: Seen) -> int:
        """The number of a commit that follows this one and whatever the anchor has seen."""
        seen = self._read()
        return max(now.commits, seen.commits if seen else 0) + 1

    def make(self, now: Seen) -> None:
        """Make the file anew, on the disk for good: a power cut must not leave a store without its anchor."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        self._descriptor = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        os.pwrite(self._descriptor, self._encode(now), 0)
        os.fsync(self._descriptor)
        unfinished.rename(self._path)
        sync_directory(self._path.parent)

    def write(self, now: Seen) -> None:
        """Note a commit. One that can't be noted stands all the same: the anchor is then behind."""
        try:
            os.pwrite(self._descriptor, self._encode(now), 0)
        except OSError as failure:
            log.warning("the anchor %s was not written: %s", self._path, failure.strerror)

    def _trouble(self, seen: Seen | None, now: Seen) -> str:
        if seen is None:
            if now.commits and not self._path.exists():
                return f"the anchor {self._path} is missing, so nothing tells whether the database is the newest"
            return f"{self._path} is not the anchor of this database" if self._path.exists() else ""
        if seen.commits > now.commits:
            return (
                f"the database is an older one: it ends with commit {now.commits:,}, "
                f"and its anchor {self._path} has seen commit {seen.commits:,}"
            )
        if seen.commits == now.commits and seen.root != now.root:
            return f"commit {now.commits:,} of the database is not the one that its anchor {self._path} has seen"
        return ""

    def _read(self) -> Seen | None:
        """What was seen; None if there is no file, or not one of this database."""
        try:
            record = self._path.read_bytes()
        except FileNotFoundError:
            return None
        if len(record) != _RECORD.size + _CODE or not hmac.compare_digest(record[-_CODE:], self._code(record[:-_CODE])):
            return None
        _, commits, root = _RECORD.unpack(record[:-_CODE])
        return Seen(commits, root)

    def _encode(self, now: Seen) -> bytes:
        record = _RECORD.pack(_MAGIC, now.commits, now.root)
        return record + self._code(record)

    def _code(self, record: bytes) -> bytes:
        return blake2b(record, key=self._key, digest_size=_CODE).digest()
