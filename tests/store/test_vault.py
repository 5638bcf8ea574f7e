"""Slots, roots and rotation on real files: which key opens what, and that nothing else does."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from statekeep.daemon.store import ActorRow, Cost, DamagedActor, EventRow, Kind, Secret, Store, WrongKey, open_store
from statekeep.daemon.store.keys import KEY_SIZE, Sealer
from statekeep.daemon.store.recovery import read_recovery
from statekeep.daemon.store.schema import Column, Table
from tests.store.test_opening import contents

CHEAP = Cost(1, 1, 8)
CREDENTIAL = Secret(Kind.CREDENTIAL, b"\1" * KEY_SIZE)
FILE = Secret(Kind.FILE, b"\2" * KEY_SIZE)
PHRASE = Secret.passphrase("correct horse battery staple", cost=CHEAP)
RECOVERY = Secret(Kind.RECOVERY, b"\3" * 20)
EVERY = [CREDENTIAL, FILE, PHRASE, RECOVERY]
WRONG = [
    Secret(Kind.CREDENTIAL, b"\4" * KEY_SIZE),
    Secret(Kind.FILE, b"\5" * KEY_SIZE),
    Secret.passphrase("correct horse battery stable", cost=CHEAP),
    Secret(Kind.RECOVERY, b"\6" * 20),
]


def store(path: Path, *secrets: Secret, accept_rollback: bool = False) -> Store:
    """The store, opened or made with these."""
    return open_store(path, secrets, now=0, accept_rollback=accept_rollback)


def fill(store: Store, first: int, last: int) -> None:
    """Actors with these ids, each with a context."""
    for number in range(first, last + 1):
        store.writes.add_actor(ActorRow(number, 1, 1, number, f"key {number}", {"number": number}))
        store.writes.add_event(number, 0, EventRow(number, 1, 0, None))
    store.commit()


def contexts(store: Store, actors: int) -> list[object]:
    """The contexts of the first actors, opened from the disk, and looked up by key."""
    store.vault.ring._actors.clear()
    found = [store.records.find_actor(f"key {number}") for number in range(1, actors + 1)]
    return [store.records.actor(number or 0).context for number in found]


def expected(actors: int) -> list[object]:
    """What they must be."""
    return [{"number": number} for number in range(1, actors + 1)]


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What another program reads from the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def change(path: Path, statement: str, *values: object) -> None:
    """What somebody does to the file while the daemon is down."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


@pytest.mark.parametrize("secret", EVERY, ids=lambda secret: secret.kind.name)
def test_each_kind_of_key_opens_the_store(path: Path, secret: Secret) -> None:
    """A store with four slots opens with any one of the four keys alone, and also with wrong ones beside it."""
    with store(path, *EVERY) as made:
        fill(made, 1, 3)
    with store(path, secret) as opened:
        assert contexts(opened, 3) == expected(3)
        assert [opened.vault.held(row) for row in opened.vault.slots] == [kind is secret for kind in EVERY]
        assert opened.vault.offered() == []
    with store(path, *WRONG, secret) as opened:
        assert contexts(opened, 3) == expected(3)
        assert opened.vault.offered() == [wrong.kind for wrong in WRONG]


@pytest.mark.parametrize("made_with", EVERY, ids=lambda secret: secret.kind.name)
@pytest.mark.parametrize("given", [*WRONG, *EVERY], ids=lambda secret: secret.kind.name)
def test_no_other_key_does(path: Path, made_with: Secret, given: Secret) -> None:
    """Every kind of slot refuses every other key of every kind, before one byte of the disk has changed."""
    if given is made_with:
        return
    with store(path, made_with) as made:
        fill(made, 1, 1)
    before = contents(path.parent)
    with pytest.raises(WrongKey, match=f"doesn't open with .*it has slots for: {made_with.kind.name.lower()}"):
        store(path, given)
    assert contents(path.parent) == before


def test_a_key_file_may_become_a_credential(path: Path) -> None:
    """The same key opens its slot wherever it lies."""
    store(path, FILE).close()
    with store(path, Secret(Kind.CREDENTIAL, FILE.material)) as opened:
        assert opened.vault.held(opened.vault.slots[0])


