"""A copy of the database of a running daemon, as it is at one moment.

The copy is made page by page by SQLite's online backup, in a thread, from a read-only connection whose one read
transaction lasts from the first page to the last: commits go on meanwhile, and none of them is in the copy. While it
lasts, the log can't be emptied, so an erasure, which is not complete before the log is, has the copy given up
(``stop``), and it is begun anew.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from statekeep.daemon.store.key_files import sync_directory

STEP: Final = 512
"""Pages between two looks at whether to stop: 2 MiB, which are synced at once, so that no commit waits behind more."""

_LAST: Final = (
    "SELECT position, time FROM events WHERE position = (SELECT max(position) FROM events)",
    "SELECT position, time FROM deployments WHERE position = (SELECT max(position) FROM deployments)",
    "SELECT position, time FROM versions WHERE position = (SELECT max(position) FROM versions)",
    "SELECT position, time FROM tombstones WHERE position = (SELECT max(position) FROM tombstones)",
)


class Moment(NamedTuple):
    """Where a store stands."""

    position: int
    """Of the last thing that happened; 0: nothing did."""
    time: int
    """When that was, in milliseconds."""


class UnusableCopy(Exception):
    """The file is no whole copy of a store."""


class _Stopped(Exception):
    """The copy is not wanted any more."""


def moment(connection: sqlite3.Connection) -> Moment:
    """Where the store stands that this connection sees."""
    rows = [row for query in _LAST for row in connection.execute(query)]
    return Moment(*max(rows, default=(0, 0)))


def sync(path: Path) -> None:
    """Make the content of a file durable. For files that no connection of this process has open."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Copying:
    """A copy of the database ``source`` being made in the file ``target``, which is replaced.

    What it shows is fixed when the constructor returns. Raises ``StorageError``.
    """

    def __init__(self, source: Path, target: Path) -> None:
        self.target = target
        self.failure = ""
        """Why there is no copy; known when it is ``done``."""
        self.stopped = False
        self.copied = 0
        """Bytes so far."""
        self.size = 0
        """Bytes that it will have; known soon."""
        self.sha256 = ""
        """Of the file; known when it is ``done``."""
        self._stop = threading.Event()
        self._source = sqlite3.connect(
            f"{source.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            self._source.execute("BEGIN")
            self.moment = moment(self._source)
        except BaseException:
            self._source.close()
            raise
        self._thread = threading.Thread(target=self._run, name="copying the store")
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has come to an end, be it a failure."""
        return not self._thread.is_alive()

    def join(self) -> None:
        """Wait until it is done."""
        self._thread.join()

    def stop(self) -> None:
        """Give it up, unless it is done; the database is let go of before this returns."""
        self._stop.set()
        self._thread.join()

    def remove(self) -> None:
        """Stop, and remove the file."""
        self.stop()
        self._unlink()

    def _unlink(self) -> None:
        with suppress(OSError):  # one that can't be removed is replaced by the next
            self.target.unlink(missing_ok=True)

    def _run(self) -> None:
        try:
            self._copy()
        except _Stopped:
            self.stopped = True
        except (OSError, sqlite3.Error) as problem:
            self.failure = getattr(problem, "strerror", None) or str(problem)
        finally:
            self._source.close()
        if self.failure or self.stopped:
            self._unlink()

    def _copy(self) -> None:
        (page_size,) = self._source.execute("PRAGMA page_size").fetchone()
        self.target.unlink(missing_ok=True)
        descriptor = os.open(self.target, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            copy = sqlite3.connect(self.target, isolation_level=None)
            try:
                # It is worth nothing before all of it is there and synced.
                copy.execute("PRAGMA journal_mode = OFF")
                copy.execute("PRAGMA synchronous = OFF")

                def go_on(_status: int, remaining: int, total: int) -> None:
                    self.size, self.copied = total * page_size, (total - remaining) * page_size
                    os.fdatasync(descriptor)
                    if self._stop.is_set():
                        raise _Stopped

                self._source.backup(copy, pages=STEP, progress=go_on, sleep=0)
            finally:
                copy.close()
            self._source.execute("COMMIT")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_directory(self.target.parent)
        self.sha256 = digest(self.target)


def check_copy(path: Path) -> None:
    """Raise ``UnusableCopy`` unless SQLite finds the database, which nobody else has open, whole."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        stores = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'store'").fetchone()[0]
    except sqlite3.Error as problem:
        raise UnusableCopy(f"the backup is no copy of a store: {problem}") from None
    finally:
        connection.close()
    if found != "ok":
        raise UnusableCopy(f"the backup is damaged: {found}")
    if not stores:
        raise UnusableCopy("the backup is a database, but not one of StateKeep")
