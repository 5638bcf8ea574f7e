"""The store as a whole: what is read, what is written, and the commit that makes it durable, or none of it."""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec

from statekeep.daemon.store import erasure, evidence
from statekeep.daemon.store.anchor import NOTHING, Anchor, Seen
from statekeep.daemon.store.audit import Audit, recount
from statekeep.daemon.store.backup import Moment, moment
from statekeep.daemon.store.catalogue import Catalogue
from statekeep.daemon.store.columns import Columns
from statekeep.daemon.store.erasure import SyncFailed
from statekeep.daemon.store.evidence import Evidence
from statekeep.daemon.store.examining import Examiner
from statekeep.daemon.store.keys import WrongKey
from statekeep.daemon.store.reading import Records
from statekeep.daemon.store.rows import Sizes
from statekeep.daemon.store.schema import Column, Table
from statekeep.daemon.store.shipping import Shipping
from statekeep.daemon.store.soundness import DamagedStore
from statekeep.daemon.store.vault import KEY_TABLES, Vault
from statekeep.daemon.store.writing import Writes

StorageError = sqlite3.Error
"""What a read or a write raises when the disk, or SQLite, refuses it."""

SQLITE_VERSION = sqlite3.sqlite_version

_NOT_SYNCED = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, evidence.Totals]).decode

# Not OR REPLACE, which would delete the row first: that takes twice the time.
_ROOT = "INSERT INTO root VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET totals = excluded.totals"


