"""A store of an earlier schema is brought to the present one: after a copy, and all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock

import pytest
from sqlite_utils import Database

from statekeep.daemon.store import DamagedStore, Finding, Store, open_store
from statekeep.daemon.store.schema import migrations
from tests.engine.worlds import KEY
from tests.store.test_store import FILLED, everything, fill


@contextmanager
def later(*changes: Callable[[Database], object]) -> Iterator[None]:
    """A StateKeep that has these migrations too."""
    with mock.patch.object(migrations, "_migrations", [*migrations._migrations]):
        for change in changes:
            migrations(name=change.__name__)(change)  # type: ignore[type-var]
        yield


def notes(db: Database) -> None:
    """Another column in a table that the evidence covers."""
    db.execute("ALTER TABLE names ADD COLUMN note INTEGER NOT NULL DEFAULT 7")


def shelves(db: Database) -> None:
    """Another table."""
    db.execute("CREATE TABLE shelves (id INTEGER PRIMARY KEY)")


def fails(db: Database) -> None:
    """One that comes half the way."""
    db.execute("ALTER TABLE names ADD COLUMN half INTEGER")
    raise RuntimeError("no further")


@pytest.fixture
def old(path: Path) -> Path:
    """A store of today, with one of everything."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.commit()
    return path


def schema(path: Path) -> list[str]:
    """What the tables of a database are made with."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY sql"
        return [sql for (sql,) in connection.execute(query)]


def missed(store: Store) -> list[Finding]:
    """What an audit finds."""
    audit = store.audit()
    audit.run()
    return audit.findings()


def test_an_older_store_is_migrated_after_a_copy(old: Path) -> None:
    """All is there in the new form, with evidence of it; the copy beside it is what was there before, and opens."""
    before = schema(old)
    with later(notes, shelves):
        with open_store(old, KEY, now=0) as store:
            assert everything(store) == FILLED
        with open_store(old, KEY, now=0) as store:
            assert missed(store) == []
    copy = old.with_name("store.db.before-notes")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert schema(copy) == before
    assert schema(old) != before
    copy.rename(old)
    old.with_name("store.db-wal").unlink(missing_ok=True)
    with open_store(old, KEY, now=0, accept_rollback=True) as store:
        assert everything(store) == FILLED


def test_a_store_that_is_up_to_date_is_not_copied(old: Path) -> None:
    """Nor is a new one."""
    open_store(old, KEY, now=0).close()
    assert not list(old.parent.glob("*before*"))


def test_a_migration_that_fails_leaves_nothing(old: Path) -> None:
    """Not the one before it either: the store is as the StateKeep that wrote it left it, and that one opens it."""
    before = schema(old)
    with later(notes, fails), pytest.raises(RuntimeError, match="no further"):
        open_store(old, KEY, now=0)
    assert schema(old) == before
    with open_store(old, KEY, now=0) as store:
        assert missed(store) == []
        assert everything(store) == FILLED


def test_what_was_tampered_with_is_not_migrated(old: Path) -> None:
    """The evidence of the new form must not vouch for what the old one would have given away."""
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE histories SET symbol = 1")
    with later(notes), pytest.raises(DamagedStore, match="table histories, row 1 is not as it was written"):
        open_store(old, KEY, now=0)
