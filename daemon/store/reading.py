"""What is read from the store when somebody asks. It comes opened; what does not authenticate is ``DamagedActor``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from statekeep.daemon.store.evidence import EVENT, Evidence
from statekeep.daemon.store.examining import TRAIL, breaks
from statekeep.daemon.store.keys import WrongKey
from statekeep.daemon.store.rows import (
    ActorRow,
    BackupRow,
    DecisionRow,
    EventRow,
    Happening,
    Patched,
    RepeatRow,
)
from statekeep.daemon.store.schema import Column, Table
from statekeep.daemon.store.sealers import Sealers
from statekeep.daemon.store.soundness import DamagedActor

CONTENT = 16
"""Bytes of a request's digest."""

_decode = msgspec.msgpack.Decoder().decode
_decode_patched = msgspec.msgpack.Decoder(Patched).decode
_decode_payload = msgspec.msgpack.Decoder(ext_hook=lambda _, data: _decode_patched(data)).decode

_HAPPENED = f"""
    SELECT a.spawned_on, a.key, ifnull(p.cohort, 0), p.code, e.code, {EVENT}
    FROM events e CROSS JOIN actors a ON a.id = e.actor LEFT JOIN events p ON p.position = e.previous
"""  # noqa: S608 - of constants
"""CROSS: in the order in which it is written, which is that of positions."""

_STOOD_AT = f"""
    WITH RECURSIVE trail (position, previous) AS (
        SELECT position, previous FROM events WHERE position = ?1
        UNION ALL
        SELECT e.position, e.previous FROM events e
        JOIN trail ON e.position = trail.previous AND trail.position > ?2 AND e.position < trail.position
    )
    SELECT p.code, e.code, {EVENT} FROM events e LEFT JOIN events p ON p.position = e.previous
    WHERE e.position IN (SELECT position FROM trail WHERE position <= ?2)
"""  # noqa: S608 - of constants
"""The last of an actor's events up to a position, found from a later one, with its code and the one before."""


