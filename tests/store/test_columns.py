"""The file of columns: taken by the start after a clean stop, and as good as none for any other."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from statekeep.daemon.store import Store, open_store
from statekeep.daemon.store.anchor import Seen
from statekeep.daemon.store.columns import Columns
from tests.engine.worlds import KEY

COLUMNS = {"parent": array("I", [0, 1, 1, 2]), "fingerprint": array("Q", [2**64 - 1, 7]), "nothing": array("I")}

LAST = Seen(7, bytes(range(16)))


def beside(path: Path) -> Path:
    """The file of the columns of a store."""
    return path.with_name(f"{path.name}.columns")


def opened(path: Path, *, accept_rollback: bool = False) -> Store:
    """The store, made if it is not there."""
    return open_store(path, KEY, now=0, accept_rollback=accept_rollback)


def kept(path: Path) -> None:
    """Make a store with one commit, and stop cleanly."""
    with opened(path) as store:
        store.writes.add_name(0, "EVENT")
        store.commit()
        store.keep_columns(COLUMNS)


def test_the_next_start_takes_them(path: Path) -> None:
    """Once, and the file is gone then; it is its owner's alone."""
    kept(path)
    assert beside(path).stat().st_mode & 0o777 == 0o600
    with opened(path) as store:
        assert store.take_columns() == COLUMNS
        assert not beside(path).exists()
        assert store.take_columns() == {}


def test_a_look_leaves_the_file_for_the_next_start(path: Path) -> None:
    """Who opens the store, and neither takes the columns nor commits anything, does not spend them."""
    kept(path)
    opened(path).close()
    with opened(path) as store:
        assert store.take_columns() == COLUMNS


def test_a_commit_makes_the_file_stale(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is removed, and the log says why it was of no use."""
    kept(path)
    with opened(path) as store, caplog.at_level("INFO"):
        store.writes.add_name(1, "ANOTHER")
        store.commit()
        assert store.take_columns() == {}
    assert "it was written after commit 1, and the last is 2" in caplog.text
    assert not beside(path).exists()


def test_what_is_not_committed_is_not_kept(path: Path) -> None:
    """Neither what is collected nor what SQLite has: memory is ahead of the commit then."""
    with opened(path) as store:
        store.writes.add_name(0, "EVENT")
        store.keep_columns(COLUMNS)
        store.writes.flush()
        store.keep_columns(COLUMNS)
    assert not beside(path).exists()


def test_the_file_of_another_life_is_none(path: Path) -> None:
    """Two stores that went on from one copy have commits of one number, and each refuses the other's file."""
    kept(path)
    twin = path.with_name("twin.db")
    shutil.copy(path, twin)
    for store_path, name in ((path, "ONE"), (twin, "TWO")):
        with opened(store_path, accept_rollback=True) as store:
            while store._seen.commits < 9:
                store.writes.add_name(store._seen.commits, name)
                store.commit()
            store.keep_columns(COLUMNS)
    shutil.copy(beside(twin), beside(path))
    with opened(path) as store:
        assert store.take_columns() == {}


def test_the_file_of_another_store_is_none(path: Path) -> None:
    """Though its key is the same, and its commits have the same numbers."""
    kept(path)
    other = path.with_name("other.db")
    kept(other)
    shutil.copy(beside(other), beside(path))
    with opened(path) as store:
        assert store.take_columns() == {}


def test_keys_that_were_changed_do_not_spend_it(path: Path) -> None:
    """A rotation and a rewrap leave the key of its codes as it is."""
    kept(path)
    with opened(path) as store:
        store.vault.rotate(0, 1)
        store.vault.rewrap((), 1)
        store.commit()
        store.keep_columns(COLUMNS)
    with opened(path) as store:
        assert store.take_columns() == COLUMNS


def test_damage_of_any_byte_is_met(tmp_path: Path) -> None:
    """As is every length that is not its own, and any other key or commit."""
    path = tmp_path / "columns"
    Columns(path, bytes(32)).save(LAST, COLUMNS)
    content = path.read_bytes()

    def taken(content: bytes, key: bytes = bytes(32), last: Seen = LAST) -> dict[str, array[int]]:
        path.write_bytes(content)
        return Columns(path, key).take(last)

    assert taken(content) == COLUMNS
    for place in range(len(content)):
        for flipped in (1, 128):
            changed = bytearray(content)
            changed[place] ^= flipped
            assert taken(bytes(changed)) == {}, place
        assert taken(content[:place]) == {}, place
    assert taken(content + b"\0") == {}
    assert taken(content, key=bytes(31) + b"\1") == {}
    assert taken(content, last=LAST._replace(commits=8)) == {}
    assert taken(content, last=LAST._replace(root=bytes(16))) == {}


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let writing fail where a file would become larger."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_no_room_for_the_file_is_no_reason_not_to_stop(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what it means, and nothing half is left to take room."""
    kept(path)
    with opened(path) as store, no_file_above(1 << 20):
        store.keep_columns({"large": array("I", bytes(4 << 20))})
    assert "the next start takes longer" in caplog.text
    assert not [file for file in path.parent.iterdir() if "columns" in file.name]


CUT_OFF = """
import os, sys
from array import array
from pathlib import Path
from statekeep.daemon.store import open_store
Path.rename = lambda *_: os.kill(os.getpid(), 9)
with open_store(Path(sys.argv[1]), bytes(range(32)), now=0) as store:
    store.keep_columns({"parent": array("I", [1])})
"""
"""A program that is killed when it has written the file, and has not given it its name."""


def test_a_stop_that_is_cut_off_leaves_nothing_for_good(path: Path) -> None:
    """What it had written is not taken, and the next start removes it."""
    with opened(path) as store:
        store.writes.add_name(0, "EVENT")
        store.commit()
    assert subprocess.run([sys.executable, "-c", CUT_OFF, path], check=False).returncode == -signal.SIGKILL
    left = [file.name for file in path.parent.iterdir() if "columns" in file.name]
    assert left == [".store.db.columns"]
    with opened(path) as store:
        assert store.take_columns() == {}
        assert not [file for file in path.parent.iterdir() if "columns" in file.name]