def test_what_lies_in_a_slot_opens_nothing(path: Path) -> None:
    """What tells a wrong key from the right one is another key than the one that seals: it may be read by everybody."""
    with store(path, *EVERY) as made:
        database = made.vault._database
        for row in made.vault.slots:
            for key in (row.check, row.salt):
                with pytest.raises(WrongKey):
                    Sealer(key, database, os.urandom).open(row.store_key, Table.KEY_SLOTS, Column.STORE_KEY, row.id)


def test_a_key_that_is_there_twice_has_one_slot(path: Path) -> None:
    """As when the credential is the key file of before: a rewrap makes no second slot."""
    twice = Secret(Kind.CREDENTIAL, FILE.material)
    store(path, FILE).close()
    for given in ([FILE, twice], [twice, FILE]):
        with store(path, *given) as opened:
            assert opened.vault.rewrap([], 9) == []
            opened.commit()
            assert [(row.id, row.kind) for row in opened.vault.slots] == [(1, Kind.FILE)]


def test_a_lost_slot_is_only_that_slot(path: Path) -> None:
    """Rows that were deleted, overwritten or made senseless open nothing, and the last sound one opens the store."""
    with store(path, *EVERY) as made:
        fill(made, 1, 1)
    change(path, "DELETE FROM key_slots WHERE id = 1")
    change(path, "UPDATE key_slots SET store_key = ?, key_check = 'x' WHERE id = 2", bytes(60))
    change(path, "UPDATE key_slots SET memory = 1 << 40 WHERE id = 3")
    for lost in (CREDENTIAL, FILE, PHRASE):
        with pytest.raises(WrongKey):
            store(path, lost)
    with store(path, RECOVERY) as opened:
        assert contexts(opened, 1) == expected(1)
    change(path, "DELETE FROM key_slots")
    with pytest.raises(WrongKey, match="it has slots for: nothing"):
        store(path, *EVERY)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE key_slots SET store_key = (SELECT store_key FROM key_slots WHERE id = 2) WHERE id = 1",
        "UPDATE key_slots SET id = id + 7",
        "UPDATE key_roots SET root = (SELECT root FROM key_roots WHERE id = 1) WHERE id = 0",
        "UPDATE key_roots SET id = 5 WHERE id = 1",
        "UPDATE key_roots SET root = zeroblob(60) WHERE id = 1",
        "UPDATE key_roots SET root = 'text' WHERE id = 1",
        "DELETE FROM key_roots WHERE id = 0",
        "DELETE FROM key_roots WHERE id = 1",
        "UPDATE store SET database = zeroblob(16)",
        "UPDATE store SET data_key = zeroblob(60)",
    ],
)
def test_a_key_that_was_moved_opens_nothing(path: Path, tampering: str) -> None:
    """Every sealed key is bound to its row and its store, and a missing one is missed; nothing is written."""
    store(path, CREDENTIAL, FILE).close()
    change(path, tampering)
    before = contents(path.parent)
    with pytest.raises(WrongKey):
        store(path, CREDENTIAL)
    assert contents(path.parent) == before


def test_the_cost_of_a_passphrase_is_kept_beside_it(path: Path) -> None:
    """A slot is opened at the cost it was made with, whatever is usual now."""
    store(path, PHRASE).close()
    assert rows(path, "SELECT iterations, lanes, memory FROM key_slots") == [CHEAP]
    dearer = Secret.passphrase("correct horse battery staple", cost=Cost(2, 1, 16))
    store(path, dearer).close()
    assert rows(path, "SELECT iterations, lanes, memory FROM key_slots") == [CHEAP]


def test_a_passphrase_is_its_letters_not_its_bytes(path: Path) -> None:
    """Composed or decomposed, as keyboards differ, it is the same."""
    store(path, Secret.passphrase("caf\u00e9 au lait, s'il vous plait", cost=CHEAP)).close()
    store(path, Secret.passphrase("cafe\u0301 au lait, s'il vous plait", cost=CHEAP)).close()


def test_keys_that_were_made_open_the_store(path: Path) -> None:
    """A recovery key by what was written down, an exported key by its bytes, each alone; one not committed does not."""
    with store(path, FILE) as made:
        fill(made, 1, 1)
        (_, text), (_, key) = made.vault.add_recovery(1), made.vault.add_key(2)
        made.commit()
        _, lost = made.vault.add_key(3)
    recovery = read_recovery(text)
    assert recovery is not None
    for secret in (Secret(Kind.RECOVERY, recovery), Secret(Kind.FILE, key)):
        with store(path, secret) as opened:
            assert contexts(opened, 1) == expected(1)
            assert [row.created for row in opened.vault.slots] == [0, 1, 2]
    with pytest.raises(WrongKey):
        store(path, Secret(Kind.FILE, lost))


