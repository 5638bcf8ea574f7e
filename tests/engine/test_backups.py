"""A copy of the store taken through the engine, and put back."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from unittest import mock

import pytest

from statekeep.daemon import restoring
from statekeep.daemon.engine import About, Engine, backups
from statekeep.daemon.restoring import Place, Unsound, rehearse, restore
from statekeep.daemon.store import (
    Kind,
    RolledBack,
    Secret,
    StoreExists,
    StoreInUse,
    Until,
    UnusableCopy,
    WrongKey,
    locked,
    open_store,
)
from statekeep.protocol.errors import ActorErased, BackupFailed, BackupUnderWay, UnknownBackup
from statekeep.protocol.messages import (
    Backup,
    BackupEnd,
    BackupRead,
    Erase,
    Get,
    Send,
    Spawn,
    Stats,
    StatusRequest,
    Verify,
)
from statekeep.protocol.records import LastBackup, StoreCopy
from tests.engine.stories import PAID, account, deploy, spawn
from tests.engine.worlds import KEY, ask, engine_in


def fetch(engine: Engine, number: int) -> tuple[StoreCopy, bytes]:
    """The copy as a client puts it together."""
    content = b""
    while True:
        part = ask(engine, BackupRead(number, len(content)))
        content += part.data
        if part.copy.sha256 and not part.data:
            return part.copy, content


@pytest.fixture
def loans(engine: Engine) -> Engine:
    """Three loans of one version."""
    deploy(engine, "loan-v1")
    for key, events in (("alice", PAID), ("bob", PAID[:1]), ("carol", [])):
        spawn(engine, "loan-v1", *events, key=key)
    return engine


@pytest.fixture
def copy(loans: Engine, tmp_path: Path) -> Path:
    """A backup of them."""
    _, content = fetch(loans, ask(loans, Backup()).backup)
    path = tmp_path / "copy"
    path.write_bytes(content)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A data directory without a store, and the key."""
    return Place(tmp_path / "data", [Secret(Kind.FILE, KEY)], count(1).__next__)


def test_a_copy_is_of_the_moment_it_was_asked_for(loans: Engine, place: Place, tmp_path: Path) -> None:
    """What happens while it is made and read is not in it, and all before is; restored, it answers as the store did."""
    before = account(loans)
    begun = ask(loans, Backup())
    assert ask(loans, Send("bob", "PAY_FEE")).handled
    copied, content = fetch(loans, begun.backup)
    assert (copied.position, copied.size, copied.sha256) == (
        begun.position,
        len(content),
        hashlib.sha256(content).hexdigest(),
    )
    (tmp_path / "copy").write_bytes(content)
    found = restore(tmp_path / "copy", Until(), place, replacing=False)
    assert (found.position, found.actors, found.versions, found.erased_again) == (begun.position, 3, 1, 0)
    with engine_in(place.data) as engine:
        assert account(engine) == before != account(loans)
        assert ask(engine, Verify(limit=1_000)).differences == []


def test_a_copy_ends(loans: Engine, directory: Path, tmp_path: Path) -> None:
    """Its file is removed, and its number is not known any more; likewise at the next start."""
    first = ask(loans, Backup())
    with pytest.raises(BackupUnderWay):
        ask(loans, Backup())
    fetch(loans, first.backup)
    assert (directory / "store.db.copy").exists()
    ask(loans, BackupEnd(first.backup))
    assert not (directory / "store.db.copy").exists()
    with pytest.raises(UnknownBackup):
        ask(loans, BackupRead(first.backup))
    (tmp_path / "store.db.copy").write_bytes(b"left by one that was killed")
    with engine_in(tmp_path) as engine:
        assert not (tmp_path / "store.db.copy").exists()
        assert ask(engine, Backup()).backup == 1


