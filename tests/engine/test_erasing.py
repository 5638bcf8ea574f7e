"""An erased actor is gone: for whoever asks, from every count, and from every byte of every file."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from statekeep.daemon.engine import About, Engine
from statekeep.daemon.store import DamagedJournal, SyncFailed, TombstoneRow, gaps, open_store
from statekeep.daemon.store.erasure import Erasures
from statekeep.daemon.store.journal import Journal
from statekeep.protocol.errors import ActorErased, ErasureUnfinished, StatekeepError, UnknownActor
from statekeep.protocol.messages import (
    Actors,
    Answer,
    AnyRequest,
    Decisions,
    Deliver,
    Erase,
    Get,
    Histories,
    History,
    Preview,
    Refusal,
    Send,
    Spawn,
    StatusRequest,
    Verify,
    Versions,
)
from tests.engine.remains import JOURNAL, remains, stored
from tests.engine.stories import LOAN, PAID, VERIFIED, account, deploy, spawn
from tests.engine.worlds import KEY, ask, engine_in

LAMP = {"initial": "off", "states": {"off": {"on": {"TOGGLE": "on"}}, "on": {"on": {"TOGGLE": "off"}}}}


def ids(answers: Iterable[Answer | Refusal | None]) -> list[Any]:
    """The actors that answers are about; of refusals the code."""
    return [getattr(a.ok, "id", 0) if isinstance(a, Answer) else a and a.error.code for a in answers]


def test_no_byte_of_an_erased_actor_is_left(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not what the caller wrote, in any file or log, and not what stood in its place, sealed, wrapped or hashed."""
    caplog.set_level(logging.DEBUG)
    canaries = {
        name: f"canary-of-{name}-0123456789abcdef"
        for name in ("key", "context", "payload", "delivered", "event", "spawn")
    }
    with engine_in(directory) as engine:
        deploy(engine, "lamp", {**LAMP, "on": {"xstate.after.1.lamp": {}}})
        spawn(engine, "lamp", "TOGGLE", key="before")
        context = {"note": canaries["context"] * 500}
        ask(engine, Spawn("lamp", canaries["key"], context, idempotency_key=canaries["spawn"]))
        spawn(engine, "lamp", "TOGGLE", key="after")
        for number in range(50):
            ask(engine, Send(2, "TOGGLE", {"note": canaries["payload"] * number}))
        ask(engine, Send(2, "TOGGLE", idempotency_key=canaries["event"]))
        ask(engine, Deliver(2, "xstate.after.1.lamp", canaries["delivered"]))
        values = stored(directory, 2)
        assert len(values) == 113
        engine._store._connection.execute("PRAGMA wal_checkpoint")
        ask(engine, Send(2, "TOGGLE", canaries["payload"]))
        values += stored(directory, 2)[-1:]
        ask(engine, Get(canaries["key"]))
        (directory / JOURNAL).touch()
        assert {name for name, _ in remains(directory, values)} == {"store.db", "store.db-wal"}
        ask(engine, Erase(canaries["key"]))
        plain = [canary.encode() for canary in canaries.values()]
        assert remains(directory, [*values, *plain]) == []
        assert engine._store.vault.ring.kept(2) is None, "its key is still in memory"
    assert not any(canary in caplog.text for canary in canaries.values())


