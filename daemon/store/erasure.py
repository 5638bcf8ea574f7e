"""What makes an erasure complete.

Erasing an actor deletes its rows: the wrapped data key, without which none of its values can be opened again; the hash
by which its key was looked up; the sealed values themselves; its events. A tombstone without content stays. The
erasure may be acknowledged when none of those bytes is left in the files of the store, and it will stay erased:

1. The deletion is committed, and the bytes of deleted cells and freed pages are overwritten: ``secure_delete``. It is
   on all the time, not only while erasing: a row that an update or a split has moved leaves a copy where it was.
2. The journal, a file of its own, says so durably. A backup that was made before holds the actor still; where one is
   restored and the journal is there, the actor is erased again before anybody is served.
3. A truncating checkpoint has carried the pages into the database and emptied the log, which held them as they were.
   SQLite does not sync that the log is empty: after a power cut it could be back, and its pages over the newer ones.
4. The gaps of the database's pages are blank: see ``gaps``.
5. The copies that were made before migrations are deleted: the actor is in them.

The erasures of a batch share steps 2 to 5. Where a step fails, or somebody who reads the database holds the log, the
actor is gone all the same; what is left to do is tried again at the next erasure, from time to time, and at the next
start, whatever the reason was that it had not been done. What a file system or a disk keeps of blocks that were
overwritten or freed is not in the reach of this.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from statekeep.daemon.store import gaps
from statekeep.daemon.store.ballast import Ballast
from statekeep.daemon.store.evidence import Evidence
from statekeep.daemon.store.journal import Journal
from statekeep.daemon.store.key_files import sync_directory
from statekeep.daemon.store.rows import TombstoneRow

log = logging.getLogger(__name__)

_ROWS: Final = (
    ("repeats", "scope = ?1 OR (scope = 0 AND number = ?1)"),
    ("actors", "id = ?1"),
)
"""Tables with rows of an actor, and which are its; ``events`` is gone through by itself."""

_EVENTS: Final = """
    WITH RECURSIVE trail (position, previous) AS (
        SELECT position, previous FROM events WHERE position = (SELECT last FROM actors WHERE id = :actor)
        UNION ALL
        SELECT e.position, e.previous FROM events e
        JOIN trail ON e.position = trail.previous AND e.position < trail.position
    )
    DELETE FROM events WHERE actor = :actor AND position IN (SELECT position FROM trail)
