"""Who can write the files of a store, but has no key: every change is seen, and where it is seen is in the tables here.

The attacker knows the format, and everything that the store has ever held: copies of older states are at hand.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from statekeep.daemon.engine import Engine, repeats, verify
from statekeep.daemon.store import DamagedStore, RolledBack, WrongKey, heads, open_store
from statekeep.protocol.messages import (
    Actors,
    Answer,
    CountRequest,
    Decisions,
    Erase,
    Get,
    History,
    KeyAddRecovery,
    KeyRewrap,
    KeyRotate,
    Refusal,
    Send,
    Spawn,
    Verify,
    Versions,
    Watch,
)
from statekeep.protocol.records import Difference, Notice, Sent, VerifyPage
from tests.engine.stories import PAID, VERIFIED, WAIVED, deploy, spawn
from tests.engine.worlds import KEY, ask, engine_in

ALICE, BOB, CAROL, DORA = range(1, 5)

LAST = "(SELECT last FROM actors WHERE id = {0})"


@pytest.fixture
def directory(path: Path) -> Path:
    """Where the store is."""
    return path.parent


def tell(directory: Path) -> None:
    """Four loans, of which Alice's, Bob's and Dora's go on after a copy of everything was put into ``old``."""
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        ask(engine, Spawn("loan-v1", key="alice", context={"amount": 25_000}))
        ask(engine, Send("alice", "SUBMIT_INFO", {"by": "dora"}))
        spawn(engine, "loan-v1", "SUBMIT_INFO", key="bob")
        spawn(engine, "loan-v1", *PAID)
        spawn(engine, "loan-v1", *WAIVED)
    shutil.copytree(directory, directory / "old")
    with engine_in(directory) as engine:
        deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
        ask(engine, Send("alice", "PAY_FEE", {"receipt": 7}, context={"paid": True}))
        ask(engine, Send("bob", "WAIVE_FEE", {"by": "carl"}))
        ask(engine, Send(DORA, "APPROVE"))


def attack(directory: Path, statements: str) -> None:
    """Change rows by hand. ``old`` is the copy; ``flip`` turns one bit of a value."""
    with closing(sqlite3.connect(directory / "store.db")) as connection:
        connection.create_function("flip", 1, lambda value: value[:-1] + bytes([value[-1] ^ 1]))
        connection.execute("ATTACH ? AS old", (str(directory / "old" / "store.db"),))
        changed = connection.total_changes
        connection.executescript(statements)
        assert connection.total_changes > changed, "nothing was changed"


def differences(engine: Engine) -> list[Difference]:
    """What ``verify`` finds."""
    found = list[Difference]()
    cursor: int | None = 0
    while cursor is not None:
        page: VerifyPage = ask(engine, Verify(cursor=cursor))
        found += page.differences
        cursor = page.next
    return found


def named(engine: Engine) -> set[Any]:
    """Whom ``verify`` names: actors by id, other rows by table and key."""
    return {
        found.actor or (found.found["table"], *found.found.get("row", ["several"])) for found in differences(engine)
    }


def watched(engine: Engine) -> list[Notice]:
    """What a watch from the beginning tells."""
    engine.watchers.open(engine, Watch(after="0", id=1))
    told = list[Notice]()
    while parts := list(engine.watchers.turn(lambda _: True)):
        assert not any(part.failed for part in parts)
        told += [each.notice for part in parts for each in part.told]
    engine.watchers.leave(engine)
    return told


def swap(table: str, columns: str, key: str, one: str, other: str) -> str:
    """A statement that exchanges the values of two rows."""
    return f"""
        CREATE TEMP TABLE kept AS SELECT {key} AS key, {columns} FROM {table} WHERE {key} IN ({one}, {other});
        UPDATE {table} SET ({columns}) = (SELECT {columns} FROM kept WHERE kept.key != {table}.{key})
        WHERE {key} IN (SELECT key FROM kept);
    """


ROLLED_BACK = f"""
    UPDATE actors SET (cohort, last, code) = (SELECT cohort, last, code FROM old.actors WHERE id = {{0}})
    WHERE id = {{0}};
    DELETE FROM events WHERE actor = {{0}} AND position > {LAST};
"""
"""An actor as it was: its row and its events."""

DELETED = "DELETE FROM actors WHERE id = {0}; DELETE FROM events WHERE actor = {0};"

