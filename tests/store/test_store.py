"""What is written is there after the commit, all of it or none, and opens only where it was written."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.store import (
    ActorRow,
    CohortRow,
    DamagedActor,
    DecisionRow,
    DeploymentRow,
    EventRow,
    RouteRow,
    Store,
    VersionRow,
    WrongKey,
    catalogue,
    open_store,
)
from tests.engine.worlds import KEY

VERSION = VersionRow(1, "v1", {"initial": "b", "states": {"b": {}, "a": {}}}, 5, 0, 1, 1, 1_000)
CHILD = VersionRow(2, "v2", {"initial": "a", "states": {"a": {}}}, 5, 1, 0, 5, 2_000)
ALICE = ActorRow(1, 1, 1, 2, "alice", {"applicantId": 7})
BOB = ActorRow(2, 1, 1, 3, None, None)


def fill(store: Store) -> None:
    """One of everything, uncommitted: Alice has processed two events, Bob none."""
    store.writes.add_name(0, "PAY")
    store.writes.add_version(VERSION)
    store.writes.add_configuration(1, 0, ["b"], finished=False)
    store.writes.add_configuration(1, 1, ["a"], finished=True)
    store.writes.add_history(1, 0, 0)
    store.writes.add_cohort(CohortRow(1, 1, 0, 0, 0, 0))
    store.writes.add_cohort(CohortRow(2, 1, 1, 1, 0, 0))
    store.writes.add_actor(ALICE)
    store.writes.add_event(1, 0, EventRow(2, 1, 10, None))
    store.writes.add_actor(BOB)
    store.writes.add_event(2, 0, EventRow(3, 1, 11, None))
    store.writes.add_event(1, 2, EventRow(4, 2, 12, {"amount": 100}))
    store.writes.add_version(CHILD)
    store.writes.add_route(RouteRow(2, 1, [0, -1], 0))
    store.writes.add_deployment(DeploymentRow(5, 2, 0, 2_000, 2, 2, 0, {1: 1, 3: 1}))
    waits = DecisionRow(2, 1, 5, 3, 0, None, 0)
    store.writes.judge_cohorts([1], [waits], CohortRow(1, 1, 0, 0, 0, 0), CohortRow(1, 1, 0, 0, 2, 0))
    store.writes.add_decisions([DecisionRow(2, 2, 5, 1, 1, 0, 4)])
    store.writes.end_deployment(5)
    store.writes.close_route(2, 7)
    store.writes.add_event(1, 4, EventRow(6, 2, 13, None))


def everything(store: Store) -> dict[str, Any]:
    """All that can be read from a store."""
    catalogue, records = store.catalogue, store.records
    heads = [(actor, *head) for actor, head in enumerate(zip(*catalogue.heads(), strict=True)) if any(head)]
    actors = [actor for actor, _, _ in heads]
    versions = list(catalogue.versions())
    return {
        "last": (catalogue.last_position(), catalogue.last_actor()),
        "names": list(catalogue.names()),
        "versions": [row._replace(definition=catalogue.definition(row.id)) for row in versions],
        "routes": list(catalogue.routes()),
        "deployments": list(catalogue.deployments()),
        "configurations": [list(catalogue.configurations(row.id)) for row in versions],
        "finished": catalogue.finished_configurations(),
        "histories": list(zip(*catalogue.histories(), strict=True)),
        "cohorts": list(zip(*catalogue.cohorts(), strict=True)),
        "heads": heads,
        "actors": [records.actor(actor) for actor in actors],
        "events": [records.events(last) for _, _, last in heads],
        "decisions": list(records.decisions(2, [1, 2])),
        "alice": records.find_actor("alice"),
    }


FILLED: dict[str, Any] = {
    "last": (6, 2),
    "names": ["PAY"],
    "versions": [VERSION, CHILD],
    "routes": [RouteRow(2, 1, [0, -1], closed=7)],
    "deployments": [DeploymentRow(5, 2, 0, 2_000, 2, 2, done=1, counts={1: 1, 3: 1})],
    "configurations": [[["b"], ["a"]], []],
    "finished": {(1, 1)},
    "histories": [(0, 0)],
    "cohorts": [(1, 0, 0, 2, 0), (1, 1, 1, 0, 0)],
    "heads": [(1, 2, 6), (2, 1, 3)],
    "actors": [ALICE._replace(cohort=2, last=6), BOB],
    "events": [
        [EventRow(2, 1, 10, None), EventRow(4, 2, 12, None), EventRow(6, 2, 13, None)],
        [EventRow(3, 1, 11, None)],
    ],
    "decisions": [DecisionRow(2, 1, 5, 3, 0, None, 0), DecisionRow(2, 2, 5, 1, 1, 0, 4)],
    "alice": 1,
}


def test_what_was_committed_is_there_again(path: Path) -> None:
    """Every row, with its names, definition, key, context and payload, comes back from a store that was reopened."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        assert store.commit()
    with open_store(path, KEY, now=0) as store:
        assert everything(store) == FILLED
        assert [store.records.payload(1, position) for position in (2, 4, 6)] == [None, {"amount": 100}, None]
        assert (store.records.key_of(1), store.records.key_of(2)) == ("alice", None)