class Records:
    """What stays on the disk until somebody asks. Sees all that was written before, committed or not."""

    def __init__(
        self, connection: sqlite3.Connection, sealers: Sealers, flush: Callable[[], None], evidence: Evidence
    ) -> None:
        self._connection = connection
        self._sealers = sealers
        self._ring = sealers.ring
        self._flush = flush
        self._evidence = evidence
        self.prove = evidence.prove

    def find_actor(self, key: str) -> int | None:
        """The id of the committed actor with this key."""
        query = "SELECT id FROM actors WHERE key_hash = ?"
        row = self._connection.execute(query, (self._ring.lookup_hash(key),)).fetchone()
        return None if row is None else int(row[0])

    def actor(self, actor: int) -> ActorRow:
        """An actor that exists, with its context. Raises ``DamagedActor``."""
        self._flush()
        row = self._row(actor, "SELECT spawned_on, cohort, last, code, key, context FROM actors WHERE id = ?")
        spawned_on, cohort, last, code, key, context = row
        self.prove(actor)
        if not self._evidence.heads.agree(actor, cohort, last, code):
            raise DamagedActor(actor)
        return ActorRow(
            actor, spawned_on, cohort, last, self._open_key(actor, key), self._open(actor, context, Column.CONTEXT)
        )

    def head(self, actor: int) -> tuple[int, int, int]:
        """(version spawned on, cohort, position of the last event) by the row of an actor that exists."""
        self._flush()
        spawned_on, cohort, last = self._row(actor, "SELECT spawned_on, cohort, last FROM actors WHERE id = ?")
        return spawned_on, cohort, last

    def key_of(self, actor: int) -> str | None:
        """Raises ``DamagedActor``."""
        self._flush()
        self.prove(actor)
        return self._open_key(actor, self._row(actor, "SELECT key FROM actors WHERE id = ?")[0])

    def life(self, actor: int) -> tuple[int, list[EventRow]]:
        """The version that an actor was spawned on, its spawn and its events, without payloads.

        Raises ``DamagedActor`` unless all of it is as it was written.
        """
        self.prove(actor)
        spawned_on, cohort, last = self.head(actor)
        if not self._evidence.heads.agree(actor, cohort, last, self._last_code(last)):
            raise DamagedActor(actor, last)
        broken = next(breaks(self._connection, self._evidence, last), None)
        if broken is not None:
            raise DamagedActor(actor, broken)
        return spawned_on, self.events(last)

    def time(self, actor: int, position: int) -> int:
        """When the event of an actor at ``position`` was recorded. Raises ``DamagedActor`` if it is not there."""
        self._flush()
        row = self._connection.execute("SELECT time FROM events WHERE position = ?", (position,)).fetchone()
        if row is None:
            raise DamagedActor(actor, position)
        return int(row[0])

    def first_since(self, time: int) -> int:
        """The position of the first event that was recorded at ``time`` or later; past the last if none was.

        Found by halves, which rests on a clock that was not set back: otherwise it may be off by as much.
        """
        self._flush()
        query = "SELECT position, time FROM events WHERE position >= ? ORDER BY position LIMIT 1"
        (last,) = _one(self._connection, "SELECT ifnull(max(position), 0) FROM events")
        low, high = 0, last + 1 if last else 0
        while low < high:
            middle = (low + high) // 2
            position, then = _one(self._connection, query, middle)
            low, high = (position + 1, high) if then < time else (low, middle)
        return low

    def events(self, last: int) -> list[EventRow]:
        """The spawn and all processed events of the actor whose last is at ``last``, oldest first, without payloads.

        They are given as they are; ``life`` proves them.
        """
        self._flush()
        return [EventRow(row[2], row[1], row[4], None) for row in _all(self._connection, TRAIL, last)]

    def happened(self, after: int, before: int, limit: int) -> Iterator[Happening]:
        """The first spawns and events between two positions, in order."""
        where = "WHERE e.position > ? AND e.position < ? ORDER BY e.position LIMIT ?"
        return self._happenings(where, after, before, limit)

    def happened_at(self, positions: Iterable[int]) -> Iterator[Happening]:
        """The spawns and events at these positions, in order."""
        where = "WHERE e.position IN (SELECT value FROM json_each(?)) ORDER BY e.position"
        return self._happenings(where, msgspec.json.encode(list(positions)).decode())

    def _happenings(self, where: str, *values: object) -> Iterator[Happening]:
        self._flush()
        for row in _all(self._connection, _HAPPENED + where, *values):
            yield self._happening(*row)

    def _happening(
        self,
        spawned_on: int,
        sealed_key: bytes | None,
        before: int,
        code_before: bytes | None,
        code: bytes,
        *event: Any,
    ) -> Happening:
        actor, cohort, position, _, time, _ = event
        damaged = self._evidence.code(code_before or b"", event) != code
        try:
            key = self._open_key(actor, sealed_key)
        except DamagedActor:
            key, damaged = None, True
        return Happening(position, actor, time, cohort, before, spawned_on, key, damaged)

    def cohort_at(self, actor: int, last: int, position: int) -> int | None:
        """The cohort that ``actor``, whose last event is at ``last``, was in at ``position``, if it was there yet.

        Raises ``DamagedActor``.
        """
        self._flush()
        row = self._connection.execute(_STOOD_AT, (last, position)).fetchone()
        if row is None:
            return None
        before, code, *event = row
        if event[0] != actor or self._evidence.code(before or b"", event) != code:
            raise DamagedActor(actor, event[2])
        return int(event[1])

    def payload_size(self, position: int) -> int:
        """Bytes of the sealed payload of one event; 0 if it had none."""
        size: int | None = _one(self._connection, "SELECT length(payload) FROM events WHERE position = ?", position)[0]
        return size or 0

    def payload(self, actor: int, position: int) -> Any:
        """The payload of one event, None if it had none; ``Patched`` if the event patched the context.

        Raises ``DamagedActor``.
        """
        sealed = _one(self._connection, "SELECT payload FROM events WHERE position = ?", position)[0]
        if sealed is None:
            return None
        return _decode_payload(self._opened(actor, sealed, Table.EVENTS, Column.PAYLOAD, position))

    def _last_code(self, position: int) -> bytes:
        row = self._connection.execute("SELECT code FROM events WHERE position = ?", (position,)).fetchone()
        return row[0] if row else b""

    def repeat_hash(self, scope: int, key: str) -> bytes:
        """What stands on the disk for an idempotency key of an actor, or with ``scope`` 0 of a spawn."""
        return self._ring.repeat_hash(scope, key)

    def repeat(self, scope: int, key_hash: bytes) -> RepeatRow | None:
        """The answer that was written under an idempotency key, but for those that are still collected."""
        query = "SELECT number, answer FROM repeats WHERE scope = ? AND key_hash = ?"
        row = self._connection.execute(query, (scope, key_hash)).fetchone()
        if row is None:
            return None
        number, sealed = row
        opened = self._opened(scope or number, sealed, Table.REPEATS, Column.ANSWER, scope << 32 | number)
        return RepeatRow(scope, key_hash, number, opened[:CONTENT], opened[CONTENT:])

    def last_repeat(self, actor: int) -> int:
        """The number of an actor's last answer under an idempotency key; 0 if it has none."""
        return int(_one(self._connection, "SELECT ifnull(max(number), 0) FROM repeats WHERE scope = ?", actor)[0])

    def last_backup(self) -> BackupRow | None:
        """The last copy of the store that somebody has taken away."""
        self._flush()
        row = self._connection.execute("SELECT position, time, size, verified FROM backups").fetchone()
        return None if row is None else BackupRow._make(row)

    def decisions(self, route: int, cohorts: Iterable[int]) -> Iterator[DecisionRow]:
        """What was decided about ``route`` for each of ``cohorts``, in order of position."""
        self._flush()
        query = """
            SELECT d.route, d.cohort, d.position, d.outcome, d.before, d.landing, d.skipped
            FROM json_each(?) c JOIN decisions d ON d.route = ? AND d.cohort = c.value ORDER BY d.position
        """
        return map(DecisionRow._make, _all(self._connection, query, msgspec.json.encode(list(cohorts)).decode(), route))

    def decided(self, route: int) -> set[int]:
        """Every cohort with a decision about ``route``."""
        self._flush()
        return {
            row[0] for row in _all(self._connection, "SELECT DISTINCT cohort FROM decisions WHERE route = ?", route)
        }

    def _row(self, actor: int, query: str) -> tuple[Any, ...]:
        """The row of an actor that exists. Raises ``DamagedActor`` if it has gone."""
        row: tuple[Any, ...] | None = self._connection.execute(query, (actor,)).fetchone()
        if row is None:
            raise DamagedActor(actor)
        return row

    def _open(self, actor: int, sealed: bytes | None, column: Column) -> Any:
        return None if sealed is None else _decode(self._opened(actor, sealed, Table.ACTORS, column, actor))

    def _open_key(self, actor: int, sealed: bytes | None) -> str | None:
        return None if sealed is None else self._opened(actor, sealed, Table.ACTORS, Column.KEY, actor).decode()

    def _opened(self, actor: int, sealed: bytes, table: Table, column: Column, row: int) -> bytes:
        """A value of an actor. Raises ``DamagedActor``."""
        try:
            return self._sealers.of(actor).open(sealed, table, column, row)
        except WrongKey:
            raise DamagedActor(actor, row if table is Table.EVENTS else 0) from None


def _one(connection: sqlite3.Connection, query: str, *values: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(query, values).fetchone()
    return row


def _all(connection: sqlite3.Connection, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
    return iter(connection.execute(query, values))
