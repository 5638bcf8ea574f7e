"""A start from what the last stop has kept: the same engine as one from rows."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from statekeep.daemon.engine import keeping
from statekeep.daemon.store.catalogue import Catalogue
from statekeep.protocol.messages import Get, Send, Verify
from statekeep.protocol.records import Difference
from tests.engine.stories import LOAN, PAID, WAIVED, account, deploy, spawn
from tests.engine.worlds import ask, engine_in, start


@pytest.fixture(autouse=True)
def _however_few() -> Iterator[None]:
    with mock.patch.object(keeping, "WORTH_IT", 0):
        yield


def file_in(directory: Path) -> Path:
    """The file that a stop leaves."""
    return directory / "store.db.columns"


def tell(directory: Path, *, keep: bool = True) -> None:
    """Two loans, of which the one who paid has migrated, and a stop."""
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        spawn(engine, "loan-v1", *PAID)
        spawn(engine, "loan-v1", *WAIVED)
        deploy(engine, "loan-v2", LOAN, parent="loan-v1", path=PAID)
        if keep:
            engine.keep_columns()


def damage(directory: Path, statement: str) -> None:
    """Change rows by a hand that has no key."""
    with closing(sqlite3.connect(directory / "store.db")) as connection, connection:
        assert connection.execute(statement).rowcount > 0, "nothing was damaged"


def differences(directory: Path) -> list[Difference]:
    """What ``verify`` finds, after a start that may take what was kept."""
    with engine_in(directory) as engine:
        page, found = ask(engine, Verify()), list[Difference]()
        while page.next is not None:
            found += page.differences
            page = ask(engine, Verify(cursor=page.next))
        return [*found, *page.differences]


def test_no_row_is_read(directory: Path) -> None:
    """Of the two tables; and what the engine says, and does next, is what it would from rows."""
    tell(directory, keep=False)
    with engine_in(directory) as engine:
        told = account(engine)
        engine.keep_columns()
    unread = mock.patch.multiple(Catalogue, histories=mock.DEFAULT, cohorts=mock.DEFAULT)
    with unread as readers, engine_in(directory) as engine:
        assert account(engine) == told
        assert ask(engine, Send(2, "APPROVE")).handled
        assert spawn(engine, "loan-v1", *PAID, "REJECT") == 3
        assert not any(reader.called for reader in readers.values())
    assert differences(directory) == []


def test_it_is_taken_once(directory: Path) -> None:
    """A daemon that is killed after that leaves nothing to take, and its store is read row by row."""
    tell(directory)
    start(directory).close()
    assert not file_in(directory).exists()
    assert differences(directory) == []


def test_a_kill_leaves_nothing(directory: Path) -> None:
    """Only a clean stop keeps anything."""
    tell(directory, keep=False)
    assert not file_in(directory).exists()


def test_of_a_small_store_nothing_is_kept(directory: Path) -> None:
    """Its rows are as quick."""
    with mock.patch.object(keeping, "WORTH_IT", 100_000):
        tell(directory)
    assert not file_in(directory).exists()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE cohorts SET history = 1.5 WHERE id = 2", {"table": "cohorts", "rows": 5, "row": [2]}),
        ("UPDATE cohorts SET version = 2 WHERE id = 2", {"table": "cohorts", "rows": 5, "row": [2]}),
        (
            "INSERT INTO cohorts SELECT max(id) + 1, 1, 0, 0, 0, 0 FROM cohorts",
            {"table": "cohorts", "rows": 6, "row": [5]},
        ),
        ("UPDATE histories SET parent = 3 WHERE id = 3", {"table": "histories", "rows": 4, "row": [3]}),
        ("DELETE FROM histories WHERE id = 1", {"table": "histories", "rows": 3, "row": [1]}),
    ],
)
def test_a_row_that_was_changed_is_told_by_verify(directory: Path, statement: str, found: dict[str, object]) -> None:
    """Nobody else meets it: the actors stand where they were left, and go on from there."""
    tell(directory)
    damage(directory, statement)
    with engine_in(directory) as engine:
        assert [ask(engine, Get(actor)).version for actor in (1, 2)] == ["loan-v2", "loan-v1"]
        assert ask(engine, Send(2, "APPROVE")).handled
        engine.keep_columns()
    assert [(each.actor, each.what, each.found) for each in differences(directory)] == [(0, "evidence", found)]


def test_with_a_damaged_file_the_rows_are_read(directory: Path) -> None:
    """Also where it is all there, and of this commit."""
    tell(directory)
    content = bytearray(file_in(directory).read_bytes())
    content[-1] ^= 1
    file_in(directory).write_bytes(content)
    assert differences(directory) == []


def test_what_another_statekeep_has_kept_is_not_taken(directory: Path) -> None:
    """Columns that have other names than these mean something else."""
    tell(directory, keep=False)
    with engine_in(directory) as engine:
        engine._store.keep_columns({"parent": array("I", [1]), "nodes": array("I", [1])})
    assert file_in(directory).exists()
    assert differences(directory) == []
