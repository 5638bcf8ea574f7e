"""Opening a store: what is refused, and that a refusal touches nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database

from statekeep.daemon.store import StoreInUse, UnknownSchema, UnsafeStore, WrongKey, open_store
from tests.engine.worlds import KEY

HOLD = """
import sys
from pathlib import Path
from statekeep.daemon.store import open_store
store = open_store(Path(sys.argv[1]), bytes(range(32)), now=0)
print("open", flush=True)
sys.stdin.read()
"""
"""A program that has a store open until its input ends."""


def contents(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Modes and bytes of all files but the lock."""
    return {
        file.name: (file.stat().st_mode, file.read_bytes())
        for file in directory.iterdir()
        if not file.name.endswith(".lock")
    }


def pragma(path: Path, name: str) -> object:
    """A setting of the connection of an open store."""
    with open_store(path, KEY, now=0) as store:
        return store._connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(("name", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("temp_store", 2)])
def test_settings_that_the_promise_rests_on(path: Path, name: str, value: object) -> None:
    """An open store syncs every commit (2 is FULL) and spills nothing into files."""
    assert pragma(path, name) == value


def test_a_setting_that_did_not_take_is_no_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SQLite says back is compared: a file system without WAL would quietly get another journal."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(":memory:", **options))
    path.touch()
    with pytest.raises(UnsafeStore, match="journal_mode = memory"):
        open_store(path, KEY, now=0)


def test_only_the_owner_reads_what_a_store_is_made_of(path: Path) -> None:
    """Database, log, index and lock have mode 0600, a new directory 0700, whatever the umask says."""
    path = path.parent / "new" / path.name
    before = os.umask(0)
    try:
        with open_store(path, KEY, now=0) as store:
            store.writes.add_name(0, "EVENT")
            store.commit()
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(
        ["store.db", "store.db.anchor", "store.db-shm", "store.db-wal", "store.db.lock"], 0o600
    )
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_wrong_key_is_refused_before_anything_is_touched(path: Path) -> None:
    """Not one byte of the store changes, and its own key still opens it."""
    with open_store(path, KEY, now=0) as store:
        store.writes.add_name(0, "EVENT")
        store.commit()
    before = contents(path.parent)
    with pytest.raises(WrongKey):
        open_store(path, KEY[::-1], now=0)
    assert contents(path.parent) == before
    with open_store(path, KEY, now=0) as store:
        assert list(store.catalogue.names()) == ["EVENT"]


def test_a_store_of_a_newer_statekeep_is_refused(path: Path) -> None:
    """A migration that this StateKeep does not know is named, and nothing changes."""
    open_store(path, KEY, now=0).close()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        applied = Database(connection).table("_sqlite_migrations")
        applied.insert({**next(iter(applied.rows)), "id": 1_000, "name": "from_the_future"})
    before = contents(path.parent)
    with pytest.raises(UnknownSchema, match="from_the_future"):
        open_store(path, KEY, now=0)
    assert contents(path.parent) == before


def test_a_file_that_is_no_store_is_refused(path: Path) -> None:
    """It is named, and left as it is."""
    path.write_bytes(b"minutes of the meeting\n" * 100)
    with pytest.raises(UnsafeStore, match=f"{path}.*not a database"):
        open_store(path, KEY, now=0)
    assert path.read_bytes() == b"minutes of the meeting\n" * 100


def test_a_start_that_was_cut_off_is_made_up_for(path: Path) -> None:
    """A store that has its tables but not yet its keys is finished by the next start."""
    with open_store(path, KEY, now=0) as store:
        store._connection.executescript("DELETE FROM store; DELETE FROM key_slots; DELETE FROM key_roots")
    path.with_name("store.db.anchor").unlink()
    with open_store(path, KEY, now=0) as store:
        store.writes.add_name(0, "EVENT")
        store.commit()
    with open_store(path, KEY, now=0) as store:
        assert list(store.catalogue.names()) == ["EVENT"]


def test_one_daemon_has_a_store(path: Path) -> None:
    """A second one is refused by the holder's process number; when the holder closes, the store is free."""
    with open_store(path, KEY, now=0), pytest.raises(StoreInUse, match=rf"process {os.getpid()}:"):
        open_store(path, KEY, now=0)
    open_store(path, KEY, now=0).close()


def test_a_killed_daemon_holds_nothing(path: Path) -> None:
    """The kernel lets go of the lock of a process that got SIGKILL: no stale lock, nothing to clean up."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreInUse, match=f"process {holder.pid}:"):
            open_store(path, KEY, now=0)
        holder.kill()
        assert holder.wait() == -signal.SIGKILL
        open_store(path, KEY, now=0).close()


def test_a_failed_opening_lets_go_of_the_lock(path: Path) -> None:
    """After a wrong key the right one can be tried at once, in the same process."""
    open_store(path, KEY, now=0).close()
    for _ in range(3):
        with pytest.raises(WrongKey):
            open_store(path, KEY[::-1], now=0)
    open_store(path, KEY, now=0).close()
