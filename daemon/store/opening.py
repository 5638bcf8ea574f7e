"""Opening a store: one daemon at a time, settings that keep the promise read back, schema known, key right."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from statekeep.daemon.store.anchor import KEY_USE, Anchor
from statekeep.daemon.store.ballast import Ballast
from statekeep.daemon.store.columns import KEY_USE as COLUMNS
from statekeep.daemon.store.columns import Columns
from statekeep.daemon.store.erasure import Erasures, SyncFailed, sync_log
from statekeep.daemon.store.journal import Journal
from statekeep.daemon.store.key_files import sync_directory
from statekeep.daemon.store.migrating import migrate
from statekeep.daemon.store.schema import Column, Table, known, migrations
from statekeep.daemon.store.slots import Kind, Secret
from statekeep.daemon.store.store import Store
from statekeep.daemon.store.vault import Vault

_SETTINGS = {
    # The answer to a client is worth what the disk keeps: every commit is synced.
    "journal_mode": "wal",
    "synchronous": 2,
    # Pages, as negative KiB: the working set of a million actors' heads.
    "cache_size": -131_072,
    # What is sorted or spilled may hold names; it never reaches a file.
    "temp_store": 2,
    # What is deleted or moved is overwritten where it was; see ``erasure``.
    "secure_delete": 1,
}

LOG_PAGES: Final = (10_000, 40_000)
"""At how many pages the log is carried into the database: a quarter of the database's, but no fewer and no more.

SQLite's 1,000 would have pages that change again and again written as often. Of a large store nearly each event changes
another page: then a log four times as long makes sends a sixth quicker, and pauses half as long again, but rare.
"""


class StoreInUse(Exception):
    """Another daemon has this store open."""


class UnknownSchema(Exception):
    """A newer StateKeep has written this store."""


class UnsafeStore(Exception):
    """SQLite can't read the file, or did not take a setting that durability rests on."""


def open_store(
    path: Path,
    keys: bytes | Sequence[Secret],
    *,
    now: int,
    random: Callable[[int], bytes] = os.urandom,
    journal: Path | None = None,
    ballast: int = 0,
    anchor: Path | None = None,
    accept_rollback: bool = False,
) -> Store:
    """Open the store in the file ``path``, or make it; ``now`` is its birthday, in milliseconds.

    Any of ``keys`` opens it; a new store gets a slot for each. Bytes alone are the key of a key file. ``journal`` and
    ``anchor`` are the directories of the erasure journal and of the anchor (see ``store.anchor``), if they are not to
    be beside the store; ``ballast`` are the bytes of the disk that are held back for erasures, besides what a full log
    takes in the database; none, if they are 0.

    The lock beside it is held until the store is closed, and by the kernel's hand only while this process lives.

    Raises:
        StoreInUse, UnknownSchema, UnsafeStore: see there; nothing was changed.
        WrongKey: none of the keys opens this store; nothing was changed.
        DamagedJournal: who was erased can't be known for sure.
        RolledBack: the store is not the one that its anchor has seen, and is not to be taken as it is.
        DamagedStore: the evidence in the store is not what was written.
    """
    secrets = [Secret(Kind.FILE, keys, "the key given")] if isinstance(keys, bytes) else keys
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as undoing:
        lock = _lock(path.with_name(path.name + ".lock"))
        undoing.callback(os.close, lock)
        database = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        # Only after the connection: see ``Erasures``.
        undoing.callback(os.close, database)
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        undoing.callback(connection.close)
        path.chmod(0o600)
        with _explained(path):
            vault = _prepare(connection, path, secrets, now, random)
            ring = vault.ring
            log = _size_log(connection)
            entries = (journal or path.parent) / f"{path.name}.erasures"
            erasures = Erasures(
                connection,
                path,
                database,
                Journal(entries, ring.database, ring.derived(b"erasures")),
                Ballast(path.with_name(f"{path.name}.ballast"), ballast and ballast + log),
            )
            seen = Anchor((anchor or path.parent) / f"{path.name}.anchor", ring.derived(KEY_USE))
            columns = Columns(path.with_name(f"{path.name}.columns"), ring.derived(COLUMNS))
            store = Store(connection, vault, erasures, seen, columns, [database, lock])
            store.meet_anchor(accept_rollback=accept_rollback)
            migrate(connection, store, path)
        undoing.pop_all()
        return store


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Raise ``UnsafeStore`` for what reading a file raises that is no store, or not any more."""
    try:
        yield
    except (sqlite3.DatabaseError, SyncFailed) as failure:
        raise UnsafeStore(f"{path} can't be opened: {failure}") from failure
    except (TypeError, ValueError) as senseless:
        # Pages in each other's place: numbers where there should be bytes, bytes where there should be text.
        raise UnsafeStore(f"{path} is damaged: its rows make no sense; put back a copy of it") from senseless


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let no daemon have the store in the file ``path``. Raises ``StoreInUse``."""
    lock = _lock(path.with_name(path.name + ".lock"))
    try:
        yield
    finally:
        os.close(lock)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreInUse(f"{path} is held by process {holder}: another daemon keeps this store") from None
    # A courtesy to whoever comes second, which needs room on the disk: a full one is no reason not to start.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, os.pwrite(descriptor, b"%d\n" % os.getpid(), 0))
    return descriptor


def _empty_log(connection: sqlite3.Connection) -> None:
    """Carry the log that another process left into the database, durably, before anything rests on it.

    Where a sync had failed, the log may be on the disk only in part, while the kernel shows all of it.
    """
    (blocked, pages, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if not blocked and pages >= 0:
        sync_log(connection)


def _size_log(connection: sqlite3.Connection) -> int:
    """Let the log be as long as suits the database; its bytes."""
    least, most = LOG_PAGES
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    limit = min(max(pages // 4, least), most)
    connection.execute(f"PRAGMA wal_autocheckpoint = {limit}")
    return int(limit * size)


def _prepare(
    connection: sqlite3.Connection, path: Path, secrets: Sequence[Secret], now: int, random: Callable[[int], bytes]
) -> Vault:
    for setting, wanted in _SETTINGS.items():
        connection.execute(f"PRAGMA {setting} = {wanted}")
        found = connection.execute(f"PRAGMA {setting}").fetchone()[0]
        if found != wanted:
            raise UnsafeStore(f"SQLite keeps {setting} = {found} for {path}, but {wanted} is needed")
    _empty_log(connection)
    db = Database(connection, execute_plugins=False, recursive_triggers=False)
    newer = {migration.name for migration in migrations.applied(db)} - known()
    if newer:
        raise UnknownSchema(f"{path} was written by a newer StateKeep (it knows: {', '.join(sorted(newer))})")
    row = connection.execute("SELECT database, data_key FROM store").fetchone() if db["store"].exists() else None
    if row is not None:
        vault = Vault.open(connection, row[0], random, secrets)
        vault.ring.unwrap(row[1], Table.STORE, Column.DATA_KEY, 1)
        return vault
    migrations.apply(db)
    database = random(16)
    connection.execute("BEGIN IMMEDIATE")
    vault = Vault.make(connection, database, random, secrets, now)
    wrapped, _ = vault.ring.new_key(Table.STORE, Column.DATA_KEY, 1)
    connection.execute("INSERT INTO store VALUES (1, ?, ?, ?)", (database, now, wrapped))
    connection.execute("COMMIT")
    sync_directory(path.parent)
    return vault
