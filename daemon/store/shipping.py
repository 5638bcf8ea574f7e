"""Continuous backup: the store's log is shipped to a directory before SQLite may overwrite it.

The daemon is the only one who writes to the database and carries its log into it, and while it ships, SQLite does
neither by itself. The order is the promise: a piece of the log is on the disk of the directory, with its line in the
manifest, before the log is emptied. Whatever breaks that order (a commit that failed half-way, a log that had to be
emptied while the directory could not be written) ends the generation, and a new one with a new base is begun; so does
every start, and, some time after it, an erasure, whose actor the base before holds still.

Pieces are read here, between two commits, and sealed and written by a thread.
"""

from __future__ import annotations

import itertools
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from statekeep.daemon.store import wal
from statekeep.daemon.store.backup import Copying, Moment, moment
from statekeep.daemon.store.shipment import (
    BASE,
    PREFIX,
    DamagedShipment,
    Entry,
    Generation,
    begun,
    chunks,
    chunks_of,
    clear,
    generations,
    remove,
)
from statekeep.daemon.store.vault import Vault

log = logging.getLogger(__name__)

INTERVAL: Final = 1_000
"""Milliseconds that a commit may wait for others before it is shipped."""

PIECE: Final = 4 << 20
"""Bytes of log that are shipped at once, without waiting."""

FULL: Final = 40 << 20
"""Bytes of log that is emptied, when all of it is shipped: 10,000 pages, as of a small store without shipping."""

TOO_FULL: Final = 512 << 20
"""Bytes of log that is emptied even if it can't be shipped: the store has to go on."""

RETRY: Final = 10_000
"""Milliseconds between attempts after a failure."""

REBASE: Final = 15 * 60_000
"""Milliseconds from an erasure to a base without that actor: many share one."""

DAY: Final = 24 * 3_600_000
"""Milliseconds after which a generation is followed by the next anyway: a restore reads one."""


class Lag(NamedTuple):
    """Where what is shipped ends."""

    position: int
    """Up to which a restore would come."""
    time: int
    """When the store was there; 0: nothing was ever shipped."""
    failure: str
    """Why it does not go on; empty: it does."""


