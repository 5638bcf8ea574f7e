"""Backups that a client takes: a copy of the store, made beside it while requests go on, and read part by part.

The daemon writes the copy where it may write at all, and the client, which may be anybody with the role, writes it
where *it* may; no path crosses the wire. There is one copy at a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from statekeep.daemon.store import BackupRow, Copying, StorageError, Store
from statekeep.protocol import errors
from statekeep.protocol.messages import Backup, BackupEnd, BackupRead
from statekeep.protocol.records import CopyPart, LastBackup, Shipped, StoreCopy

PART: Final = 256 << 10
"""Bytes of an answer: a tenth of a millisecond to read."""

ABANDONED: Final = 60_000
"""Milliseconds without a question after which a copy makes room for another."""


class Backups:
    """The copy that there is, if there is one."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._target = store.path.with_name(f"{store.path.name}.copy")
        self._target.unlink(missing_ok=True)
        self._number = 0
        self._copying: Copying | None = None
        self._begun = self._asked = 0
        self._fetched = False
        store.erasures.make_way.append(self.make_way)

    def backup(self, _: Backup) -> StoreCopy:
        """Begin a copy. Raises ``BackupUnderWay``, ``BackupFailed``."""
        if self._copying is not None and not self._is_abandoned():
            raise errors.BackupUnderWay(self._number)
        self.close()
        self._number += 1
        return self._record(self._begin())

    def backup_read(self, request: BackupRead) -> CopyPart:
        """A part of the copy, if it is complete. Raises ``UnknownBackup``, ``BackupFailed``."""
        copying = self._known(request.backup)
        self._asked = self._clock()
        if copying.done and copying.stopped:
            copying = self._begin()
        known = self._record(copying)
        if not copying.done:
            # As it was known before: a digest tells the client that data is here, or at its end.
            return CopyPart(copy=known)
        if copying.failure:
            self.close()
            raise errors.BackupFailed(copying.failure)
        with copying.target.open("rb") as file:
            data = os.pread(file.fileno(), PART, min(request.offset, copying.size))
        if not data:
            self._fetched = True
        return CopyPart(copy=self._record(copying), data=data)

    def backup_end(self, request: BackupEnd) -> StoreCopy:
        """Remove the copy, and note that there is a backup if it was read to its end. Raises ``UnknownBackup``."""
        record = self._record(self._known(request.backup))
        if self._fetched and request.kept:
            self._store.writes.put_backup(BackupRow(record.position, record.time, record.size, request.verified))
        self.close()
        return record

    def make_way(self) -> None:
        """Let go of the database, because somebody is erased.

        A copy under way is begun again when it is asked about; one that is complete is a backup that was made before.
        """
        if self._copying is not None:
            self._copying.stop()
            if self._is_abandoned():
                self.close()

    def _is_abandoned(self) -> bool:
        return not 0 <= self._clock() - self._asked < ABANDONED

    def close(self) -> None:
        """Remove the copy, if there is one."""
        if self._copying is not None:
            self._copying.remove()
            self._copying = None

    def _begin(self) -> Copying:
        self._begun = self._asked = self._clock()
        self._fetched = False
        try:
            self._copying = Copying(self._store.path, self._target)
        except (OSError, StorageError) as problem:
            raise errors.BackupFailed(str(problem)) from None
        return self._copying

    def _known(self, number: int) -> Copying:
        if self._copying is None or number != self._number:
            raise errors.UnknownBackup(number)
        return self._copying

    def _record(self, copying: Copying) -> StoreCopy:
        whole = copying.done and not copying.stopped
        return StoreCopy(
            backup=self._number,
            position=copying.moment.position,
            time=self._begun,
            size=copying.size,
            copied=copying.copied,
            sha256=copying.sha256 if whole else "",
        )


def last_backup(store: Store) -> LastBackup | None:
    """The last backup that somebody has, if there was one."""
    row = store.records.last_backup()
    if row is None:
        return None
    return LastBackup(position=row.position, time=row.time, size=row.size, verified=bool(row.verified))


def shipped(store: Store, position: int) -> Shipped | None:
    """How far continuous backup is behind ``position``, if there is one."""
    shipping = store.shipping
    if shipping is None:
        return None
    lag = shipping.lag
    return Shipped(
        directory=str(shipping.directory),
        position=lag.position,
        behind=position - lag.position,
        time=lag.time or None,
        failure=lag.failure,
        lag=shipping.waiting,
        unshipped=shipping.unshipped(),
        generation=shipping.generation,
        since=shipping.since or None,
    )
