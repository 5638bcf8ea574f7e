"""The evidence of a store made anew for rows that were changed by hand: what a daemon with a bug would have written."""

from __future__ import annotations

from pathlib import Path

from statekeep.daemon.store import open_store
from statekeep.daemon.store.audit import recount
from tests.engine.worlds import KEY


def reseal(path: Path) -> None:
    """Let every event, and every table, be what was written. What is sealed stays as it is."""
    with open_store(path, KEY, now=0) as store:
        connection, codes = store._connection, {0: b""}
        query = "SELECT actor, cohort, position, previous, time, substr(payload, -16) FROM events ORDER BY position"
        for row in connection.execute(query).fetchall():
            codes[row[2]] = store._evidence.code(codes.get(row[3], b""), row)
        connection.execute("BEGIN")
        changed = [(code, position) for position, code in codes.items()]
        connection.executemany("UPDATE events SET code = ? WHERE position = ?", changed)
        connection.execute(
            "UPDATE actors SET code = ifnull((SELECT code FROM events WHERE position = last), zeroblob(16))"
        )
        recount(connection, store._evidence)
        store.commit()