@pytest.mark.parametrize("together", [1, 2, 3, 4, 10_000])
def test_histories_come_in_order_of_number(path: Path, monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    """However many are read at a time, and in whatever order they were written."""
    monkeypatch.setattr(catalogue, "_TOGETHER", together)
    with open_store(path, KEY, now=0) as store:
        assert list(map(list, store.catalogue.histories())) == [[], []]
        for node, parent in ((1, 0), (3, 2), (4, 0), (2, 1)):
            store.writes.add_history(node, parent, 2**32 - node)
        store.commit()
        assert list(map(list, store.catalogue.histories())) == [[0, 1, 2, 0], [2**32 - node for node in range(1, 5)]]


def test_a_definition_keeps_the_order_of_its_keys(path: Path) -> None:
    """Key order is document order, and so has meaning."""
    with open_store(path, KEY, now=0) as store:
        store.writes.add_version(VERSION)
        store.commit()
        assert list(store.catalogue.definition(1)["states"]) == ["b", "a"]


def test_records_see_what_was_written_before_them(path: Path) -> None:
    """An actor of the same batch can be read, before anything is committed."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        assert store.records.actor(1) == ALICE._replace(cohort=2, last=6)
        assert [event.position for event in store.records.events(6)] == [2, 4, 6]


@pytest.mark.parametrize("looked", [False, True])
def test_a_rollback_forgets_everything(path: Path, *, looked: bool) -> None:
    """Also what a read had already sent to SQLite; what was committed before stays."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.commit()
        before = everything(store)
        store.writes.add_name(1, "SECOND")
        store.writes.add_actor(BOB._replace(id=3))
        store.writes.add_event(1, 6, EventRow(8, 1, 14, "lost"))
        if looked:
            store.records.actor(1)
        store.rollback()
        assert not store.commit()
        assert everything(store) == before


def test_a_close_without_a_commit_keeps_nothing(path: Path) -> None:
    """What nobody was told of is not there after a restart."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.records.actor(1)
    with open_store(path, KEY, now=0) as store:
        assert everything(store)["last"] == (0, 0)
        assert everything(store)["names"] == []


def test_a_batch_that_fails_in_the_middle_leaves_nothing(path: Path) -> None:
    """The second of two actors has a key that is taken: after the rollback the first is not there either."""
    with open_store(path, KEY, now=0) as store:
        store.writes.add_actor(ALICE)
        store.writes.add_actor(BOB._replace(key="alice"))
        with pytest.raises(sqlite3.IntegrityError):
            store.commit()
        store.rollback()
        assert everything(store)["heads"] == []
        assert store.records.find_actor("alice") is None


def test_an_empty_commit_costs_nothing(path: Path) -> None:
    """Reads alone make no transaction, and so no sync."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        assert store.commit()
        everything(store)
        assert not store.commit()


def test_the_id_of_an_actor_is_never_used_again(path: Path) -> None:
    """The store knows the highest id that was ever given, also after that actor's row has gone."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.commit()
        store._connection.execute("DELETE FROM actors WHERE id = 2")
        assert store.catalogue.last_actor() == 2


def test_an_actor_without_a_cached_key_is_read_all_the_same(path: Path) -> None:
    """Its wrapped key comes from its row, and events sealed before and after are read alike."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.commit()
        store.vault.ring._actors.clear()
        store.writes.add_event(1, 6, EventRow(7, 2, 14, "late"))
        store.commit()
        store.vault.ring._actors.clear()
        assert [store.records.payload(1, position) for position in (4, 7)] == [{"amount": 100}, "late"]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE names SET name = (SELECT name FROM versions WHERE id = 1)",
        "UPDATE versions SET name = (SELECT v.name FROM versions v WHERE v.id = 3 - versions.id)",
        "UPDATE versions SET definition = (SELECT v.definition FROM versions v WHERE v.id = 3 - versions.id)",
        "UPDATE versions SET definition = name",
        "UPDATE configurations SET configuration = (SELECT name FROM names)",
        "UPDATE configurations SET number = number + 2",
        "UPDATE actors SET context = key WHERE id = 1",
        "UPDATE actors SET key = context WHERE id = 1",
        "UPDATE actors SET data_key = (SELECT data_key FROM actors WHERE id = 2) WHERE id = 1",
        "UPDATE actors SET context = (SELECT payload FROM events WHERE position = 4) WHERE id = 1",
        "UPDATE store SET data_key = (SELECT data_key FROM actors WHERE id = 1)",
        "UPDATE store SET database = zeroblob(16)",
    ],
)
def test_a_value_that_was_moved_does_not_open(path: Path, tampering: str) -> None:
    """Who can write the file, but has no key, can't give a value another meaning by putting it elsewhere."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.commit()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(tampering).rowcount > 0
    with pytest.raises((WrongKey, DamagedActor)), open_store(path, KEY, now=0) as store:
        everything(store)


def test_a_payload_that_was_moved_does_not_open(path: Path) -> None:
    """Payloads are read one at a time: that of another event of the same actor is no answer."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.writes.flush()
        store._connection.execute(
            "UPDATE events SET payload = (SELECT payload FROM events WHERE position = 4) WHERE position = 6"
        )
        with pytest.raises(DamagedActor, match=r"actor 1 .*position 6"):
            store.records.payload(1, 6)


def test_a_value_of_another_database_does_not_open(path: Path) -> None:
    """Two stores under one master key: the names of one mean nothing in the other."""
    other = path.with_name("other.db")
    for each in (path, other):
        with open_store(each, KEY, now=0) as store:
            fill(store)
            store.commit()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ATTACH ? AS other", (str(other),))
        connection.execute("UPDATE names SET name = (SELECT name FROM other.names)")
    with open_store(path, KEY, now=0) as store, pytest.raises(WrongKey):
        list(store.catalogue.names())


def test_a_log_that_was_cut_off_has_whole_commits(path: Path) -> None:
    """Copies of the files from between two commits hold the first and nothing of the second."""
    copy = path.with_name("copy.db")
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.commit()
        store.writes.add_name(1, "LATER")
        store.writes.flush()
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
        shutil.copy(f"{path}.anchor", f"{copy}.anchor")
    with open_store(copy, KEY, now=0) as store:
        assert everything(store) == FILLED