def test_no_byte_is_left_of_one_among_thousands(directory: Path) -> None:
    """Nor where rows were moved, spread over other pages or written together again before and after.

    ``secure_delete`` alone leaves some in the middle of pages; while it is on only to erase, it leaves many.
    """
    random, alive, values = Random(2), list[int](), list[bytes]()
    with engine_in(directory, random.randbytes) as engine:
        deploy(engine, "lamp", LAMP)
        for number in range(25):
            batch: list[AnyRequest] = [
                Spawn("lamp", f"{number}-{i}", "c" * random.choice([0, 9, 200])) for i in range(60)
            ]
            batch += [
                Send(actor, "TOGGLE", "p" * random.choice([0, 60, 200]))
                for actor in random.sample(alive, len(alive) // 4)
            ]
            alive += ids(engine.run(batch)[:60])
            random.shuffle(alive)
            erased = [alive.pop() for _ in range(45)]
            values += stored(directory, *erased)
            assert all(isinstance(answer, Answer) for answer in engine.run([Erase(actor) for actor in erased]))
        assert remains(directory, values) == []
        for actor in alive:
            ask(engine, Send(actor, "TOGGLE", "p" * 900))
        assert engine._store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        assert remains(directory, values) == [], "pages that were in memory brought it back"
        assert ask(engine, Verify(limit=1_000)).differences == []
        assert engine._store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def routed(engine: Engine) -> Engine:
    """Three loans that paid and were taken over by ``loan-v2``, and the second of them erased."""
    deploy(engine, "loan-v1")
    for key in ("alice", "bob", "carol"):
        spawn(engine, "loan-v1", *PAID, key=key)
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    ask(engine, Erase("bob"))
    return engine


@pytest.mark.parametrize(
    "request_", [Get(2), Send(2, "APPROVE"), History(2), Decisions(actor=2)], ids=lambda request: type(request).__name__
)
def test_its_id_is_known_as_erased(routed: Engine, request_: AnyRequest) -> None:
    """With the position at which that happened."""
    with pytest.raises(ActorErased, match="at position 12"):
        ask(routed, request_)


def test_its_key_is_as_any_that_was_never_used(routed: Engine) -> None:
    """And may be used again, by an actor with an id of its own."""
    with pytest.raises(UnknownActor):
        ask(routed, Get("bob"))
    assert ask(routed, Spawn("loan-v1", key="bob")).id == 4
    assert ask(routed, Get("bob")).id == 4


def test_erasing_again_names_the_same_erasure(routed: Engine) -> None:
    """By the id; nothing happens a second time."""
    first, second = ask(routed, Erase(2)), ask(routed, Erase(2))
    assert first == second
    assert (first.id, first.position, ask(routed, StatusRequest()).position) == (2, 12, 12)
    with pytest.raises(UnknownActor):
        ask(routed, Erase(5))
    with pytest.raises(UnknownActor):
        ask(routed, Erase("bob"))


def test_nobody_counts_it(routed: Engine) -> None:
    """Not versions, histories, lists, status and previews; ``verify`` misses nobody."""
    child: dict[str, Any] = {"version": "loan-v3", "definition": LOAN, "parent": "loan-v2"}
    assert ask(routed, Preview(**child)).counts == {"migrated": 2}
    assert [version.active for version in ask(routed, Versions()).versions] == [0, 2]
    assert [found.actors for found in ask(routed, Histories("loan-v2")).histories] == [2]
    assert [actor.key for actor in ask(routed, Actors()).actors] == ["alice", "carol"]
    status, verified = ask(routed, StatusRequest()), ask(routed, Verify())
    assert (status.actors, status.erased) == (2, 1)
    assert (verified.looked_at, verified.differences) == (2, [])


def test_the_decisions_of_a_route_say_who_was_erased(routed: Engine) -> None:
    """By id, position and time; those who can't have been judged by the route are not among them."""
    page = ask(routed, Decisions(route="loan-v2"))
    assert [made.key for made in page.decisions] == ["alice", "carol"]
    assert page.erased == [ask(routed, Erase(2))]
    assert ask(routed, Decisions(route="loan-v2", outcome="migrated")).erased == []
    deploy(routed, "elsewhere")
    deploy(routed, "elsewhere-2", parent="elsewhere")
    deploy(routed, "loan-v3", parent="loan-v2")
    assert [ask(routed, Decisions(route=route)).erased for route in ("elsewhere-2", "loan-v3")] == [[], []]
    ask(routed, Erase("alice"))
    assert [found.id for found in ask(routed, Decisions(route="loan-v3")).erased] == [1]


def test_the_erased_of_a_route_come_page_by_page(routed: Engine) -> None:
    """Each on one page, beside the decisions about the actors around it."""
    for _ in range(5):
        actor = spawn(routed, "loan-v1", *PAID)
        if actor != 6:
            ask(routed, Erase(actor))
    seen, cursor = list[int](), 0
    while True:
        page = ask(routed, Decisions(route="loan-v2", cursor=cursor, limit=2))
        seen += [made.actor for made in page.decisions] + [found.id for found in page.erased]
        if page.next is None:
            break
        assert page.next > cursor
        cursor = page.next
    assert sorted(seen) == list(range(1, 9))


def test_it_stays_erased_through_a_restart(directory: Path) -> None:
    """And its id is not used again, though it was the highest."""
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        for key in ("alice", "bob"):
            spawn(engine, "loan-v1", *PAID, key=key)
        ask(engine, Erase("bob"))
        before = account(engine)
    with engine_in(directory) as engine:
        assert account(engine) == before
        with pytest.raises(ActorErased):
            ask(engine, Get(2))
        assert spawn(engine, "loan-v1", key="bob") == 3


def test_a_batch_that_is_taken_back_erases_nobody(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the commit fails, the actor is there as it was, and so is nothing in the journal."""
    deploy(engine, "loan-v1")
    spawn(engine, "loan-v1", *PAID, key="alice")
    before = account(engine)

    def fail() -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(engine._store, "commit", fail)
    with pytest.raises(StatekeepError, match="could not be read or written"):
        ask(engine, Erase("alice"))
    monkeypatch.undo()
    assert account(engine) == before
    assert engine._store.erasures.journal.actors == set()
    ask(engine, Erase("alice"))


def test_one_batch_may_spawn_send_and_erase(engine: Engine) -> None:
    """Each request finds what the ones before it have left."""
    deploy(engine, "lamp", LAMP)
    batch: list[AnyRequest] = [
        Spawn("lamp", "a"),
        Send("a", "TOGGLE"),
        Erase("a"),
        Get("a"),
        Get(1),
        Spawn("lamp", "a"),
        Get("a"),
    ]
    assert ids(engine.run(batch)) == [1, 1, 1, "unknown_actor", "actor_erased", 2, 2]


def test_a_repeat_of_its_spawn_is_a_new_spawn(engine: Engine) -> None:
    """The answer that was kept under the idempotency key went with it, also where it was not yet committed."""
    deploy(engine, "lamp", LAMP)
    spawning = Spawn("lamp", "a", idempotency_key="k")
    assert ask(engine, spawning).id == 1
    assert ask(engine, spawning).repeated
    ask(engine, Erase("a"))
    assert ids(engine.run([spawning, Erase(2), spawning, spawning])) == [2, 2, 3, 3]
    assert ask(engine, spawning).id == 3


def test_damage_protects_nobody_from_being_erased(directory: Path) -> None:
    """Where the chain of its events is broken all of them go, and of others none."""
    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        spawn(engine, "lamp", *["TOGGLE"] * 9, key="a")
        spawn(engine, "lamp", *["TOGGLE"] * 9, key="b")
    with closing(sqlite3.connect(directory / "store.db")) as connection, connection:
        (middle,) = connection.execute("SELECT max(position) - 4 FROM events WHERE actor = 1").fetchone()
        connection.execute("UPDATE events SET previous = 0 WHERE position = ?", (middle,))
        connection.execute("UPDATE actors SET data_key = zeroblob(60), key = x'00' WHERE id = 1")
    with engine_in(directory) as engine:
        ask(engine, Erase("a"))
        counts = "SELECT actor, count(*) FROM events GROUP BY actor"
        assert engine._store._connection.execute(counts).fetchall() == [(2, 10)]


def test_a_reader_of_the_database_delays_the_answer_but_not_the_erasure(directory: Path) -> None:
    """Who holds the log is named; when it is gone, the erasure is completed by whatever comes next."""
    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        spawn(engine, "lamp", key="a")
        values = stored(directory, 1)
        with closing(sqlite3.connect(directory / "store.db")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM actors").fetchall()
            with pytest.raises(ErasureUnfinished, match="holds its log"):
                ask(engine, Erase("a"))
            with pytest.raises(ErasureUnfinished):
                ask(engine, Erase(1))
            with pytest.raises(ActorErased):
                ask(engine, Get(1))
            assert remains(directory, values)
        ask(engine, StatusRequest())
        assert remains(directory, values) == []
        assert ask(engine, Erase(1)).id == 1


class Killed(BaseException):
    """The process is gone; nothing of it runs any more."""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", [(Journal, "append"), (Erasures, "_checkpoint"), (Erasures, "_blank")], ids=str)
def test_a_start_completes_what_was_not(
    directory: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], moment: str
) -> None:
    """Wherever the daemon dies after the commit, the next one has entry and tombstone, and no remains."""
    original = getattr(*step)

    def die(*arguments: object) -> None:
        if moment == "after":
            original(*arguments)
        raise Killed

    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        spawn(engine, "lamp", "TOGGLE", key="a")
        values = stored(directory, 1)
        monkeypatch.setattr(*step, die)
        with pytest.raises(Killed):
            ask(engine, Erase("a"))
        (directory / "killed").mkdir()
        for name in {"store.db", "store.db-wal", "store.db.anchor", JOURNAL} & {
            file.name for file in directory.iterdir()
        }:
            shutil.copy(directory / name, directory / "killed" / name)
        monkeypatch.undo()
    with engine_in(directory / "killed") as engine:
        assert remains(directory / "killed", values) == []
        assert (directory / "killed" / JOURNAL).read_bytes().count(b"\n") == 1
        assert ask(engine, Erase(1)).id == 1
        with pytest.raises(ActorErased):
            ask(engine, Get(1))


def test_what_an_attempt_left_behind_is_no_part_of_the_journal(directory: Path) -> None:
    """An entry that was cut off is written over, however long it was."""
    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        for _ in range(2):
            spawn(engine, "lamp")
        ask(engine, Erase(1))
    with (directory / JOURNAL).open("ab") as journal:
        journal.write(b'{"database":"' + b"0" * 500)
    with engine_in(directory) as engine:
        ask(engine, Erase(2))
    assert (directory / JOURNAL).read_bytes().endswith(b"}\n")
    with engine_in(directory) as engine:
        assert engine._store.erasures.journal.actors == {1, 2}


def test_only_who_has_the_key_can_write_a_journal(tmp_path: Path) -> None:
    """One of the right form, about the right store, is refused: it would have actors erased at the next start."""
    path, database = tmp_path / JOURNAL, bytes(16)
    Journal(path, database, b"another key").append([TombstoneRow(1, 2, 3, 4)])
    with pytest.raises(DamagedJournal, match=r"line 1 .* is not as it was written"):
        Journal(path, database, b"the key")
    assert Journal(path, database, b"another key").actors == {1}


def test_a_disk_that_fails_is_asked_again(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros that could not be synced are synced before the erasure is acknowledged, though they are there."""
    synced = list[int]()

    def fail(descriptor: int) -> None:
        if descriptor == database:
            raise OSError(5, "Input/output error")

    with engine_in(directory) as engine:
        database = engine._store.erasures._database
        deploy(engine, "lamp", LAMP)
        spawn(engine, "lamp", key="a")
        monkeypatch.setattr(Journal, "append", lambda *_: None)
        monkeypatch.setattr(os, "fsync", fail)
        monkeypatch.setattr(gaps, "blank", lambda *_: 1)
        with pytest.raises(ErasureUnfinished, match="Input/output error"):
            ask(engine, Erase("a"))
        monkeypatch.setattr(os, "fsync", synced.append)
        monkeypatch.setattr(gaps, "blank", lambda *_: 0)
        assert ask(engine, Erase(1)).id == 1
    assert synced.count(database) == 1


def test_a_log_that_can_not_be_synced_ends_the_engine(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be empty or full on the disk, and another try would not tell: the kernel has forgotten that it failed."""

    def fail(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name.endswith("-wal"):
            raise OSError(5, "Input/output error")

    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        spawn(engine, "lamp", key="a")
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(SyncFailed):
            ask(engine, Erase("a"))
        monkeypatch.undo()
    with engine_in(directory) as engine, pytest.raises(ActorErased):
        ask(engine, Get(1))


def test_copies_of_the_store_from_before_a_migration_go_too(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The actor is in them; also in one that was never finished. Copies under other names are the operator's."""
    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        spawn(engine, "lamp", key="a")
        values = stored(directory, 1)
        for name in ("store.db.before-second", ".store.db.before-third.7", "mine.db.before-second"):
            shutil.copy(directory / "store.db-wal", directory / name)
        ask(engine, Erase("a"))
        assert {name for name, _ in remains(directory, values)} == {"mine.db.before-second"}
    assert "deleted" in caplog.text
    assert "store.db.before-second, a copy of the store" in caplog.text


def test_who_is_damaged_can_be_erased(directory: Path) -> None:
    """It is gone like any other; that somebody was here is not forgotten."""
    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        for _ in range(2):
            spawn(engine, "lamp", "TOGGLE")
    with closing(sqlite3.connect(directory / "store.db")) as connection, connection:
        connection.execute("UPDATE actors SET last = 2, data_key = x'00' WHERE id = 1")
    with engine_in(directory) as engine:
        assert ask(engine, Erase(1)).id == 1
        assert ask(engine, Get(2)).events == 1
        assert {difference.actor for difference in ask(engine, Verify()).differences} <= {1}
        with closing(sqlite3.connect(directory / "store.db")) as connection:
            assert connection.execute("SELECT count(*) FROM events WHERE actor = 1").fetchone() == (0,)


def test_a_journal_that_can_not_be_written_is_said(directory: Path) -> None:
    """The actor is gone, and the answer comes when the journal has it; where it never could be, there is no start."""
    clock, elsewhere = count(1_000), directory / "elsewhere"
    with pytest.raises(FileNotFoundError):
        open_store(directory / "store.db", KEY, now=0, journal=elsewhere)
    elsewhere.mkdir()
    store = open_store(directory / "store.db", KEY, now=0, journal=elsewhere)
    with closing(Engine(store, clock.__next__, About(1, "socket", str(directory), 0, 1 << 20, 64))) as engine:
        deploy(engine, "lamp", LAMP)
        spawn(engine, "lamp", key="a")
        elsewhere.rmdir()
        with pytest.raises(ErasureUnfinished, match="No such file"):
            ask(engine, Erase("a"))
        elsewhere.mkdir()
        assert ask(engine, Erase(1)).id == 1
        assert (elsewhere / JOURNAL).read_bytes().count(b"\n") == 1


@pytest.fixture
def restored(directory: Path) -> Path:
    """A store from before ``bob`` was erased and ``eve`` spawned and erased, put back beside the journal."""
    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        for key in ("alice", "bob"):
            spawn(engine, "lamp", "TOGGLE", key=key)
    shutil.copy(directory / "store.db", directory / "backup")
    with engine_in(directory) as engine:
        ask(engine, Erase("bob"))
        spawn(engine, "lamp", key="eve")
        ask(engine, Erase("eve"))
    (directory / "backup").rename(directory / "store.db")
    open_store(directory / "store.db", KEY, now=0, accept_rollback=True).close()
    return directory


def test_who_comes_back_with_a_backup_is_erased_again(restored: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Before anybody is served, and the log says so; who was spawned after the backup has its id for good."""
    values = stored(restored, 2)
    with engine_in(restored) as engine:
        assert "actor 2, which was erased, came back with a backup" in caplog.text
        for actor in (2, 3):
            with pytest.raises(ActorErased):
                ask(engine, Get(actor))
        assert remains(restored, values) == []
        assert [actor.key for actor in ask(engine, Actors()).actors] == ["alice"]
        assert spawn(engine, "lamp", key="eve") == 4
        assert ask(engine, Verify()).differences == []
    caplog.clear()
    with engine_in(restored) as engine:
        assert caplog.text == ""
        assert spawn(engine, "lamp") == 5


def test_a_journal_that_is_gone_is_made_of_the_tombstones(directory: Path) -> None:
    """As is an entry that the daemon did not live to write, or to finish."""
    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        for _ in range(2):
            ask(engine, Erase(spawn(engine, "lamp")))
    journal = directory / JOURNAL
    whole = journal.read_bytes()
    for rest in (None, b"", whole[:-1], whole[: whole.index(b"\n") + 9]):
        journal.unlink() if rest is None else journal.write_bytes(rest)
        with engine_in(directory):
            assert journal.read_bytes() == whole


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda _, two: [two], "line 1 .* is not as it was written, or one before it is missing"),
        (lambda one, two: [one.replace(b'"actor":1', b'"actor":7'), two], "line 1 .* is not as it was written"),
        (lambda one, two: [one, two.replace(b'"time":17', b'"time":18')], "line 2 .* is not as it was written"),
        (lambda one, two: [one.replace(one[13:45], b"0" * 32), two], "line 1 .* is about another store"),
        (lambda one, two: [one, two, b"minutes of the meeting\n"], "line 3 .* is not an entry"),
    ],
    ids=["removed", "actor", "time", "store", "foreign"],
)
def test_a_journal_that_was_changed_is_refused(directory: Path, damage: Any, said: str) -> None:
    """With its name and the line; who is to be erased again must be certain."""
    with engine_in(directory) as engine:
        deploy(engine, "lamp", LAMP)
        for _ in range(2):
            ask(engine, Erase(spawn(engine, "lamp")))
    journal = directory / JOURNAL
    journal.write_bytes(b"".join(damage(*journal.read_bytes().splitlines(keepends=True))))
    before = journal.read_bytes()
    with pytest.raises(DamagedJournal, match=said), engine_in(directory):
        pass
    assert journal.read_bytes() == before