AT_THE_READ = {
    "a bit of a payload": (f"UPDATE events SET payload = flip(payload) WHERE position = {LAST.format(1)}", {ALICE}),
    "a bit of a context": ("UPDATE actors SET context = flip(context) WHERE id = 1", {ALICE}),
    "a bit of a data key": ("UPDATE actors SET data_key = flip(data_key) WHERE id = 1", {ALICE}),
    "the time of an event": (f"UPDATE events SET time = time - 1 WHERE position = {LAST.format(1)}", {ALICE}),
    "the cohort of an event": (f"UPDATE events SET cohort = 1 WHERE position = {LAST.format(1)}", {ALICE}),
    "two events of one actor, swapped": (
        swap(
            "events",
            "cohort, time, payload, code",
            "position",
            LAST.format(1),
            f"(SELECT previous FROM events WHERE position = {LAST.format(1)})",
        ),
        {ALICE},
    ),
    "events of two actors, swapped": (
        swap("events", "cohort, time, payload, code", "position", LAST.format(1), LAST.format(2)),
        {ALICE, BOB},
    ),
    "owners of two events, swapped": (
        swap("events", "actor", "position", LAST.format(1), LAST.format(2)),
        {ALICE, BOB},
    ),
    "heads of two actors, swapped": (swap("actors", "cohort, last", "id", "1", "2"), {ALICE, BOB}),
    "rows of two actors, swapped": (
        swap("actors", "spawned_on, cohort, last, data_key, key, context", "id", "1", "2"),
        {ALICE, BOB},
    ),
    "the last event, dropped": (f"DELETE FROM events WHERE position = {LAST.format(1)}", {ALICE}),
    "an event in the middle, dropped": (
        f"DELETE FROM events WHERE position = (SELECT previous FROM events WHERE position = {LAST.format(1)})",
        {ALICE},
    ),
    "an event that was made up": (
        f"""INSERT INTO events SELECT 99, 1, position, cohort, time, NULL, code FROM events
            WHERE position = {LAST.format(1)}; UPDATE actors SET last = 99 WHERE id = 1""",
        {ALICE},
    ),
    "an actor, rolled back": (ROLLED_BACK.format(ALICE), {ALICE}),
    "another actor, rolled back": (ROLLED_BACK.format(DORA), {DORA}),
}
"""What the first look at an actor sees: what was changed, how, and whose answers it concerns."""


@pytest.mark.parametrize(("statements", "victims"), AT_THE_READ.values(), ids=AT_THE_READ)
def test_the_read_that_first_touches_it_sees_it(directory: Path, statements: str, victims: set[int]) -> None:
    """It is refused by the actor's id, and so does ``verify`` name it; all others are served, events included."""
    tell(directory)
    attack(directory, statements)
    with engine_in(directory) as engine:
        assert [actor.id for actor in ask(engine, Actors()).actors] == [ALICE, BOB, CAROL, DORA]
        for victim in victims:
            refused = [answer for answer in engine.run([Get(victim), History(victim)]) if isinstance(answer, Refusal)]
            assert {(refusal.error.code, f"Actor {victim} " in refusal.error.message) for refusal in refused} == {
                ("damaged_actor", True)
            }
        for other in {ALICE, BOB, CAROL, DORA} - victims:
            assert ask(engine, Get(other)).id == other
            assert ask(engine, History(other)).events
            assert ask(engine, Decisions(actor=other)).decisions
        page = ask(engine, Decisions(route="loan-v2"))
        unreadable = set() if "context = " in statements else victims  # which no decision rests on
        assert set(page.damaged) == unreadable
        assert {made.actor for made in page.decisions} == {ALICE, BOB, CAROL, DORA} - unreadable
        assert ask(engine, Send(CAROL, "INCOME_VERIFIED")).handled
        found = {difference.actor for difference in differences(engine)}
        assert found - {0} == victims


@pytest.mark.parametrize(("statements", "victims"), AT_THE_READ.values(), ids=AT_THE_READ)
def test_a_watch_tells_nothing_that_was_not_written(directory: Path, statements: str, victims: set[int]) -> None:
    """It goes on over what was tampered with, names whose it is, and tells all the rest."""
    tell(directory)
    with engine_in(directory) as engine:
        true = watched(engine)
    attack(directory, statements)
    with engine_in(directory) as engine:
        told = watched(engine)
        damaged = {notice.actor for notice in told if notice.kind == "damaged"}
        assert damaged <= victims
        assert [notice for notice in told if notice.kind != "damaged" and notice not in true] == []
        assert [notice for notice in true if notice.actor not in victims and notice not in told] == []


