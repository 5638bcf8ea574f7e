"""Master keys in files, and values that open only where they were sealed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from itertools import count, product
from pathlib import Path

import pytest

from statekeep.daemon.store import InsecureKeyFile, WrongKey, make_master_key, master_key
from statekeep.daemon.store.keys import KEY_SIZE, STAYS, KeyRing, Sealer

DATABASE, OTHER = bytes(16), bytes([1]) * 16


def counting() -> Callable[[int], bytes]:
    """Bytes that never repeat, and are the same in every run."""
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def ring(
    *epochs: int, stays: int = 0, database: bytes = DATABASE, random: Callable[[int], bytes] | None = None
) -> KeyRing:
    """A ring whose roots consist of one byte again and again: ``stays``, and for each epoch its number."""
    roots = {STAYS: bytes([stays]) * KEY_SIZE} | {epoch: bytes([epoch]) * KEY_SIZE for epoch in epochs}
    return KeyRing(roots, database, random or counting())


def test_a_new_key_is_its_owner_s_alone(tmp_path: Path) -> None:
    """The file has mode 0600 whatever the umask says, and the key comes back from it."""
    before = os.umask(0)
    try:
        key = make_master_key(tmp_path / "key")
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert master_key(tmp_path / "key") == key
    assert len(key) == KEY_SIZE


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    """Making one where a file stands fails and leaves it as it was: it may be the key of a store."""
    key = make_master_key(tmp_path / "key")
    with pytest.raises(FileExistsError):
        make_master_key(tmp_path / "key")
    assert master_key(tmp_path / "key") == key


def test_a_new_key_is_on_the_disk_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced when it holds the key and has no name yet, and then the directory that names it."""
    path, synced = tmp_path / "key", list[tuple[int, int, bool]]()

    def fsync(number: int) -> None:
        found = os.fstat(number)
        synced.append((found.st_ino, found.st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    make_master_key(path)
    file, directory = path.stat(), tmp_path.stat()
    assert synced == [(file.st_ino, file.st_size, False), (directory.st_ino, directory.st_size, True)]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o666])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    """And the refusal names the mode and what to type."""
    make_master_key(tmp_path / "key")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(InsecureKeyFile, match=f"mode {mode:04o}.*chmod 600 {tmp_path}/key"):
        master_key(tmp_path / "key")


