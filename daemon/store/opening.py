"""Opening a store: one daemon at a time, settings that keep the promise read back, schema known, key right."""

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database

from statekeep.daemon.store.anchor import KEY_USE, Anchor
from statekeep.daemon.store.keys import KeyRing, sync_directory
from statekeep.daemon.store.migrating import migrate
from statekeep.daemon.store.schema import Column, Table, known, migrations
from statekeep.daemon.store.store import Store

_SETTINGS = {
    # The answer to a client is worth what the disk keeps: every commit is synced.
    "journal_mode": "wal",
    "synchronous": 2,
    # Checkpoints in larger steps than SQLite's 1,000 pages: fewer writes of pages that change again and again.
    "wal_autocheckpoint": 10_000,
    # Pages, as negative KiB: the working set of a million actors' heads.
    "cache_size": -131_072,
    # What is sorted or spilled may hold names; it never reaches a file.
    "temp_store": 2,
}


class StoreInUse(Exception):
    """Another daemon has this store open."""


class UnknownSchema(Exception):
    """A newer StateKeep has written this store."""


class UnsafeStore(Exception):
    """SQLite can't read the file, or did not take a setting that durability rests on."""


def open_store(
    path: Path,
    master: bytes,
    *,
    now: int,
    random: Callable[[int], bytes] = os.urandom,
    anchor: Path | None = None,
    accept_rollback: bool = False,
) -> Store:
    """Open the store in the file ``path``, or make it; ``now`` is its birthday, in milliseconds.

    Its anchor is in the directory ``anchor``, or beside it; see ``store.anchor``.

    The lock beside it is held until the store is closed, and by the kernel's hand only while this process lives.

    Raises:
        StoreInUse, UnknownSchema, UnsafeStore: see there; nothing was changed.
        WrongKey: ``master`` is not the key of this store; nothing was changed.
        RolledBack: the store is not the one that its anchor has seen, and is not to be taken as it is.
        DamagedStore: the evidence in the store is not what was written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _lock(path.with_name(path.name + ".lock"))
    try:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        try:
            path.chmod(0o600)
            ring = _prepare(connection, path, master, now, random)
            place = (anchor or path.parent) / f"{path.name}.anchor"
            store = Store(connection, ring, lock, Anchor(place, ring.derived(KEY_USE)))
            store.meet_anchor(accept_rollback=accept_rollback)
            migrate(connection, store, path)
        except sqlite3.DatabaseError as failure:
            connection.close()
            raise UnsafeStore(f"{path} can't be opened: {failure}") from failure
        except BaseException:
            connection.close()
            raise
        else:
            return store
    except BaseException:
        os.close(lock)
        raise


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreInUse(f"{path} is held by process {holder}") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


def _prepare(
    connection: sqlite3.Connection, path: Path, master: bytes, now: int, random: Callable[[int], bytes]
) -> KeyRing:
    for setting, wanted in _SETTINGS.items():
        connection.execute(f"PRAGMA {setting} = {wanted}")
        found = connection.execute(f"PRAGMA {setting}").fetchone()[0]
        if found != wanted:
            raise UnsafeStore(f"SQLite keeps {setting} = {found} for {path}, but {wanted} is needed")
    db = Database(connection, execute_plugins=False, recursive_triggers=False)
    newer = {migration.name for migration in migrations.applied(db)} - known()
    if newer:
        raise UnknownSchema(f"{path} was written by a newer StateKeep (it knows: {', '.join(sorted(newer))})")
    row = connection.execute("SELECT database, data_key FROM store").fetchone() if db["store"].exists() else None
    if row is not None:
        ring = KeyRing(master, row[0], random)
        ring.unwrap(row[1], Table.STORE, Column.DATA_KEY, 1)
        return ring
    migrations.apply(db)
    database = random(16)
    ring = KeyRing(master, database, random)
    wrapped, _ = ring.new_key(Table.STORE, Column.DATA_KEY, 1)
    connection.execute("INSERT INTO store VALUES (1, ?, ?, ?)", (database, now, wrapped))
    sync_directory(path.parent)
    return ring