HEADS = (
    "heads of two actors, swapped",
    "rows of two actors, swapped",
    "an event that was made up",
    "an actor, rolled back",
)


@pytest.mark.parametrize("statements", [AT_THE_READ[name][0] for name in HEADS], ids=HEADS)
def test_nothing_is_built_on_what_was_tampered_with(directory: Path, statements: str) -> None:
    """An event for such an actor is refused, and leaves it as it is; the requests beside it are carried out."""
    tell(directory)
    attack(directory, statements)
    with engine_in(directory) as engine:
        before = engine._world.position
        refused, sent = engine.run([Send(ALICE, "INCOME_VERIFIED"), Send(CAROL, "INCOME_VERIFIED")])
        assert isinstance(refused, Refusal)
        assert refused.error.code == "damaged_actor"
        assert isinstance(sent, Answer)
        assert isinstance(sent.ok, Sent)
        assert sent.ok.handled
        assert engine._world.position == before + 1


AT_VERIFY = {
    "two actors, rolled back": (ROLLED_BACK.format(ALICE) + ROLLED_BACK.format(BOB), {("actors", "several")}),
    "an actor, deleted": (DELETED.format(BOB), {BOB}),
    "the last actor, deleted": (DELETED.format(DORA) + "UPDATE sqlite_sequence SET seq = 3", {DORA}),
    "two actors, deleted": (DELETED.format(BOB) + DELETED.format(CAROL), {("actors", "several")}),
    "the version that an actor was spawned on": ("UPDATE actors SET spawned_on = 2 WHERE id = 2", {BOB}),
    "look-up hashes, swapped": (
        """CREATE TEMP TABLE hashes AS SELECT id, key_hash FROM actors; UPDATE actors SET key_hash = NULL;
           UPDATE actors SET key_hash = (SELECT key_hash FROM hashes WHERE id = 3 - actors.id) WHERE id < 3""",
        {ALICE, BOB, ("actors", "several")},
    ),
    "a look-up hash, dropped": ("UPDATE actors SET key_hash = NULL WHERE id = 2", {BOB}),
    "an older context": (
        "UPDATE actors SET context = (SELECT context FROM old.actors WHERE id = 1) WHERE id = 1",
        {ALICE},
    ),
    "the version of a cohort": (
        "UPDATE cohorts SET (version, configuration) = (1, 2) WHERE id = (SELECT cohort FROM actors WHERE id = 3)",
        {ALICE, CAROL, ("cohorts", 3)},
    ),
    "the history of a cohort": ("UPDATE cohorts SET history = 3 WHERE history = 2", {ALICE, CAROL, ("cohorts", 3)}),
    "a cohort that nobody is in": ("UPDATE cohorts SET waiting = 2 WHERE id = 1", {("cohorts", 1)}),
    "the symbol of a history": (
        "UPDATE histories SET symbol = CASE symbol WHEN 0 THEN 3 ELSE 0 END WHERE id = 4",
        {DORA, ("histories", 4)},
    ),
    "a history that was added": ("INSERT INTO histories VALUES (5, 4, 0)", {("histories", 5)}),
    "the outcome of a decision": (
        "UPDATE decisions SET outcome = 3 WHERE outcome = 2 AND cohort = (SELECT cohort FROM old.actors WHERE id = 4)",
        {BOB, DORA, ("decisions", 2, 4, 12)},
    ),
    "a decision, dropped": ("DELETE FROM decisions WHERE cohort = 3", {ALICE, CAROL, ("decisions", 2, 3, 12)}),
}
"""What makes sense where it is read, so that only the sum of all rows lacks it: what was changed, how, who is named."""


@pytest.mark.parametrize(("statements", "expected"), AT_VERIFY.values(), ids=AT_VERIFY)
def test_verify_sees_it(directory: Path, statements: str, expected: set[Any]) -> None:
    """It names the actor or the row if it is one; meanwhile, and afterwards, the others are served and take events."""
    tell(directory)
    attack(directory, statements)
    with engine_in(directory) as engine:
        page = ask(engine, Actors())
        there = {actor.id for actor in page.actors}
        # Where the actors are not those that were written, what is said of all of them says so.
        assert page.damaged or there == {ALICE, BOB, CAROL, DORA}
        assert ask(engine, Versions()).damaged == ask(engine, CountRequest()).damaged == page.damaged
        assert named(engine) == expected
        for actor in there:
            assert ask(engine, Get(actor)).id == actor
        spawn(engine, "loan-v1", *PAID)
        assert named(engine) == expected
    with engine_in(directory) as engine:
        assert named(engine) == expected


