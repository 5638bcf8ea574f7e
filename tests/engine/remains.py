"""What the files of a store hold of an actor: looked up before it is erased, and looked for afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

JOURNAL = "store.db.erasures"


def stored(directory: Path, *actors: int) -> list[bytes]:
    """Every sealed value, wrapped key and hash of some actors, as another process reads them."""
    these = str([*actors])
    about = "SELECT data_key, key_hash, key, context, code FROM actors WHERE id IN (SELECT value FROM json_each(?))"
    payloads = "SELECT payload, code FROM events WHERE actor IN (SELECT value FROM json_each(?))"
    repeats = (
        "SELECT key_hash, answer FROM repeats r JOIN json_each(?) j ON scope = value OR scope = 0 AND number = value"
    )
    with closing(sqlite3.connect(directory / "store.db")) as connection:
        rows = [row for query in (about, payloads, repeats) for row in connection.execute(query, [these])]
    return [value for row in rows for value in row if value is not None]


def remains(directory: Path, values: Iterable[bytes]) -> list[tuple[str, bytes]]:
    """Which files hold the beginning or the end of any of these."""
    # Without zeros at the end: the ballast has millions of them.
    contents = {file.name: file.read_bytes().rstrip(b"\0") for file in directory.rglob("*") if file.is_file()}
    assert {"store.db", "store.db-wal", "store.db-shm", "store.db.lock", JOURNAL} <= set(contents)
    pieces = [piece for value in values for piece in {value[:16], value[-16:]}]
    return [(name, piece) for name, content in contents.items() for piece in pieces if piece in content]