class Store:
    """An open store; see ``open_store``. Not thread-safe: one engine owns it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        vault: Vault,
        erasures: erasure.Erasures,
        anchor: Anchor,
        columns: Columns,
        descriptors: Sequence[int],
    ) -> None:
        """``descriptors`` are closed with the store, after the connection: the database's own, and the lock's."""
        self._connection = connection
        self.vault = vault
        ring = vault.ring
        self.erasures = erasures
        self._anchor = anchor
        self._columns = columns
        self._descriptors = descriptors
        self.shipping: Shipping | None = None
        (wrapped,) = connection.execute("SELECT data_key FROM store").fetchone()
        self._names = ring.unwrap(wrapped, Table.STORE, Column.DATA_KEY, 1)
        self._evidence = Evidence(connection, ring.derived(evidence.KEY_USE))
        self._seen, self._committed = self._root()
        if self._seen == NOTHING:
            # Its keys are all that a new store has, and nothing was before them.
            self._committed = self._evidence.begin(*KEY_TABLES)
        self._evidence.load(self._committed)
        vault.counting = lambda anew: self._evidence.rewriting(*KEY_TABLES, anew=anew)
        self.catalogue = Catalogue(connection, self._names, self._evidence)
        self.writes = Writes(connection, ring, self._names, self._evidence, erasures)
        self.examiner = Examiner(connection, ring, self.writes.flush, self._evidence)
        self.records = Records(connection, self.writes.sealers, self.writes.flush, self._evidence)

    def ship(self, directory: Path, clock: Callable[[], int], keep: int) -> None:
        """Ship every commit to ``directory`` from now on, and keep it for so many milliseconds. Raises ``OSError``."""
        self.shipping = Shipping(self._connection, self.vault, directory, clock, keep)
        self.erasures.make_way.append(self.shipping.make_way)

    @property
    def whole(self) -> bool:
        """Whether the actors on the disk were, at the start, what was written: none changed, gone or set back."""
        return self._evidence.whole

    def moment(self) -> Moment:
        """Where the store stands."""
        return moment(self._connection)

    @property
    def path(self) -> Path:
        """The file of the database."""
        return Path(self._connection.execute("PRAGMA database_list").fetchone()[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self) -> bool:
        """Make everything written since the last commit durable; False when there was nothing.

        Raises ``StorageError`` when it could not; call ``rollback`` then. Raises ``SyncFailed`` when nobody can say.
        """
        self.writes.flush()
        if not self._connection.in_transaction:
            return False
        try:
            self._commit_as(self._seen.commits + 1)
        except sqlite3.Error:
            if self.shipping is not None:
                self.shipping.doubt()
            raise
        self.erasures.committed()
        self._anchor.write(self._seen)
        return True

    def rollback(self) -> None:
        """Forget everything written since the last commit."""
        changed = self._evidence.heads.moved or self.writes.collected
        # A transaction that did not fit on the disk, SQLite has taken back by itself.
        changed = changed or self._connection.in_transaction or self._evidence.dump() != self._committed
        self.writes.discard()
        self.vault.load()
        if changed:
            self._evidence.load(self._committed)

    def rewrap_next(self, limit: int, now: int) -> None:
        """Take a rotation under way past the next ``limit`` actors."""
        # Those that are about to be written may be of the epoch before.
        self.writes.flush()
        self.vault.go_on(limit, now)

    def sizes(self) -> Sizes:
        """How large its files are, and how much they may grow."""
        (file,) = [name for _, database, name in self._connection.execute("PRAGMA database_list") if database == "main"]
        wal, disk = Path(f"{file}-wal"), os.statvfs(file)
        log = wal.stat().st_size if wal.exists() else 0
        return Sizes(Path(file).stat().st_size, log, disk.f_bavail * disk.f_frsize)

    def meet_anchor(self, *, accept_rollback: bool) -> None:
        """Compare the store with its anchor, and let the anchor follow it from now on.

        Raises ``RolledBack`` if the store is not what the anchor has seen, unless that is accepted.
        """
        seen = self._seen
        if self._anchor.meet(seen, accept=accept_rollback):
            if seen.commits or self._anchor.after(seen) > 1:
                # A number that no copy of the store has: what was left behind can't come back as the newer one.
                self.writes.begin()
                self._commit_as(self._anchor.after(seen))
            self._anchor.make(self._seen)

    def audit(self) -> Audit:
        """A look at every row beside what the evidence says of the tables. It ends with another one or a rollback."""
        return Audit(self._connection, self._evidence, self.writes.flush)

    def take_columns(self) -> dict[str, array[int]]:
        """What ``keep_columns`` wrote, if nothing was committed since; else nothing. It can be had once."""
        return self._columns.take(self._seen)

    def keep_columns(self, columns: Mapping[str, array[int]]) -> None:
        """Write down what memory holds of some tables, for the next start; see ``store.columns``.

        Where something was written since the last commit, memory is ahead of it, and nothing is kept.
        """
        if not (self.writes.collected or self._connection.in_transaction):
            self._columns.save(self._seen, columns)

    def change_schema(self, change: Callable[[], object]) -> None:
        """Let ``change`` bring the tables into another form, and commit it with the evidence of that form.

        Raises ``DamagedStore``, and changes nothing, if the store is not as it was written.
        """
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master")} | {evidence.HEADS}
        before = Audit(
            self._connection, self._evidence, self.writes.flush, (*filter(tables.__contains__, self._evidence.totals),)
        )
        before.run()
        if findings := before.findings():
            raise DamagedStore(f"the store is damaged: {findings[0]}; put back a copy of the store")
        self.writes.begin()
        change()
        recount(self._connection, self._evidence)
        self.commit()

    def close(self) -> None:
        """Close the store and let go of its lock. What was not committed is lost."""
        self.writes.discard()
        for let_go in self.erasures.make_way:
            let_go()
        if self.shipping is not None:
            self.shipping.close()
        self._connection.close()
        self._anchor.close()
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _commit_as(self, commits: int) -> None:
        """Commit, as the commit of this number, with the evidence of what it makes of the store."""
        totals = self._evidence.dump()
        root = self._names.seal(_encode((commits, totals)), Table.ROOT, Column.TOTALS, 1)
        self._connection.execute(_ROOT, (root,))
        try:
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode in _NOT_SYNCED:
                raise SyncFailed from failure
            raise
        self._evidence.commit()
        self._seen, self._committed = Seen(commits, root[-evidence.CODE :]), totals

    def _root(self) -> tuple[Seen, evidence.Totals]:
        """The last commit, and the evidence of it."""
        row = self._connection.execute("SELECT totals FROM root").fetchone()
        if row is None:
            return NOTHING, {}
        try:
            commits, totals = _decode(self._names.open(row[0], Table.ROOT, Column.TOTALS, 1))
        except WrongKey as fault:
            raise DamagedStore(f"the store is damaged: its evidence is not as it was written; {fault}") from None
        return Seen(commits, row[0][-evidence.CODE :]), totals
