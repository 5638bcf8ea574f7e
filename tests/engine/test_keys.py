"""Keys as requests: what they change, what they refuse, and that nobody notices a rotation."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.daemon.store import Kind, Secret, open_store
from statekeep.daemon.store.key_files import parse_key
from statekeep.daemon.store.recovery import read_recovery
from statekeep.protocol import errors
from statekeep.protocol.messages import (
    Deploy,
    Get,
    KeyAddRecovery,
    KeyExportRecovery,
    KeyRewrap,
    KeyRotate,
    KeyStatus,
    Send,
    Spawn,
    StatusRequest,
    Verify,
)
from statekeep.protocol.records import Keys
from tests.engine.worlds import KEY, ask, engine_in

LOOP: dict[str, Any] = {"initial": "a", "states": {"a": {"on": {"E": "a"}}}}


def fill(engine: Engine, actors: int) -> None:
    """Actors with a key, a context and an event with a payload."""
    ask(engine, Deploy("v", LOOP))
    for number in range(actors):
        ask(engine, Spawn("v", f"key {number}", {"number": number}))
        ask(engine, Send(f"key {number}", "E", {"payload": number}))


def sound(engine: Engine, actors: int) -> None:
    """Every value of every actor opens, and is what it was."""
    assert ask(engine, Verify(limit=1000)).differences == []
    for number in range(actors):
        assert ask(engine, Get(f"key {number}")).context == {"number": number}


def rotating(engine: Engine) -> bool:
    """Whether there is more to do without a request."""
    return engine.rotating


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotation takes two actors with each batch."""
    monkeypatch.setattr("statekeep.daemon.engine.keys.STEP", 2)


def test_a_rotation_goes_on_with_each_batch(engine: Engine, steps: None) -> None:
    """While it does, everything is served; then the epoch before is retired, and there is nothing left to do."""
    fill(engine, 5)
    assert not rotating(engine)
    begun = ask(engine, KeyRotate())
    assert (begun.epoch, begun.rotating, begun.left) == (2, True, 5)
    lefts = list[int]()
    while rotating(engine):
        keys = ask(engine, KeyStatus())
        lefts.append(keys.left)
        assert [epoch.retired for epoch in keys.epochs] == [None, None]
        ask(engine, Send("key 3", "E", {"more": 1}))
        ask(engine, Spawn("v"))
    assert lefts == [3]  # a step goes with the begin, and with each request of the loop
    keys = ask(engine, KeyStatus())
    assert [(epoch.epoch, epoch.retired is not None) for epoch in keys.epochs] == [(1, True), (2, False)]
    assert (keys.rotating, keys.left, keys.stuck) == (False, 0, 0)
    commits = engine.about.commits
    engine.run([])
    assert engine.about.commits == commits
    sound(engine, 5)


def test_it_goes_on_without_requests(engine: Engine, steps: None) -> None:
    """Empty batches bring it to its end, each with a commit of its own."""
    fill(engine, 5)
    ask(engine, KeyRotate())
    turns = 0
    while rotating(engine):
        engine.run([])
        turns += 1
    assert turns == 2
    assert ask(engine, KeyStatus()).left == 0


def test_a_second_rotation_waits_for_the_first(engine: Engine, steps: None) -> None:
    """It is refused with the number of those that are left, and may begin when there are none."""
    fill(engine, 9)
    ask(engine, KeyRotate())
    with pytest.raises(errors.RotationUnderWay, match="into epoch 2; 7 actors are left"):
        ask(engine, KeyRotate())
    while rotating(engine):
        engine.run([])
    assert ask(engine, KeyRotate()).epoch == 3


@pytest.mark.parametrize("turns", range(5))
def test_a_rotation_survives_a_crash(directory: Path, steps: None, turns: int) -> None:
    """Whatever commit was the last, the next start goes on by itself and leaves no data key in the old epoch."""
    with engine_in(directory) as engine:
        fill(engine, 6)
        ask(engine, KeyRotate())
        for _ in range(turns):
            engine.run([])
    with engine_in(directory) as engine:
        assert rotating(engine) is (turns < 3)
        while rotating(engine):
            engine.run([])
        keys = ask(engine, KeyStatus())
        assert [epoch.retired is None for epoch in keys.epochs] == [False, True]
        sound(engine, 6)
    with contextlib.closing(sqlite3.connect(directory / "store.db")) as connection:
        assert connection.execute("SELECT epoch, count(*) FROM actors GROUP BY epoch").fetchall() == [(2, 6)]


def test_spawns_of_the_batch_that_rotates_are_not_left_behind(engine: Engine) -> None:
    """They were sealed in the old epoch and not written yet when the new one began."""
    fill(engine, 1)
    engine.run([Spawn("v", "key 1", {"number": 1}), KeyRotate(), Spawn("v", "key 2", {"number": 2})])
    while rotating(engine):
        engine.run([])
    keys = ask(engine, KeyStatus())
    assert [epoch.retired is None for epoch in keys.epochs] == [False, True]
    sound(engine, 3)