AT_THE_START: dict[str, tuple[str, type[Exception], str]] = {
    "the path of a route": (
        "UPDATE routes SET path = x'9100'",
        DamagedStore,
        "table routes, row 2 is not as it was written",
    ),
    "a route, closed": ("UPDATE routes SET closed = 12", DamagedStore, "table routes, row 2 "),
    "a route, dropped": (
        "DELETE FROM decisions; DELETE FROM deployments; UPDATE cohorts SET waiting = 0; DELETE FROM routes",
        DamagedStore,
        "table routes, row 2 ",
    ),
    "definitions of two versions, swapped": (
        swap("versions", "definition", "id", "1", "2"),
        DamagedStore,
        "table versions has 2 rows of 2",
    ),
    "the landing of a version": ("UPDATE versions SET landing = 1 WHERE id = 2", DamagedStore, "versions, row 2 "),
    "names of two event types, swapped": (swap("names", "name", "id", "0", "1"), DamagedStore, "table names has 4 "),
    "a configuration, finished": (
        "UPDATE configurations SET finished = 1 WHERE (version, number) = (1, 1)",
        DamagedStore,
        "table configurations, row 1, 1 ",
    ),
    "the time of a deploy": ("UPDATE deployments SET time = 0", DamagedStore, r"table deployments, row \d+ "),
    "a bit of the evidence": ("UPDATE root SET totals = flip(totals)", DamagedStore, "its evidence "),
    "the evidence, dropped": ("DELETE FROM root", RolledBack, "ends with commit 0, .*has seen commit"),
    "the evidence, rolled back": (
        "UPDATE root SET totals = (SELECT totals FROM old.root)",
        RolledBack,
        r"ends with commit \d+, .*has seen commit",
    ),
}
"""What a store is not served with: what was changed, how, and what the refusal says."""


@pytest.mark.parametrize(("statements", "kind", "message"), AT_THE_START.values(), ids=AT_THE_START)
def test_the_start_sees_it(directory: Path, statements: str, kind: type[Exception], message: str) -> None:
    """What all actors hang on, and the evidence itself, is compared before anything is served."""
    tell(directory)
    attack(directory, statements)
    with pytest.raises(kind, match=message), engine_in(directory):
        pass


def put_back(directory: Path, *names: str) -> None:
    """Put files of the copy in the place of the present ones."""
    for name in names:
        shutil.copy(directory / "old" / name, directory / name)


def tell_of_erasing(directory: Path) -> None:
    """Bob is erased then; Carol's last event came under an idempotency key; two more keys open the store."""
    tell(directory)
    with engine_in(directory) as engine:
        ask(engine, Erase("bob"))
        for key in ("first", "second"):
            ask(engine, Send(CAROL, "INCOME_VERIFIED", idempotency_key=key))
            ask(engine, KeyAddRecovery())


TOMBSTONES = {
    "a tombstone, dropped": ("DELETE FROM tombstones", r"table tombstones, row 2 "),
    "a tombstone, made up": (
        DELETED.format(CAROL) + "INSERT INTO tombstones VALUES (3, 99, 0, 1)",
        "table tombstones, row 3 ",
    ),
    "a tombstone that became another's": (
        DELETED.format(CAROL) + "UPDATE tombstones SET actor = 3",
        "table tombstones has 1 rows of 1, several ",
    ),
    "the time of an erasure": ("UPDATE tombstones SET time = 0", "table tombstones, row 2 "),
    "who was erased, put back": (
        """DELETE FROM tombstones; INSERT INTO actors SELECT * FROM old.actors WHERE id = 2;
           INSERT INTO events SELECT * FROM old.events WHERE actor = 2""",
        "table tombstones, row 2 ",
    ),
    "a root of the keys, retired": ("UPDATE key_roots SET retired = 1 WHERE id = 1", "table key_roots, row 1 "),
}
"""What has to do with erasing, and what a store is not served with: what was changed, how, what the refusal says."""


@pytest.mark.parametrize(("statements", "message"), TOMBSTONES.values(), ids=TOMBSTONES)
def test_nobody_is_erased_or_back_by_hand(directory: Path, statements: str, message: str) -> None:
    """It is refused before the journal would take a made-up tombstone for an erasure, in every backup as well."""
    tell_of_erasing(directory)
    attack(directory, statements)
    journal = (directory / "store.db.erasures").read_bytes()
    with pytest.raises(DamagedStore, match=message), engine_in(directory):
        pass
    assert (directory / "store.db.erasures").read_bytes() == journal


