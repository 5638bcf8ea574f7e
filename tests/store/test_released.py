"""The stores of released versions are opened, and say what they said."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from sqlite_utils import Database

from statekeep.daemon.store.schema import migrations
from tests.engine.stories import account
from tests.engine.test_verify import differences
from tests.engine.worlds import engine_in
from tests.store.make_fixture import RELEASED, make

FIXTURES = sorted(path for path in RELEASED.iterdir() if path.is_dir())


def is_part_of(said: Any, now: Any) -> bool:
    """Whether everything in ``said`` is in ``now``, which may have more fields: records only ever gain some."""
    if isinstance(said, dict) and isinstance(now, dict):
        return all(name in now and is_part_of(value, now[name]) for name, value in said.items())
    if isinstance(said, list) and isinstance(now, list):
        return len(said) == len(now) and all(map(is_part_of, said, now))
    return bool(said == now)


def check(store: Path, directory: Path) -> None:
    """Open a copy of a store, twice: it is migrated by the first start, and as it was told to both."""
    shutil.copytree(store, directory / "copy")
    said = msgspec.json.decode((store / "account.json").read_bytes())
    for _ in range(2):
        with engine_in(directory / "copy") as engine:
            assert is_part_of(said, msgspec.json.decode(msgspec.json.encode(account(engine))))
            assert differences(engine, actors=4) == []


@pytest.mark.parametrize("store", FIXTURES, ids=lambda path: path.name)
def test_a_released_store_is_opened(store: Path, path: Path) -> None:
    """Whatever has become of the schema since: versions, actors, histories and decisions are the same."""
    check(store, path.parent)


def test_the_next_release_can_be_kept(path: Path) -> None:
    """What ``make_fixture`` makes of the present schema passes the test that it will have to pass for good."""
    make(path.parent / "today")
    check(path.parent / "today", path.parent)
    assert {file.name for file in (path.parent / "today").iterdir()} == {
        "account.json",
        "master.key",
        "store.db",
        "store.db.anchor",
        "store.db.erasures",
    }


@pytest.mark.parametrize("store", FIXTURES, ids=lambda path: path.name)
def test_a_released_migration_is_not_edited(store: Path) -> None:
    """The migrations that a store has seen make, today as then, the tables that it has: a change is a new migration."""
    with closing(sqlite3.connect(store / "store.db")) as connection:
        applied = {migration.name for migration in migrations.applied(Database(connection))}
        kept = schema(connection)
    db = Database(memory=True)
    with mock.patch.object(migrations, "_migrations", [one for one in migrations._migrations if one.name in applied]):
        migrations.apply(db)
    assert kept == schema(db.conn)


@pytest.mark.parametrize("store", FIXTURES, ids=lambda path: path.name)
def test_a_kept_store_has_rows_of_every_kind(store: Path) -> None:
    """No table is empty, so that no migration passes for having met none."""
    with closing(sqlite3.connect(store / "store.db")) as connection:
        tables = Database(connection).table_names()
        assert [table for table in tables if not connection.execute(f"SELECT 1 FROM {table}").fetchone()] == []  # noqa: S608


def schema(connection: sqlite3.Connection) -> list[str]:
    """What the tables of a database are made with."""
    query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql"
    return [sql for (sql,) in connection.execute(query)]


def test_what_is_missing_is_noticed() -> None:
    """A value that changed or went away is; a field that came is not."""
    assert is_part_of([{"id": 1}], [{"id": 1, "new": 2}])
    assert not is_part_of([{"id": 1}], [{"id": 2}])
    assert not is_part_of([{"id": 1}], [{}])
    assert not is_part_of([{"id": 1}], [])