def test_the_last_backup_is_known_over_restarts(loans: Engine, directory: Path, tmp_path: Path) -> None:
    """When it was begun, its size, and whether it was tried out; a copy that was not read or not kept is none."""
    assert ask(loans, StatusRequest()).backup is None
    unread, unkept = ask(loans, Backup()), BackupEnd(2, kept=False)
    ask(loans, BackupEnd(unread.backup))
    fetch(loans, ask(loans, Backup()).backup)
    ask(loans, unkept)
    assert ask(loans, StatusRequest()).backup is None
    for number, verified in ((3, True), (4, False)):
        begun = ask(loans, Backup())
        assert begun.backup == number
        copied, _ = fetch(loans, begun.backup)
        ask(loans, BackupEnd(number, verified=verified))
        expected = LastBackup(position=begun.position, time=begun.time, size=copied.size, verified=verified)
        assert ask(loans, StatusRequest()).backup == ask(loans, Stats()).backup == expected
    assert ask(loans, Verify(limit=1_000)).differences == []
    shutil.copytree(directory, tmp_path / "next")
    with engine_in(tmp_path / "next") as engine:
        assert ask(engine, StatusRequest()).backup == expected


def test_a_copy_that_nobody_asks_about_makes_room(loans: Engine) -> None:
    """After a minute; the clock here ticks a second at each look."""
    first = ask(loans, Backup())
    with mock.patch.object(backups, "ABANDONED", 1_000):
        second = ask(loans, Backup())
    with pytest.raises(UnknownBackup):
        ask(loans, BackupEnd(first.backup))
    ask(loans, BackupEnd(second.backup))


def test_an_erasure_does_not_wait_for_a_copy(loans: Engine) -> None:
    """A copy under way is given up and begun anew: it holds the actor no more, and the erasure is complete at once."""
    with mock.patch("statekeep.daemon.store.backup.STEP", 1):
        begun = ask(loans, Backup())
        erased = ask(loans, Erase("bob"))
        copied, _ = fetch(loans, begun.backup)
    assert copied.position in {begun.position, erased.position}
    assert ask(loans, StatusRequest()).erased == 1


def test_a_copy_given_up_is_begun_again(loans: Engine) -> None:
    """And is then of a later moment."""
    with mock.patch.object(backups, "Copying") as copying:
        copying.return_value = mock.Mock(done=True, stopped=True, failure="", copied=0, size=0)
        begun = ask(loans, Backup())
    erased = ask(loans, Erase("bob"))
    copied, content = fetch(loans, begun.backup)
    assert copied.position == erased.position
    assert content