SLOTS = {
    "a key slot, dropped": ("DELETE FROM key_slots WHERE id = 2", {("key_slots", 2)}),
    "what two key slots hold, swapped": (
        swap("key_slots", "store_key", "id", "2", "3"),
        {("key_slots", "several")},
    ),
    "two key slots, swapped": (
        swap("key_slots", "created, salt, key_check, store_key", "id", "2", "3"),
        {("key_slots", "several")},
    ),
    "a key slot that was added": (
        "INSERT INTO key_slots SELECT 4, 2, 0, salt, iterations, lanes, memory, x'00', x'00' FROM key_slots LIMIT 1",
        {("key_slots", 4)},
    ),
}
"""The store is served while a slot opens it: what was changed, how, and what ``verify`` names."""


@pytest.mark.parametrize(("statements", "expected"), SLOTS.values(), ids=SLOTS)
def test_lost_slots_are_told(
    directory: Path, statements: str, expected: set[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """By the start, in the log, and by ``verify``, until all slots are made anew."""
    tell_of_erasing(directory)
    attack(directory, statements)
    with engine_in(directory) as engine:
        assert "key slots were changed on the disk" in caplog.text
        assert named(engine) == expected
        ask(engine, KeyRewrap())
        assert named(engine) == set()
    caplog.clear()
    with engine_in(directory) as engine:
        assert not caplog.text
        assert named(engine) == set()


REPEATS = {
    "an answer for a repeat, dropped": ("DELETE FROM repeats WHERE number = 1", {("repeats", CAROL)}),
    "the keys of two repeats, swapped": (
        "UPDATE repeats SET number = 3 - number",
        {CAROL, ("repeats", "several")},
    ),
}


@pytest.mark.parametrize(("statements", "expected"), REPEATS.values(), ids=REPEATS)
def test_verify_misses_answers(directory: Path, statements: str, expected: set[Any]) -> None:
    """Without one, a repeat would be carried out again."""
    tell_of_erasing(directory)
    attack(directory, statements)
    with engine_in(directory) as engine:
        assert named(engine) == expected


def test_answers_that_are_forgotten_are_not_missed(directory: Path) -> None:
    """Nor those of who was erased, nor what a rotation of the keys changes."""
    with engine_in(directory) as engine, mock.patch.multiple(repeats, KEPT=3, FORGOTTEN=2):
        deploy(engine, "loan-v1")
        for actor in ("alice", "bob"):
            ask(engine, Spawn("loan-v1", key=actor, idempotency_key=actor))
            for number in range(9):
                ask(engine, Send(actor, "NOTHING", idempotency_key=f"{actor} {number}"))
        ask(engine, Erase("alice"))
        ask(engine, KeyRotate())
        while engine.rotating:
            engine.run([])
        assert differences(engine) == []
    with engine_in(directory) as engine:
        assert differences(engine) == []


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "the database, rolled back": (
        lambda directory: put_back(directory, "store.db"),
        r"an older one: it ends with commit 11, and its anchor .*store\.db\.anchor has seen commit 15",
    ),
    "the database, gone": (lambda directory: (directory / "store.db").unlink(), "is not the anchor of this database"),
    "the anchor, gone": (lambda directory: (directory / "store.db.anchor").unlink(), "is missing"),
    "the anchor, cut short": (
        lambda directory: (directory / "store.db.anchor").write_bytes(b"anchor 1"),
        "is not the anchor of this database",
    ),
    "the anchor, made up": (
        lambda directory: (directory / "store.db.anchor").write_bytes(b"anchor 1" + bytes(40)),
        "is not the anchor of this database",
    ),
}


@pytest.mark.parametrize(("replace", "message"), FILES.values(), ids=FILES)
def test_the_anchor_sees_whole_files(directory: Path, replace: Callable[[Path], object], message: str) -> None:
    """A rollback of everything is consistent in itself. The refusal names the way out, and changes nothing."""
    tell(directory)
    replace(directory)
    for _ in range(2):
        with pytest.raises(RolledBack, match=f"{message}(.|\n)*--accept-rollback"), engine_in(directory):
            pass
    open_store(directory / "store.db", KEY, now=0, accept_rollback=True).close()
    with engine_in(directory) as engine:
        assert differences(engine) == []


def test_what_was_left_behind_is_not_the_newest_any_more(directory: Path) -> None:
    """After a rollback was accepted, the newer database from before it is refused like any other older one."""
    tell(directory)
    shutil.copy(directory / "store.db", directory / "newer.db")
    put_back(directory, "store.db")
    open_store(directory / "store.db", KEY, now=0, accept_rollback=True).close()
    shutil.copy(directory / "newer.db", directory / "store.db")
    with pytest.raises(RolledBack, match="an older one"), engine_in(directory):
        pass


def test_two_stores_that_went_on_from_one_copy_are_told_apart(directory: Path) -> None:
    """As many commits, and others."""
    tell(directory)
    twin = directory / "twin"
    shutil.copytree(directory / "old", twin)
    with engine_in(twin) as engine:
        while engine._store._seen.commits < 15:
            spawn(engine, "loan-v1")
    shutil.copy(twin / "store.db", directory / "store.db")
    with pytest.raises(RolledBack, match="commit 15 of the database is not the one"), engine_in(directory):
        pass


def test_an_anchor_that_is_behind_is_no_fault(directory: Path) -> None:
    """A power cut may leave it so: it is not synced. From then on it follows again."""
    tell(directory)
    put_back(directory, "store.db.anchor")
    with engine_in(directory) as engine:
        spawn(engine, "loan-v1")
    shutil.copy(directory / "old" / "store.db", directory / "store.db")
    with pytest.raises(RolledBack, match="has seen commit 16"), engine_in(directory):
        pass


def test_a_commit_stands_though_its_anchor_was_not_written(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says so."""
    with open_store(directory / "store.db", KEY, now=0) as store:
        store.writes.add_name(0, "EVENT")
        with mock.patch("os.pwrite", side_effect=OSError(5, "Input/output error")):
            assert store.commit()
    assert "store.db.anchor was not written: Input/output error" in caplog.text
    with open_store(directory / "store.db", KEY, now=0) as store:
        assert list(store.catalogue.names()) == ["EVENT"]


def test_the_anchor_may_be_elsewhere(directory: Path) -> None:
    """In a directory that is made for it, and in no other place then."""
    for _ in range(2):
        with open_store(directory / "store.db", KEY, now=0, anchor=directory / "safe" / "here") as store:
            store.writes.add_name(0, "EVENT") if not list(store.catalogue.names()) else None
            store.commit()
    assert (directory / "safe" / "here" / "store.db.anchor").stat().st_mode & 0o777 == 0o600
    assert not (directory / "store.db.anchor").exists()


def test_a_wrong_key_sees_nothing(directory: Path) -> None:
    """The store is refused as it is, before anything is compared."""
    tell(directory)
    with pytest.raises(WrongKey):
        open_store(directory / "store.db", KEY[::-1], now=0, accept_rollback=True)


def test_an_audit_goes_on_while_the_store_changes(directory: Path) -> None:
    """Row by row, with actors, cohorts and decisions that come and move behind, at and before its place."""
    tell(directory)
    with engine_in(directory) as engine, mock.patch.multiple(verify, ADDED_UP=1, LOOKED_AT=1):
        cursor, pages = 0, 0
        while True:
            page = ask(engine, Verify(cursor=cursor))
            assert page.differences == []
            if page.next is None:
                break
            cursor, pages = page.next, pages + 1
            if pages % 7 == 0:
                spawn(engine, "loan-v1", *PAID[: pages % 3])
            if pages % 10 == 0:
                ask(engine, Send(CAROL, "INCOME_VERIFIED"))
            if pages == 20:
                deploy(engine, "loan-v3", VERIFIED, parent="loan-v1", path=["SUBMIT_INFO"])
        assert pages > 50


def test_weights_that_are_not_in_memory_are_made_again(directory: Path) -> None:
    """The evidence of an actor goes on with them all the same."""
    tell(directory)
    with mock.patch.object(heads, "CACHED_WEIGHTS", 0), engine_in(directory) as engine:
        for event in ("INCOME_VERIFIED", "APPROVE"):
            assert ask(engine, Send(ALICE, event)).handled
        assert differences(engine) == []


def test_what_was_taken_back_leaves_no_evidence(directory: Path) -> None:
    """After a fault in the middle of a batch the totals are those of the last commit."""
    tell(directory)
    with engine_in(directory) as engine:
        with mock.patch("statekeep.daemon.engine.actors.describe", side_effect=RuntimeError):
            engine.run([Send(CAROL, "INCOME_VERIFIED"), Spawn("loan-v1", key="eve")])
        assert differences(engine) == []
        assert ask(engine, Get(CAROL)).events == 3