"""

_PATIENCE: Final = 250
"""Milliseconds that an erasure waits for somebody who reads the database; everybody else waits with it."""

_PAUSE: Final = 1_000
"""Milliseconds between attempts to complete an erasure that nobody asks for."""


class SyncFailed(Exception):
    """The log could not be synced, and nobody knows what of it is on the disk.

    The kernel reports that once: it has forgotten what it could not write, goes on showing it to whoever reads, and
    lets the next sync succeed. So nothing may be built upon what is read from now on, and the process has to end.
    """

    def __init__(self) -> None:
        super().__init__("the disk failed to sync the log of the store, which is not sure any more: check the disk")


def delete(connection: sqlite3.Connection, evidence: Evidence, actor: int, events: int) -> None:
    """Delete the rows of an actor that has ``events`` of them, its spawn included; the evidence misses none of them.

    They are found from the last to the first, without an index. Where a damaged row has broken that chain, the whole
    table is searched for the others.
    """
    if connection.execute(_EVENTS, {"actor": actor}).rowcount != events:
        connection.execute("DELETE FROM events WHERE actor = ?", (actor,))
    for table, its in _ROWS:
        evidence.leaving(table, its, (actor,))
        connection.execute(f"DELETE FROM {table} WHERE {its}", (actor,))  # noqa: S608 - text from above
    evidence.forget(actor)


def _copies(path: Path) -> list[Path]:
    """The copies that were made of a database before its schema was changed, finished or not."""
    start = f"{path.name}.before-"
    return [file for file in path.parent.iterdir() if file.name.removeprefix(".").startswith(start)]


def sync_log(connection: sqlite3.Connection) -> None:
    """Make durable that a checkpoint has emptied the log. Raises ``SyncFailed``."""
    (path,) = connection.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
    # Not among the files that SQLite locks: to close it takes no lock away.
    log = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(log)
    except OSError as failure:
        raise SyncFailed from failure
    finally:
        os.close(log)


class Erasures:
    """The erasures of an open store, from their commit until they are complete."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, database: int, journal: Journal, ballast: Ballast
    ) -> None:
        """``database`` is a descriptor of the file ``path``.

        It is the caller's, to be closed after the connection: closing any descriptor of a file takes away all locks
        that the process has on it, and SQLite's are among them.
        """
        self.journal = journal
        self._connection = connection
        self._path = path
        self._database = database
        self._ballast = ballast
        self._uncommitted: list[TombstoneRow] = []
        self._unrecorded: list[TombstoneRow] = []
        self.unfinished = False
        """Whether anything that is committed is to be completed."""
        self.make_way: list[Callable[[], None]] = []
        """What has to let go of the database, or to have done with its log, before that is emptied."""
        self._attempted = 0
        self._blanking = False
        """Whether gaps may have been blanked, but not durably."""

    def begin(self, stone: TombstoneRow) -> None:
        """Take note of an erasure in the transaction under way. Deleting needs room, also where there is none."""
        self._ballast.release()
        self._uncommitted.append(stone)

    def committed(self) -> None:
        """The transaction is durable."""
        self.resume(self._uncommitted)
        self._uncommitted = []

    def taken_back(self) -> None:
        """The transaction is not."""
        if self._uncommitted:
            self._uncommitted = []
            self._ballast.refill()

    def resume(self, stones: list[TombstoneRow]) -> None:
        """These erasures are committed, and must be completed."""
        self._unrecorded += stones
        self.unfinished = self.unfinished or bool(stones)

    def finish(self, clock: Callable[[], int], *, asked: bool) -> str | None:
        """Complete what is committed; what stands against it, if anything does.

        ``asked`` says that somebody waits for it; if nobody does, it is tried now and then. ``clock``: milliseconds.
        """
        if not self.unfinished:
            return None
        since = clock() - self._attempted
        if not asked and 0 <= since < _PAUSE:
            return None
        self._attempted += since
        try:
            self.journal.append(self._unrecorded)
            self._unrecorded = []
            if not self._checkpoint(_PATIENCE if asked else 0):
                return "another process reads the database and holds its log"
            self._blank()
            self._delete_copies()
        except (OSError, sqlite3.Error) as problem:
            return getattr(problem, "strerror", None) or str(problem)
        self.unfinished = False
        self._ballast.refill()
        return None

    def _delete_copies(self) -> None:
        copies = _copies(self._path)
        for copy in copies:
            copy.unlink()
            log.warning("deleted %s, a copy of the store as it was before a migration: it has actors in it", copy)
        if copies:
            sync_directory(self._path.parent)

    def _checkpoint(self, patience: int) -> bool:
        """Empty the log into the database; False when somebody was in the way for ``patience`` milliseconds."""
        for let_go in self.make_way:
            let_go()
        (before,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        self._connection.execute(f"PRAGMA busy_timeout = {patience}")
        try:
            (blocked, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {before}")
        if not blocked:
            sync_log(self._connection)
        return not blocked

    def _blank(self) -> None:
        (page_size,) = self._connection.execute("PRAGMA page_size").fetchone()
        failed_before, self._blanking = self._blanking, True
        if failed_before:
            # Zeros that did not reach the disk are still shown from the kernel's memory; look at the disk itself.
            os.posix_fadvise(self._database, 0, 0, os.POSIX_FADV_DONTNEED)
        if gaps.blank(self._database, page_size) or failed_before:
            # Pages in memory still have what was in their gaps, and would bring it back when they are next written.
            self._connection.execute("PRAGMA shrink_memory")
            os.fsync(self._database)
        self._blanking = False
