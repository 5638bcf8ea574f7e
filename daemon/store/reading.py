"""What is read from the store. Everything comes opened, and what does not authenticate is not given.

Of an actor that is ``DamagedActor``; of the catalogue ``DamagedStore`` when it is checked, and ``WrongKey`` after that.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from statekeep.daemon.store.audit import check_catalogue
from statekeep.daemon.store.evidence import EVENT, Evidence
from statekeep.daemon.store.keys import KeyRing, Sealer, WrongKey
from statekeep.daemon.store.rows import (
    ActorRow,
    BackupRow,
    Damage,
    DecisionRow,
    DeploymentRow,
    EventRow,
    Happening,
    Patched,
    RepeatRow,
    RouteRow,
    TombstoneRow,
    VersionRow,
)
from statekeep.daemon.store.schema import Column, Table
from statekeep.daemon.store.soundness import DamagedActor, check

PATCHED = 1
"""The extension of MessagePack that holds the payload of an event together with a patch of the context."""

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


_TRAIL = """
    WITH RECURSIVE trail (actor, cohort, position, previous, time, payload, code) AS (
        SELECT actor, cohort, position, previous, time, substr(payload, -16), code FROM events WHERE position = ?
        UNION ALL
        SELECT e.actor, e.cohort, e.position, e.previous, e.time, substr(e.payload, -16), e.code FROM events e
        JOIN trail ON e.position = trail.previous AND e.position < trail.position
    )
    SELECT * FROM trail ORDER BY position
"""
"""What the codes of an actor's events authenticate, and the codes."""


class Catalogue:
    """What the engine reads once, when it starts, and keeps in memory."""

    def __init__(self, connection: sqlite3.Connection, sealer: Sealer, evidence: Evidence) -> None:
        self._connection = connection
        self._sealer = sealer
        self._evidence = evidence

    def check(self) -> None:
        """Raise ``DamagedStore`` unless all that is read here can be relied on to lead somewhere.

        Versions, routes, and what belongs to them are also what was written. For the rest there is ``Store.audit``.
        """
        check(self._connection)
        check_catalogue(self._connection, self._evidence)

    def last_position(self) -> int:
        """The position of the last thing that happened; 0 in a new store."""
        tables = ("events", "versions", "deployments", "tombstones")
        query = "SELECT ifnull(max(position), 0) FROM "
        return max(int(_one(self._connection, query + name)[0]) for name in tables)

    def last_actor(self) -> int:
        """The highest id that an actor ever had, here or, erased since, in the store that this was a backup of."""
        spawned = _one(self._connection, "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'actors'), 0)")
        erased = _one(self._connection, "SELECT ifnull(max(actor), 0) FROM tombstones")
        # If an actor that is missed was the last, its id is not to be given again either.
        return max(int(spawned[0]), int(erased[0]), *self._evidence.damaged)

    def tombstones(self) -> Iterator[TombstoneRow]:
        """All erased actors, in order of id."""
        query = "SELECT actor, position, time, spawned_on FROM tombstones ORDER BY actor"
        return map(TombstoneRow._make, _all(self._connection, query))

    def names(self) -> Iterator[str]:
        """Event types, in order of number."""
        for number, sealed in _all(self._connection, "SELECT id, name FROM names ORDER BY id"):
            yield self._sealer.open(sealed, Table.NAMES, Column.NAME, number).decode()

    def versions(self) -> Iterator[VersionRow]:
        """All versions in deploy order, without their definitions."""
        query = "SELECT id, name, state_map, semantics, guards, landing, position, time FROM versions ORDER BY id"
        for number, name, sealed, *plain in _all(self._connection, query):
            opened = self._sealer.open(name, Table.VERSIONS, Column.NAME, number).decode()
            row = VersionRow(number, opened, {}, *plain)
            if sealed is not None:
                state_map = _decode(self._sealer.open(sealed, Table.VERSIONS, Column.STATE_MAP, number))
                row = row._replace(state_map=state_map)
            yield row

    def definition(self, version: int) -> dict[str, Any]:
        sealed = _one(self._connection, "SELECT definition FROM versions WHERE id = ?", version)[0]
        opened = self._sealer.open(sealed, Table.VERSIONS, Column.DEFINITION, version)
        definition: dict[str, Any] = msgspec.json.decode(opened)
        return definition

    def routes(self) -> Iterator[RouteRow]:
        for child, parent, path, closed in _all(
            self._connection, "SELECT child, parent, path, closed FROM routes ORDER BY child"
        ):
            yield RouteRow(child, parent, _decode(path), closed)

    def deployments(self) -> Iterator[DeploymentRow]:
        """All changes of routes, in order."""
        for *plain, counts in _all(self._connection, "SELECT * FROM deployments ORDER BY position"):
            yield DeploymentRow._make([*plain, _decode(counts)])

    def configurations(self, version: int) -> Iterator[Any]:
        """The configurations of a version in order of number, as its chart dumped them."""
        query = "SELECT number, configuration FROM configurations WHERE version = ? ORDER BY number"
        for number, sealed in _all(self._connection, query, version):
            place = (Table.CONFIGURATIONS, Column.CONFIGURATION, version << 32 | number)
            yield _decode(self._sealer.open(sealed, *place))

    def finished_configurations(self) -> set[tuple[int, int]]:
        """(version, number) of every configuration that takes no more events."""
        return set(_all(self._connection, "SELECT version, number FROM configurations WHERE finished"))

    def histories(self) -> Iterator[tuple[int, int]]:
        """(parent, symbol) of every node of the trie but the root, in order of number."""
        return _all(self._connection, "SELECT parent, symbol FROM histories ORDER BY id")

    def cohorts(self) -> Iterator[tuple[int, int, int, int, int]]:
        return _all(
            self._connection, "SELECT version, history, configuration, waiting, rescued FROM cohorts ORDER BY id"
        )

    def heads(self) -> tuple[array[int], array[int]]:
        """Each actor's cohort, and the position of its last event, by id; 0 where there is no actor."""
        return self._evidence.heads.columns()


