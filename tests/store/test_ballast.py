"""Room that is held back on the disk, and what it is for: erasing an actor where there is none left."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from statekeep.daemon.engine import About, Engine
from statekeep.daemon.store import open_store, opening
from statekeep.daemon.store.ballast import Ballast
from statekeep.protocol.errors import ActorErased, StorageFailed
from statekeep.protocol.messages import Erase, Get, Send, Spawn
from tests.engine.stories import deploy
from tests.engine.worlds import KEY, ask

SIZE = 1 << 20
LAMP = {"initial": "off", "states": {"off": {"on": {"TOGGLE": "on"}}, "on": {"on": {"TOGGLE": "off"}}}}


def used(path: Path) -> int:
    """Bytes of the disk that a file has."""
    return path.stat().st_blocks * 512


def test_the_room_is_really_taken(tmp_path: Path) -> None:
    """Its blocks are allocated, not only its length; released they are free, and they are taken again."""
    path = tmp_path / "ballast"
    ballast = Ballast(path, SIZE)
    assert used(path) >= SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    ballast.release()
    assert not path.exists()
    ballast.refill()
    assert used(path) >= SIZE


def test_without_a_size_there_is_no_file(tmp_path: Path) -> None:
    """And nothing to release."""
    ballast = Ballast(tmp_path / "ballast", 0)
    ballast.release()
    ballast.refill()
    assert not list(tmp_path.iterdir())


def test_room_that_is_not_there_is_no_reason_not_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what it means; half a ballast is none."""

    def full(descriptor: int, offset: int, size: int) -> None:
        os.ftruncate(descriptor, size // 2)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with caplog.at_level(logging.WARNING):
        Ballast(tmp_path / "ballast", SIZE)
    assert "No space left on device" in caplog.text
    assert not list(tmp_path.iterdir())


def test_what_was_held_stays_where_there_is_no_room_for_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that has grown wants more; on a disk that is nearly full it keeps what it had, and that is used."""
    Ballast(tmp_path / "ballast", SIZE)

    def full(descriptor: int, offset: int, size: int) -> None:
        os.ftruncate(descriptor, size - 1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    Ballast(tmp_path / "ballast", 2 * SIZE)
    assert (tmp_path / "ballast").stat().st_size == SIZE
    assert used(tmp_path / "ballast") >= SIZE


@pytest.mark.parametrize(("pages", "log"), [(0, 10), (100, 25), (1_000, 40)])
def test_a_store_has_a_log_that_suits_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int, log: int) -> None:
    """It holds a quarter of the database's pages, within bounds; and all of them, and more, are held back."""
    monkeypatch.setattr(opening, "LOG_PAGES", (10, 40))
    open_store(tmp_path / "store.db", KEY, now=0).close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute("CREATE TABLE large (content)")
        (has,) = other.execute("PRAGMA page_count").fetchone()
        other.execute("INSERT INTO large VALUES (zeroblob(?))", (max(0, pages - has) * 4_080,))
        other.commit()
    with open_store(tmp_path / "store.db", KEY, now=0, ballast=SIZE) as store:
        (found,) = store._connection.execute("PRAGMA wal_autocheckpoint").fetchone()
    assert found == pytest.approx(log, abs=1)
    assert used(tmp_path / "store.db.ballast") >= SIZE + found * 4_096


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system to fill")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> None:
    """Leave not one block."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return


def send_forever(engine: Engine) -> None:
    """Send until that fails."""
    while True:
        ask(engine, Send(1, "TOGGLE", "z" * 4_000))


@pytest.mark.parametrize("ballast", [SIZE, 0])
def test_an_actor_is_erased_on_a_full_disk(small_disk: Path, ballast: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be sent any more; and the room is held back again. Without the ballast, it would not be."""
    monkeypatch.setattr(opening, "LOG_PAGES", (100, 100))
    store = open_store(small_disk / "store.db", KEY, now=0, ballast=ballast)
    engine = Engine(store, count().__next__, About(1, "socket", str(small_disk), 0, 1 << 20, 64))
    try:
        deploy(engine, "lamp", LAMP)
        for number in range(20):
            ask(engine, Spawn("lamp", f"lamp-{number}", "x" * 2_000))
            ask(engine, Send(number + 1, "TOGGLE", "y" * 2_000))
        fill(small_disk)
        with pytest.raises(StorageFailed):
            send_forever(engine)
        fill(small_disk)
        if not ballast:
            with pytest.raises(StorageFailed):
                ask(engine, Erase("lamp-7"))
            return
        assert ask(engine, Erase("lamp-7")).id == 8
        with pytest.raises(ActorErased):
            ask(engine, Get(8))
        assert (small_disk / "store.db.erasures").read_bytes().count(b"\n") == 1
        assert (small_disk / "store.db-wal").stat().st_size == 0
        assert used(small_disk / "store.db.ballast") >= ballast
    finally:
        engine.close()
