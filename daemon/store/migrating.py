"""Bringing a store of an earlier StateKeep to the present schema: after a copy, and all of it or nothing."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlite_utils import Database

from statekeep.daemon.store.key_files import sync_directory
from statekeep.daemon.store.schema import migrations
from statekeep.daemon.store.store import Store


def migrate(connection: sqlite3.Connection, store: Store, path: Path) -> None:
    """Apply the migrations that a store in the file ``path`` lacks, in one transaction with their records.

    Before that the store is audited, because its evidence is made anew for the tables as they are then; and a copy of
    it is put beside it, named after the first migration that it lacks.

    Raises:
        DamagedStore: the store is not as it was written; nothing was changed.
    """
    db = Database(connection, execute_plugins=False, recursive_triggers=False)
    pending = migrations.pending(db)
    if not pending:
        return
    _copy(connection, path.with_name(f"{path.name}.before-{pending[0].name}"))
    store.change_schema(lambda: migrations.apply(db))


def _copy(connection: sqlite3.Connection, copy: Path) -> None:
    """Make a copy that is whole or not there. One that a start which was cut off has left is made again."""
    unfinished = copy.with_name(f".{copy.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(unfinished),))
    unfinished.chmod(0o600)
    descriptor = os.open(unfinished, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(copy)
    sync_directory(copy.parent)