class Shipping:
    """Ships one open store to a directory; ``step`` it after every batch, and at least every ``INTERVAL``."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        vault: Vault,
        directory: Path,
        clock: Callable[[], int],
        keep: int = 7 * DAY,
    ) -> None:
        """``keep``: milliseconds for which what was shipped is kept. Raises ``OSError`` if nothing can be written."""
        self.directory = directory
        self._connection = connection
        self._vault = vault
        self._slots = vault.slots
        self._clock = clock
        self._keep = keep
        self._store = Path(connection.execute("PRAGMA database_list").fetchone()[2])
        self._log_file = self._store.with_name(f"{self._store.name}-wal")
        (self._page_size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._worker = ThreadPoolExecutor(1, "shipping")
        self._generation: Generation | None = None
        self._copying: Copying | None = None
        self._job: Future[None] | None = None
        self._piece = b""
        self._log = 0
        self._offset = 0
        self._salts = b""
        self._begun = self._shipped_at = self._failed_at = 0
        self._rebase_at = 0
        self._read_at = self._waiting_since = 0
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.lag = Lag(*self._shipped_before(), "")
        if self.lag.position != moment(connection).position:
            self._waiting_since = clock()
        self._begin()

    @property
    def generation(self) -> str:
        """The name of the generation that is shipped to; empty if there is none at the moment."""
        return self._generation.path.name if self._generation is not None else ""

    @property
    def since(self) -> int:
        """When that was begun."""
        return self._begun if self._generation is not None else 0

    @property
    def waiting(self) -> int:
        """Milliseconds for which the oldest commit that is not shipped has waited, at most; 0: all are shipped."""
        return max(0, self._clock() - self._waiting_since) if self._waiting_since else 0

    def unshipped(self) -> int:
        """Bytes of the log that were not shipped, or are left from a transaction that did not end."""
        size = self._log_size()
        if size <= wal.HEADER:
            return 0
        with self._log_file.open("rb") as file:
            header = file.read(wal.HEADER)
        # SQLite begins a log anew also in the file as it is, when all of it has been carried into the database.
        return size - self._offset if wal.salts(header) == self._salts else size

    def step(self) -> None:
        """Do what is due; to be called when no transaction is open."""
        now = self._clock()
        if self._failed_at and 0 <= now - self._failed_at < RETRY:
            self._wait(now)
            return
        try:
            self._settle(wait=False)
            if self._generation is None or self._is_outdated(now):
                self._begin()
            if self._job is not None:
                return
            unshipped = self._wait(now)
            if unshipped >= PIECE or (unshipped and not 0 <= now - self._shipped_at < INTERVAL):
                self._ship()
            elif not unshipped and self._log_size() >= FULL:
                self._checkpoint()
        except (OSError, sqlite3.Error) as problem:
            self._failed(problem)

    def make_way(self) -> None:
        """Somebody is being erased: the log is emptied at once, and he is left out of a new base soon."""
        self._rebase_at = self._rebase_at or self._clock() + REBASE
        self.flush()

    def flush(self) -> None:
        """Ship all that is committed before this returns, because the log is about to be emptied.

        If it can't be, the generation ends: there would be a gap in it. A base that is being copied is given up.
        """
        if self._copying is not None:
            self._end()
            return
        try:
            while self._generation is not None and (self._job is not None or self.unshipped()):
                self._settle(wait=True)
                if not self._ship():
                    break
            self._settle(wait=True)
        except (OSError, sqlite3.Error) as problem:
            self._failed(problem)
            self._end()

    def doubt(self) -> None:
        """A commit failed: what is in the log behind the last one that did not is not sure."""
        self._end()

    def close(self) -> None:
        """Ship what is left. To be called before the connection is closed, which empties the log."""
        self.flush()
        self._end()
        self._worker.shutdown()

    def _is_outdated(self, now: int) -> bool:
        # Other slots: what opens the store then must open what was shipped, too.
        rekeyed = self._vault.slots != self._slots
        return rekeyed or bool(self._rebase_at and now >= self._rebase_at) or now - self._begun >= DAY

    def _begin(self) -> None:
        """Begin a generation with the database as it is, which an empty log makes one file."""
        self.flush()
        self._end()
        if not self._checkpoint():
            raise OSError("somebody reads the database and holds its log")
        self._begun = self._read_at = self._clock()
        self._rebase_at = 0
        self._slots = self._vault.slots
        generation = Generation(self._name(), self._vault.ring)
        generation.begin(self._connection)
        self._copying = Copying(self._store, self._store.with_name(f"{self._store.name}.base"))
        self._generation = generation
        self._job = self._worker.submit(self._ship_base, generation, self._copying)

    def _shipped_before(self) -> Moment:
        """Where the directory ends that an earlier process has shipped this store to."""
        for path in reversed(generations(self.directory)):
            try:
                last = Generation(path, self._vault.ring).last()
            except DamagedShipment as damage:
                log.warning("what was shipped before can't be relied on: %s", damage)
                continue
            # A store that was itself restored to an earlier point has gone another way since.
            if last is not None and last.position <= moment(self._connection).position:
                return Moment(last.position, last.time or begun(path))
        return Moment(0, 0)

    def _name(self) -> Path:
        before = generations(self.directory)
        last = begun(before[-1]) if before else 0
        # Ordered also when the clock goes backwards.
        return self.directory / f"{PREFIX}{max(self._begun, last + 1):014d}-{os.urandom(4).hex()}"

    def _ship_base(self, generation: Generation, copying: Copying) -> None:
        """In the thread: wait for the copy, seal it, and remove what is too old."""
        copying.join()
        if copying.stopped:
            return
        if copying.failure:
            raise OSError(copying.failure)
        at = copying.moment
        entry = Entry(file=BASE, sequence=0, size=copying.size, sha256="", position=at.position, time=at.time)
        generation.add(entry, chunks_of(copying.target))
        copying.remove()
        self._remove_old(generation.path)

    def _remove_old(self, present: Path) -> None:
        """Remove generations whose successor is older than is kept: nothing that is kept needs them."""
        paths = [path for path in generations(self.directory) if path <= present]
        for path, successor in itertools.pairwise(paths):
            if begun(successor) < self._begun - self._keep:
                remove(path)
        clear(self.directory)

    def _ship(self) -> bool:
        """Let the thread ship the next piece of the log; False when there is none."""
        assert self._generation is not None
        self._shipped_at = self._read_at = self._clock()
        with self._log_file.open("rb") as file:
            header = file.read(wal.HEADER)
            if wal.salts(header) != self._salts:
                self._log, self._offset, self._salts = self._log + 1, 0, wal.salts(header)
            file.seek(self._offset or wal.HEADER)
            most = PIECE // wal.frame_size(self._page_size) * wal.frame_size(self._page_size)
            frames = file.read(most)
            partial = len(frames) == most
            end = max(wal.commits(frames, self._salts, self._page_size), default=0)
            if partial and not end:  # one commit is larger than that
                frames, partial = frames + file.read(), False
                end = max(wal.commits(frames, self._salts, self._page_size), default=0)
        if not end:
            return False
        self._piece = (b"" if self._offset else header) + frames[:end]
        # Of a piece that ends somewhere on the way here it is only known that it does not lie before the last.
        at = Moment(self.lag.position, self.lag.time) if partial else moment(self._connection)
        sequence = 1 + max((entry.sequence for entry in self._generation.entries), default=0)
        entry = Entry(
            file=f"{sequence:08d}",
            sequence=sequence,
            log=self._log,
            offset=self._offset,
            size=len(self._piece),
            sha256="",
            position=at.position,
            time=at.time,
        )
        self._job = self._worker.submit(self._generation.add, entry, chunks(self._piece))
        return True

    def _settle(self, *, wait: bool) -> None:
        """Take note of what the thread has done. Raises what it did."""
        if self._job is None or not (wait or self._job.done()):
            return
        job, self._job = self._job, None
        if self._copying is not None:
            copying, self._copying = self._copying, None
            try:
                job.result()
            except OSError:
                self._end()
                raise
            self._arrived(copying.moment)
            return
        try:
            job.result()
        except OSError:
            # A line may be there, or half of one: nothing is added behind it.
            self._end()
            raise
        self._offset += len(self._piece)
        assert self._generation is not None
        last = self._generation.entries[-1]
        self._arrived(Moment(last.position, last.time))

    def _arrived(self, at: Moment) -> None:
        if self.lag.failure:
            log.info("shipping goes on")
        self._failed_at = 0
        self.lag = Lag(at.position, at.time or self._clock(), "")
        # Whatever is left came after that was read.
        self._waiting_since = self._read_at if self.unshipped() else 0

    def _checkpoint(self) -> bool:
        """Carry the log into the database; False when somebody was in the way."""
        (blocked, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not blocked

    def _log_size(self) -> int:
        return self._log_file.stat().st_size if self._log_file.exists() else 0

    def _wait(self, now: int) -> int:
        """Note since when something is not shipped; the bytes of it."""
        unshipped = self.unshipped()
        if unshipped and not self._waiting_since:
            self._waiting_since = now
        return unshipped

    def _end(self) -> None:
        """Let the present generation be the past."""
        if self._copying is not None:
            self._copying.stop()
        if self._job is not None:
            with suppress(OSError):
                self._job.result()
        if self._copying is not None:
            self._copying.remove()
        if self._generation is not None and self._generation.base is None:
            remove(self._generation.path)
        self._job = self._copying = self._generation = None
        self._log = self._offset = 0
        self._salts = b""

    def _failed(self, problem: Exception) -> None:
        reason = getattr(problem, "strerror", None) or str(problem)
        if reason != self.lag.failure:
            log.error("nothing is shipped to %s: %s", self.directory, reason)
        self.lag = self.lag._replace(failure=reason)
        self._failed_at = self._clock()
        if self._log_size() >= TOO_FULL:
            self._end()
            with suppress(sqlite3.Error):
                self._checkpoint()
