"""What of an actor is not as it was written: all of it is looked at, and each fault is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator

import msgspec

from statekeep.daemon.store.evidence import Evidence
from statekeep.daemon.store.keys import KeyRing, Sealer, WrongKey
from statekeep.daemon.store.rows import Damage
from statekeep.daemon.store.schema import Column, Table

TRAIL = """
    WITH RECURSIVE trail (actor, cohort, position, previous, time, payload, code) AS (
        SELECT actor, cohort, position, previous, time, substr(payload, -16), code FROM events WHERE position = ?
        UNION ALL
        SELECT e.actor, e.cohort, e.position, e.previous, e.time, substr(e.payload, -16), e.code FROM events e
        JOIN trail ON e.position = trail.previous AND e.position < trail.position
    )
    SELECT * FROM trail ORDER BY position
"""
"""What the codes of an actor's events authenticate, and the codes."""


def breaks(connection: sqlite3.Connection, evidence: Evidence, last: int) -> Iterator[int]:
    """Positions of events, up to the one at ``last``, that are not as they were written, or don't follow another."""
    before = b""
    for *columns, code in connection.execute(TRAIL, (last,)):
        if evidence.code(before, columns) != code:
            yield columns[2]
        before = code


class Examiner:
    """Looks at actors of one store, as they are on the disk."""

    def __init__(
        self, connection: sqlite3.Connection, ring: KeyRing, flush: Callable[[], None], evidence: Evidence
    ) -> None:
        self._connection = connection
        self._ring = ring
        self._flush = flush
        self._evidence = evidence

    def damage(self, actor: int, positions: Iterable[int]) -> Iterator[Damage]:
        """What is not as it was written of an actor and of its events at ``positions``. Reads it all from the disk."""
        self._flush()
        row = "SELECT data_key, key, context FROM actors WHERE id = ?"
        wrapped, key, context = self._connection.execute(row, (actor,)).fetchone()
        query = "SELECT position, actor, payload FROM events WHERE position IN (SELECT value FROM json_each(?))"
        events = self._connection.execute(query, (msgspec.json.encode(list(positions)).decode(),)).fetchall()
        last = max((row[0] for row in events), default=0)
        yield from (Damage("owner", position) for position, owner, _ in events if owner != actor)
        yield from (Damage("seal", position) for position in breaks(self._connection, self._evidence, last))
        if actor in self._evidence.damaged:
            yield Damage("seal", 0)
        try:
            sealer = self._ring.unwrap(wrapped, Table.ACTORS, Column.DATA_KEY, actor)
        except WrongKey:
            yield Damage("data_key", 0)
            return
        if not _opens(sealer, key, Table.ACTORS, Column.KEY, actor):
            yield Damage("key", 0)
        if not _opens(sealer, context, Table.ACTORS, Column.CONTEXT, actor):
            yield Damage("context", 0)
        for position, _, payload in events:
            if not _opens(sealer, payload, Table.EVENTS, Column.PAYLOAD, position):
                yield Damage("payload", position)
        query = "SELECT scope, number, answer FROM repeats WHERE scope = ?1 OR (scope = 0 AND number = ?1)"
        for scope, number, answer in self._connection.execute(query, (actor,)):
            if not _opens(sealer, answer, Table.REPEATS, Column.ANSWER, scope << 32 | number):
                yield Damage("answer", 0)


def _opens(sealer: Sealer, sealed: bytes | None, table: Table, column: Column, row: int) -> bool:
    """Whether a value is absent or authentic."""
    try:
        return sealed is None or sealer.open(sealed, table, column, row) is not None
    except WrongKey:
        return False