def test_a_copy_that_can_t_be_made_says_why(loans: Engine, directory: Path) -> None:
    """And leaves room for the next."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with mock.patch.object(os, "fdatasync", side_effect=full), pytest.raises(BackupFailed, match="No space left"):
        fetch(loans, ask(loans, Backup()).backup)
    assert not (directory / "store.db.copy").exists()
    fetch(loans, ask(loans, Backup()).backup)


def test_who_was_erased_since_does_not_come_back(loans: Engine, copy: Path, directory: Path, place: Place) -> None:
    """The journal is applied before anybody is served; without the journal, as a rehearsal shows, nobody would know."""
    bob = ask(loans, Get("bob")).id
    ask(loans, Erase("bob"))
    assert rehearse(copy, Until(), place, copy.parent).actors == 3
    place.data.mkdir()
    (place.data / "store.db.erasures").write_bytes((directory / "store.db.erasures").read_bytes())
    found = restore(copy, Until(), place, replacing=False)
    assert (found.actors, found.erased_again) == (2, 1)
    with engine_in(place.data) as engine, pytest.raises(ActorErased):
        ask(engine, Get(bob))


def test_a_store_is_replaced_only_on_request(copy: Path, loans: Engine, place: Place) -> None:
    """And the one before stays beside it, with the log that belongs to it, and can be restored in its turn."""
    restore(copy, Until(), place, replacing=False)
    with engine_in(place.data) as engine:
        assert ask(engine, Send("bob", "PAY_FEE")).handled
        later = account(engine)
        # Killed: its log is not in the database.
        log = (place.data / "store.db-wal").read_bytes()
        main = (place.data / "store.db").read_bytes()
    (place.data / "store.db").write_bytes(main)
    (place.data / "store.db-wal").write_bytes(log)
    with pytest.raises(StoreExists, match="--replace"):
        restore(copy, Until(), place, replacing=False)
    kept = Path(restore(copy, Until(), place, replacing=True).kept)
    assert not (place.data / "store.db-wal").exists()
    with engine_in(place.data) as engine:
        assert account(engine) == account(loans) != later
    restore(kept, Until(), place, replacing=True)
    with engine_in(place.data) as engine:
        assert account(engine) == later


def test_the_store_left_behind_does_not_come_back_by_itself(copy: Path, place: Place, tmp_path: Path) -> None:
    """The anchor is that of the restored store, in whichever directory it is, though the one before went further."""
    place = Place(place.data, place.secrets, place.clock, anchor=tmp_path / "anchor")
    restore(copy, Until(), place, replacing=False)
    with open_store(place.data / "store.db", KEY, now=0, anchor=place.anchor) as store:
        engine = Engine(store, count(1).__next__, About(1, "", "", 0, 1 << 20, 64))
        for _ in range(20):
            ask(engine, Spawn("loan-v1"))
    kept = Path(restore(copy, Until(), place, replacing=True).kept)
    with open_store(place.data / "store.db", KEY, now=0, anchor=place.anchor):
        pass  # nothing to accept
    kept.replace(place.data / "store.db")
    with pytest.raises(RolledBack):
        open_store(place.data / "store.db", KEY, now=0, anchor=place.anchor)


def test_a_store_in_use_is_left_alone(copy: Path, place: Place) -> None:
    """The lock says so."""
    place.data.mkdir()
    with locked(place.data / "store.db"), pytest.raises(StoreInUse):
        restore(copy, Until(), place, replacing=True)
    assert sorted(file.name for file in place.data.iterdir()) == ["store.db.lock"]


@pytest.mark.parametrize("cut", [100, 5_000, -4_096])
def test_a_file_that_is_not_whole_is_refused(copy: Path, place: Place, cut: int) -> None:
    """Nothing is left of the attempt."""
    copy.write_bytes(copy.read_bytes()[:cut])
    with pytest.raises(UnusableCopy):
        restore(copy, Until(), place, replacing=False)
    assert sorted(file.name for file in place.data.iterdir()) == ["store.db.lock"]


def test_a_file_of_another_program_is_refused(place: Place, tmp_path: Path) -> None:
    """Be it a database or not."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE x (y)")
    with pytest.raises(UnusableCopy, match="not one of StateKeep"):
        restore(other, Until(), place, replacing=False)


def test_another_key_opens_no_backup(copy: Path, place: Place) -> None:
    """The store that is there stays."""
    restore(copy, Until(), place, replacing=False)
    before = (place.data / "store.db").read_bytes()
    with pytest.raises(WrongKey):
        restore(copy, Until(), Place(place.data, [Secret(Kind.FILE, bytes(32))], place.clock), replacing=True)
    assert (place.data / "store.db").read_bytes() == before


def test_a_backup_in_which_somebody_is_not_what_he_was_is_refused(copy: Path, place: Place) -> None:
    """It opens, but ``verify`` names the actor."""
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE events SET previous = 0 WHERE previous != 0")
    with pytest.raises(Unsound, match="at actors 1"):
        restore(copy, Until(), place, replacing=False)
    assert not (place.data / "store.db").exists()


def test_a_rehearsal_leaves_nothing(copy: Path, place: Place) -> None:
    """Neither beside the backup nor in it, nor where the store would be."""
    before = copy.read_bytes()
    found = rehearse(copy, Until(), place, copy.parent)
    assert (found.store, found.actors, found.versions) == ("", 3, 1)
    assert copy.read_bytes() == before
    assert [file.name for file in copy.parent.iterdir()] == ["copy"]


def test_what_an_attempt_left_is_removed(tmp_path: Path) -> None:
    """At the next one."""
    (tmp_path / ".restoring-x").mkdir()
    (tmp_path / "store.db").write_bytes(b"")
    restoring.discard(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["store.db"]