def test_a_rotation_that_fails_lets_requests_through(
    engine: Engine, steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that can't be written fails alone: what was asked is answered, and the rotation goes on later."""
    fill(engine, 5)
    ask(engine, KeyRotate())

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(engine._store, "rewrap_next", fail)
        assert ask(engine, Spawn("v", "key 5", {"number": 5})).id == 6
        assert not rotating(engine)
    assert ask(engine, KeyStatus()).left == 3
    assert rotating(engine)
    while rotating(engine):
        engine.run([])
    sound(engine, 6)


def test_one_that_can_t_be_opened_keeps_the_old_epoch(directory: Path) -> None:
    """The rotation ends and says how many are stuck; nothing spins, and the key that they may need is not destroyed."""
    with engine_in(directory) as engine:
        fill(engine, 4)
    with contextlib.closing(sqlite3.connect(directory / "store.db")) as connection, connection:
        connection.execute("UPDATE actors SET data_key = zeroblob(60) WHERE id = 2")
    with engine_in(directory) as engine:
        ask(engine, KeyRotate())
        assert not rotating(engine)
        keys = ask(engine, KeyStatus())
        assert (keys.rotating, keys.left, keys.stuck) == (False, 1, 1)
        assert [epoch.retired for epoch in keys.epochs] == [None, None]
        assert {found.actor for found in ask(engine, Verify()).differences} == {2}


def test_made_keys_open_the_store(directory: Path) -> None:
    """What the answers hold is enough, each alone; the status lists them and says that only the first is in use."""
    with engine_in(directory) as engine:
        fill(engine, 1)
        recovery, exported = ask(engine, KeyAddRecovery()), ask(engine, KeyExportRecovery())
        keys: Keys = ask(engine, KeyStatus())
    assert [(slot.slot, slot.kind, slot.held) for slot in keys.slots] == [
        (1, "file", True),
        (2, "recovery", False),
        (3, "file", False),
    ]
    assert [recovery.slot, exported.slot] == keys.slots[1:]
    typed, read = read_recovery(recovery.secret), parse_key(exported.secret.encode())
    assert typed is not None
    assert read is not None
    for secret in (Secret(Kind.RECOVERY, typed), Secret(Kind.FILE, read)):
        open_store(directory / "store.db", [secret], now=0).close()


def test_a_rewrap_says_what_is_gone(engine: Engine) -> None:
    """And the store goes on being used; only what the daemon was started with is left."""
    fill(engine, 1)
    ask(engine, KeyAddRecovery())
    rewrapped = ask(engine, KeyRewrap())
    assert [slot.kind for slot in rewrapped.slots] == ["file"]
    assert [slot.kind for slot in rewrapped.dropped] == ["recovery"]
    ask(engine, Spawn("v", "key 1", {"number": 1}))
    sound(engine, 2)


def test_a_rewrap_that_would_lock_the_store_is_refused(engine: Engine) -> None:
    """A slot that isn't there is named with those that are; and one must be left that the daemon has the key of."""
    with pytest.raises(errors.UnknownSlot, match=r"no key slot 7\. There are 1;"):
        ask(engine, KeyRewrap(without=[7]))
    ask(engine, KeyAddRecovery())
    with pytest.raises(errors.BadRequest, match="No slot would be left"):
        ask(engine, KeyRewrap(without=[1]))
    assert len(ask(engine, KeyStatus()).slots) == 2


def test_slots_are_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start tries each of them, so there are not more than a person can tell apart."""
    monkeypatch.setattr("statekeep.daemon.engine.keys.MAX_SLOTS", 2)
    ask(engine, KeyAddRecovery())
    for request in (KeyAddRecovery(), KeyExportRecovery()):
        with pytest.raises(errors.LimitExceeded, match="2 slots"):
            ask(engine, request)


def test_keys_change_nothing_that_is_counted(engine: Engine) -> None:
    """A rotation, a rewrap and a new slot have no position: the history of the actors goes on where it was."""
    fill(engine, 2)
    before = ask(engine, StatusRequest()).position
    for request in (KeyRotate(), KeyRewrap(), KeyAddRecovery(), KeyExportRecovery(), KeyStatus()):
        ask(engine, request)
    assert ask(engine, StatusRequest()).position == before


def test_the_key_of_the_tests_is_the_one_in_use(directory: Path) -> None:
    """Bytes alone are a key file's: the slot that they make opens with such a secret."""
    with engine_in(directory) as engine:
        fill(engine, 1)
    open_store(directory / "store.db", [Secret(Kind.FILE, KEY)], now=0).close()