class Records:
    """What stays on the disk until somebody asks. Sees all that was written before, committed or not."""

    def __init__(
        self, connection: sqlite3.Connection, ring: KeyRing, flush: Callable[[], None], evidence: Evidence
    ) -> None:
        self._connection = connection
        self._ring = ring
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
        broken = next(self._breaks(last), None)
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
        return [EventRow(row[2], row[1], row[4], None) for row in _all(self._connection, _TRAIL, last)]

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

    def _breaks(self, last: int) -> Iterator[int]:
        """Positions of events that are not as they were written, or don't follow the one that they did."""
        before = b""
        for *columns, code in _all(self._connection, _TRAIL, last):
            if self._evidence.code(before, columns) != code:
                yield columns[2]
            before = code

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

    def sealer(self, actor: int) -> Sealer:
        """What seals and opens the values of an actor. Raises ``DamagedActor``."""
        sealer = self._ring.kept(actor)
        if sealer is None:
            self._flush()
            (wrapped,) = self._row(actor, "SELECT data_key FROM actors WHERE id = ?")
            try:
                sealer = self._ring.unwrap(wrapped, Table.ACTORS, Column.DATA_KEY, actor)
            except WrongKey:
                raise DamagedActor(actor) from None
            self._ring.keep(actor, sealer)
        return sealer

    def damage(self, actor: int, positions: Iterable[int]) -> Iterator[Damage]:
        """What is not as it was written of an actor and of its events at ``positions``. Reads it all from the disk."""
        self._flush()
        wrapped, key, context = _one(self._connection, "SELECT data_key, key, context FROM actors WHERE id = ?", actor)
        query = "SELECT position, actor, payload FROM events WHERE position IN (SELECT value FROM json_each(?))"
        events = list(_all(self._connection, query, msgspec.json.encode(list(positions)).decode()))
        yield from (Damage("owner", position) for position, owner, _ in events if owner != actor)
        yield from (Damage("seal", position) for position in self._breaks(max((row[0] for row in events), default=0)))
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
        for scope, number, answer in _all(self._connection, query, actor):
            if not _opens(sealer, answer, Table.REPEATS, Column.ANSWER, scope << 32 | number):
                yield Damage("answer", 0)

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
            return self.sealer(actor).open(sealed, table, column, row)
        except WrongKey:
            raise DamagedActor(actor, row if table is Table.EVENTS else 0) from None


def _opens(sealer: Sealer, sealed: bytes | None, table: Table, column: Column, row: int) -> bool:
    """Whether a value is absent or authentic."""
    try:
        return sealed is None or sealer.open(sealed, table, column, row) is not None
    except WrongKey:
        return False


def _one(connection: sqlite3.Connection, query: str, *values: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(query, values).fetchone()
    return row


def _all(connection: sqlite3.Connection, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
    return iter(connection.execute(query, values))
