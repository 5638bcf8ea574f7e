"""What lies in the gaps of a database's pages goes, and nothing else does."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from statekeep.daemon.store import gaps


@pytest.fixture(params=[512, 4_096, 65_536])
def database(request: pytest.FixtureRequest, path: Path) -> Iterator[sqlite3.Connection]:
    """Tables and indexes of many levels, pages in use by long values, and pages that are free."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {request.param}")
        connection.execute("PRAGMA synchronous = 0")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name BLOB UNIQUE, value BLOB)")
        connection.execute("CREATE TABLE u (name BLOB PRIMARY KEY) WITHOUT ROWID")
        random = Random(7)
        for number in range(3_000):
            row = (number, random.randbytes(20), random.randbytes(random.randrange(1_500)))
            connection.execute("INSERT INTO t VALUES (?, ?, ?)", row)
            connection.execute("INSERT INTO u VALUES (?)", [random.randbytes(30)])
        connection.execute("DELETE FROM t WHERE id % 7 < 3 OR id BETWEEN 1000 AND 1500")
        yield connection


def run(path: Path, connection: sqlite3.Connection) -> int:
    """Blank the gaps; how many pages had something in theirs."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        return gaps.blank(descriptor, connection.execute("PRAGMA page_size").fetchone()[0])
    finally:
        os.close(descriptor)


def test_the_content_stays(path: Path, database: sqlite3.Connection) -> None:
    """Every row, and the whole structure; and after once there is nothing to be blanked."""
    rows = list(database.iterdump())
    assert run(path, database) > 0
    assert run(path, database) == 0
    with closing(sqlite3.connect(path)) as fresh:
        assert fresh.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert list(fresh.iterdump()) == rows


def test_a_gap_on_the_first_page_is_behind_the_header_of_the_file(path: Path) -> None:
    """The header is not part of it, and a mark in the gap goes."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (id)")
        connection.commit()
        content = bytearray(path.read_bytes())
        content[200:204] = b"mark"
        path.write_bytes(content)
        assert run(path, connection) == 1
        after = path.read_bytes()
    content[200:204] = bytes(4)
    assert after == content


def test_a_file_in_which_pages_can_not_be_told_apart_is_left_alone(
    path: Path, database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number at the beginning of a page that holds part of a long value could look like a page of a tree."""
    before = path.read_bytes()
    monkeypatch.setattr(gaps, "LIMIT", 2)
    with pytest.raises(OSError, match="too many"):
        run(path, database)
    assert path.read_bytes() == before