def test_a_rewrap_leaves_the_keys_that_were_given(path: Path) -> None:
    """A key that opens nothing yet gets a slot, those that are not there lose theirs, and every value still opens."""
    with store(path, CREDENTIAL, FILE, RECOVERY) as made:
        fill(made, 1, 2)
    new = WRONG[1]
    with store(path, FILE, new) as opened:
        dropped = opened.vault.rewrap([], 9)
        opened.commit()
        assert [row.kind for row in dropped] == [Kind.CREDENTIAL, Kind.RECOVERY]
        assert [(row.id, row.kind, row.created) for row in opened.vault.slots] == [(2, Kind.FILE, 0), (4, Kind.FILE, 9)]
        assert opened.vault.offered() == []
        fill(opened, 3, 3)
    for lost in (CREDENTIAL, RECOVERY):
        with pytest.raises(WrongKey):
            store(path, lost)
    for left in (FILE, new):
        with store(path, left) as opened:
            assert contexts(opened, 3) == expected(3)


def test_a_slot_that_was_dropped_stays_dropped(path: Path) -> None:
    """Neither its key nor its old row opens the store after the rewrap, nor does the next rewrap bring it back."""
    store(path, CREDENTIAL, FILE).close()
    (row,) = rows(path, "SELECT * FROM key_slots WHERE id = 1")
    with store(path, CREDENTIAL, FILE) as opened:
        opened.vault.rewrap([1], 9)
        opened.commit()
        assert opened.vault.offered() == []
        assert opened.vault.rewrap([], 10) == []
        opened.commit()
        assert [row.id for row in opened.vault.slots] == [2]
    with pytest.raises(WrongKey):
        store(path, CREDENTIAL)
    change(path, "INSERT INTO key_slots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *row)
    with pytest.raises(WrongKey):
        store(path, CREDENTIAL)


def test_a_rewrap_that_would_leave_nothing_is_refused(path: Path) -> None:
    """And changes nothing."""
    with store(path, FILE) as opened:
        with pytest.raises(ValueError, match="no slot would be left"):
            opened.vault.rewrap([1], 9)
        assert not opened.commit()
    store(path, FILE).close()


def test_a_backup_opens_with_the_keys_of_its_day(path: Path) -> None:
    """A copy from before a rewrap and a rotation: the old key opens it, and what it holds."""
    copy = path.with_name("copy.db")
    with store(path, CREDENTIAL, FILE) as made:
        fill(made, 1, 2)
    shutil.copy(path, copy)
    with store(path, FILE) as opened:
        opened.vault.rewrap([], 9)
        opened.vault.rotate(2, 9)
        opened.commit()
        opened.rewrap_next(100, 9)
        opened.commit()
    with store(copy, CREDENTIAL, accept_rollback=True) as opened:
        assert contexts(opened, 2) == expected(2)


def test_what_was_taken_back_was_never_there(path: Path) -> None:
    """After a rollback of a rewrap, a rotation and a new slot, the keys are those on the disk, and go on working."""
    with store(path, CREDENTIAL, FILE) as opened:
        fill(opened, 1, 2)
        for change_keys in (
            lambda: opened.vault.rewrap([1], 9),
            lambda: opened.vault.rotate(2, 9),
            lambda: opened.vault.add_recovery(9),
        ):
            change_keys()
            opened.rollback()
            assert [row.id for row in opened.vault.slots] == [1, 2]
            assert opened.vault.ring.epoch == 1
            assert opened.vault.rotation is None
        fill(opened, 3, 3)
    with store(path, CREDENTIAL) as opened:
        assert contexts(opened, 3) == expected(3)


def epochs(path: Path) -> list[tuple[object, ...]]:
    """How many actors are in each epoch, and which roots there are."""
    return rows(path, "SELECT epoch, count(*) FROM actors GROUP BY epoch") + rows(
        path, "SELECT id, retired, root IS NULL FROM key_roots WHERE id > 0"
    )


def test_a_rotation_brings_every_data_key_over(path: Path) -> None:
    """Step by step, each within its bound; new actors come in the new epoch; at the end the old root is gone."""
    with store(path, FILE) as opened:
        fill(opened, 1, 10)
        opened.vault.rotate(10, 5)
        fill(opened, 11, 12)
        lefts = []
        while opened.vault.rotation is not None:
            lefts.append(opened.vault.rotation.left)
            opened.rewrap_next(4, 7)
            opened.commit()
        assert lefts == [10, 6, 2, 0]
        assert contexts(opened, 12) == expected(12)
    assert epochs(path) == [(2, 12), (1, 7, 1), (2, 0, 0)]
    with store(path, FILE) as opened:
        assert contexts(opened, 12) == expected(12)


@pytest.mark.parametrize("commits", range(6))
def test_a_rotation_that_was_killed_goes_on(path: Path, commits: int) -> None:
    """After each of its commits, and with a step that was not committed: all opens, and a new start ends it."""
    with store(path, FILE) as opened:
        fill(opened, 1, 10)
        opened.vault.rotate(10, 5)
        for _ in range(commits):
            opened.commit()
            opened.rewrap_next(3, 7)
    with store(path, FILE) as opened:
        assert contexts(opened, 10) == expected(10)
        rotation = opened.vault.rotation
        assert (rotation.left if rotation else None) == [None, 10, 7, 4, 1, None][commits]
        if commits == 0:
            opened.vault.rotate(10, 5)
        while opened.vault.rotation is not None:
            opened.rewrap_next(3, 8)
            opened.commit()
        assert contexts(opened, 10) == expected(10)
    assert epochs(path)[0] == (2, 10)
    assert epochs(path)[1][2] == 1


def test_an_old_root_opens_nothing_new(path: Path) -> None:
    """Whoever has the root of a retired epoch, from an old copy, opens no data key that the store holds now."""
    with store(path, FILE) as opened:
        fill(opened, 1, 3)
        old = dict(opened.vault._load_roots())
        opened.vault.rotate(3, 5)
        while opened.vault.rotation is not None:
            opened.rewrap_next(100, 7)
        opened.commit()
        opened.vault.ring.adopt(old)
        opened.vault.ring._actors.clear()
        for actor in (1, 2, 3):
            with pytest.raises(DamagedActor):
                opened.writes.sealers.of(actor)


def test_a_damaged_data_key_keeps_its_epoch(path: Path) -> None:
    """A rotation passes by who can't be opened, says how many, and destroys nothing that they may need."""
    with store(path, FILE) as opened:
        fill(opened, 1, 5)
    change(path, "UPDATE actors SET data_key = zeroblob(60) WHERE id = 2")
    with store(path, FILE) as opened:
        opened.vault.rotate(5, 5)
        opened.rewrap_next(100, 7)
        opened.commit()
        rotation = opened.vault.rotation
        assert rotation is not None
        assert (rotation.through, rotation.left, rotation.stuck) == (True, 1, 1)
        opened.rewrap_next(100, 7)
        assert not opened.commit()
    assert epochs(path) == [(1, 1), (2, 4), (1, 0, 0), (2, 0, 0)]
    change(path, "DELETE FROM actors WHERE id = 2")
    with store(path, FILE) as opened:
        opened.vault.rotate(4, 8)
        while opened.vault.rotation is not None:
            opened.rewrap_next(100, 9)
        opened.commit()
    assert epochs(path) == [(3, 4), (1, 9, 1), (2, 9, 1), (3, 0, 0)]


def test_the_disk_holds_no_key(path: Path) -> None:
    """Neither secrets nor anything made from them without a seal: store key, roots, data keys."""
    drawn = list[bytes]()

    def random(size: int) -> bytes:
        drawn.append(os.urandom(size))
        return drawn[-1]

    with open_store(path, EVERY, now=0, random=random) as opened:
        fill(opened, 1, 2)
        opened.vault.rewrap([], 1)
        opened.vault.rotate(2, 1)
        opened.commit()
        opened.rewrap_next(100, 1)
        opened.commit()
        held = whole(path.parent)
    keys = [value for value in drawn if len(value) == KEY_SIZE] + [secret.material for secret in EVERY]
    # Two store keys, three roots, data keys of the catalogue and of two actors, four secrets.
    assert len(keys) == 2 + 3 + 3 + 4
    for content in (*held, *whole(path.parent)):
        assert not [key for key in keys if key in content]


def whole(directory: Path) -> Sequence[bytes]:
    """The content of every file."""
    return [file.read_bytes() for file in directory.iterdir()]