def test_a_key_may_be_read_only(tmp_path: Path) -> None:
    """As a careful operator leaves it."""
    key = make_master_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o400)
    assert master_key(tmp_path / "key") == key


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"statekeep master key 1\n",
        b"statekeep master key 1\n" + base64.b64encode(bytes(31)),
        b"statekeep master key 1\n" + base64.b64encode(bytes(33)),
        b"statekeep master key 1\nnot base64\n",
        b"statekeep master key 2\n" + base64.b64encode(bytes(32)),
        base64.b64encode(bytes(32)),
        bytes(range(256)),
    ],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, cut short, of another kind or no text at all: the refusal says what belongs there."""
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(InsecureKeyFile, match="holds no master key"):
        master_key(tmp_path / "key")


def test_a_value_opens_only_in_its_place() -> None:
    """Of all tables, columns, rows and databases, only those that it was sealed for."""
    key = bytes(KEY_SIZE)
    places = list(product((DATABASE, OTHER), (1, 2), (1, 2), (1, 2, 1 << 40)))
    random = counting()
    for database, *place in places:
        sealed = Sealer(key, database, random).seal(b"value", *place)
        for other, *elsewhere in places:
            sealer = Sealer(key, other, random)
            if (other, elsewhere) == (database, place):
                assert sealer.open(sealed, *elsewhere) == b"value"
            else:
                with pytest.raises(WrongKey):
                    sealer.open(sealed, *elsewhere)


@pytest.mark.parametrize("damage", range(0, 33, 4))
def test_a_value_that_was_touched_does_not_open(damage: int) -> None:
    """One flipped bit anywhere (nonce, text or tag), or a cut, and nothing of it comes out."""
    sealer = Sealer(bytes(KEY_SIZE), DATABASE, counting())
    sealed = bytearray(sealer.seal(b"value", 1, 1, 1))
    with pytest.raises(WrongKey):
        sealer.open(bytes(sealed[:damage]), 1, 1, 1)
    sealed[damage] ^= 1
    with pytest.raises(WrongKey):
        sealer.open(bytes(sealed), 1, 1, 1)


def test_equal_values_look_different() -> None:
    """A nonce is drawn for each value, so that the disk does not tell who has the same."""
    sealer = Sealer(bytes(KEY_SIZE), DATABASE, counting())
    assert sealer.seal(b"value", 1, 1, 1) != sealer.seal(b"value", 1, 1, 1)


@pytest.mark.parametrize("size", [0, 8, 11, 13, 16])
def test_a_nonce_has_twelve_bytes(size: int) -> None:
    """GCM would take others, and hash them down to one that may have been used: nothing is sealed with them."""
    with pytest.raises(ValueError, match=f"12 bytes, not {size}"):
        Sealer(bytes(KEY_SIZE), DATABASE, lambda _: bytes(size)).seal(b"value", 1, 1, 1)


def test_each_data_key_is_its_own() -> None:
    """What one actor's key sealed, another's does not open, and neither does a ring of another root or database."""
    random = counting()
    mine = ring(1, random=random)
    (wrapped, sealer), (_, other) = mine.new_key(5, 1, 1), mine.new_key(5, 1, 2)
    sealed = sealer.seal(b"value", 5, 6, 1)
    assert mine.unwrap(wrapped, 5, 1, 1).open(sealed, 5, 6, 1) == b"value"
    with pytest.raises(WrongKey):
        other.open(sealed, 5, 6, 1)
    for stranger in (ring(2, random=random), ring(1, database=OTHER, random=random)):
        with pytest.raises(WrongKey):
            stranger.unwrap(wrapped, 5, 1, 1)


def test_the_latest_epoch_wraps_and_older_ones_unwrap() -> None:
    """A ring of both epochs opens both; one of the older alone opens nothing new, one of the later nothing old."""
    random = counting()
    before, both, after = (ring(*epochs, random=random) for epochs in ((1,), (1, 2), (2,)))
    old, _ = before.new_key(5, 1, 1)
    new, anew = both.new_key(5, 1, 2)[0], both.rewrap(old, 5, 1, 1)
    assert both.epoch == 2
    for wrapped, row, opens, refuses in ((old, 1, before, after), (new, 2, after, before), (anew, 1, after, before)):
        both.unwrap(wrapped, 5, 1, row)
        opens.unwrap(wrapped, 5, 1, row)
        with pytest.raises(WrongKey):
            refuses.unwrap(wrapped, 5, 1, row)


def test_two_epochs_of_one_root_are_two_keys() -> None:
    """A root is bound to its epoch: the same under another number opens nothing."""
    same = {STAYS: bytes(KEY_SIZE), 1: bytes(KEY_SIZE), 2: bytes(KEY_SIZE)}
    wrapped, _ = KeyRing({STAYS: same[STAYS], 1: same[1]}, DATABASE, counting()).new_key(5, 1, 1)
    with pytest.raises(WrongKey):
        KeyRing({STAYS: same[STAYS], 2: same[2]}, DATABASE, counting()).unwrap(wrapped, 5, 1, 1)


def test_a_look_up_hash_is_keyed() -> None:
    """It is the same in every epoch, and without the root that stays nobody computes it from a guessed key."""
    assert ring(1).lookup_hash("alice") == ring(2, 3).lookup_hash("alice")
    hashes = {
        ring(1).lookup_hash("alice"),
        ring(1).lookup_hash("bob"),
        ring(1, stays=9).lookup_hash("alice"),
        ring(1, database=OTHER).lookup_hash("alice"),
    }
    assert len(hashes) == 4
    assert {len(found) for found in hashes} == {16}


def test_each_use_has_a_key_of_its_own() -> None:
    """Derived keys differ by use, by store and by the root that stays, and not by epoch."""
    found = {ring(1).derived(b"a"), ring(1).derived(b"b"), ring(1, stays=9).derived(b"a")}
    found.add(ring(1, database=OTHER).derived(b"a"))
    assert len(found) == 4
    assert ring(5).derived(b"a") in found


def test_the_least_recently_used_sealers_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring keeps as many as it says, and those that were asked for last."""
    monkeypatch.setattr(KeyRing, "CACHED_ACTORS", 2)
    keeping = ring(1)
    sealers = {actor: keeping.new_key(5, 1, actor)[1] for actor in (1, 2, 3)}
    keeping.keep(1, sealers[1])
    keeping.keep(2, sealers[2])
    assert keeping.kept(1) is sealers[1]
    keeping.keep(3, sealers[3])
    assert [actor for actor in sealers if keeping.kept(actor)] == [1, 3]
