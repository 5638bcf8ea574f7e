"""What is to be written: collected row by row, sealed, and given to SQLite together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from statekeep.daemon.store import erasure, evidence
from statekeep.daemon.store.evidence import Evidence
from statekeep.daemon.store.keys import KeyRing, Sealer
from statekeep.daemon.store.rows import (
    PATCHED,
    ActorRow,
    BackupRow,
    CohortRow,
    DecisionRow,
    DeploymentRow,
    EventRow,
    Patched,
    RepeatRow,
    RouteRow,
    TombstoneRow,
    VersionRow,
)
from statekeep.daemon.store.schema import Column, Table
from statekeep.daemon.store.sealers import Sealers

_encode = msgspec.msgpack.Encoder().encode

_FORGOTTEN = "scope = ? AND number <= ?"

_STATEMENTS = {
    "names": "INSERT INTO names VALUES (?, ?)",
    "versions": "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "routes": "INSERT INTO routes VALUES (?, ?, ?, ?)",
    "closings": "UPDATE routes SET closed = ? WHERE child = ?",
    "deployments": "INSERT INTO deployments VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "ends": "UPDATE deployments SET done = 1 WHERE position = ?",
    "configurations": "INSERT INTO configurations VALUES (?, ?, ?, ?)",
    "histories": "INSERT INTO histories VALUES (?, ?, ?)",
    "cohorts": "INSERT INTO cohorts VALUES (?, ?, ?, ?, ?, ?)",
    "moves": """
        UPDATE cohorts SET version = ?, configuration = ?, waiting = ?, rescued = ?
        WHERE id IN (SELECT value FROM json_each(?))
    """,
    "actors": "INSERT INTO actors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "contexts": "UPDATE actors SET context = ? WHERE id = ?",
    "events": "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
    "decisions": "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)",
    "judged": "INSERT INTO decisions SELECT ?, value, ?, ?, ?, ?, ? FROM json_each(?)",
    "repeats": "INSERT INTO repeats VALUES (?, ?, ?, ?)",
    "backups": "INSERT OR REPLACE INTO backups VALUES (?, ?, ?, ?, ?)",
    "forgotten": f"DELETE FROM repeats WHERE {_FORGOTTEN}",  # noqa: S608 - text from above
}
"""In the order in which rows refer to each other."""

_COUNTED = evidence.TABLES.keys() - {"actors"}
"""Tables whose rows the evidence counts as they are inserted; it hears of actors and events when they are added."""

_CHANGES = {"closings": ("routes", 1), "ends": ("deployments", 0), "contexts": ("actors", 1), "backups": ("backups", 0)}
"""What changes rows of which table, and where its values hold the row's number."""

_MOVE_ACTOR = "UPDATE actors SET cohort = ?, last = ?, code = ? WHERE id = ?"


class Writes:
    """Rows on their way to an open store. Whoever reads it has them flushed first; ``Store.commit`` makes them last."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        ring: KeyRing,
        names: Sealer,
        evidence: Evidence,
        erasures: erasure.Erasures,
    ) -> None:
        """``names`` seals what is not any actor's."""
        self._connection = connection
        self._ring = ring
        self._names = names
        self._evidence = evidence
        self._erasures = erasures
        self.sealers = Sealers(connection, ring, self.flush)
        self._pending: dict[str, list[Sequence[Any]]] = {kind: [] for kind in _STATEMENTS}
        self._heads: dict[int, tuple[int, int, bytes]] = {}

    @property
    def collected(self) -> bool:
        """Whether anything has not reached SQLite."""
        return any(self._pending.values())

    def begin(self) -> None:
        """Let a transaction be under way."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def flush(self) -> None:
        """Let SQLite have all that was collected, in the transaction under way or a new one."""
        execute = self._connection.executemany
        for kind, rows in self._pending.items():
            if rows:
                self.begin()
                if kind == "forgotten":
                    self._forget_repeats(rows)
                elif kind in _CHANGES:
                    table, number = _CHANGES[kind]
                    with self._evidence.changing(table, {row[number] for row in rows}):
                        execute(_STATEMENTS[kind], rows)
                else:
                    if kind == "actors":
                        # Their spawns, which their codes are of, came after them.
                        rows[:] = [(*row, self._evidence.heads.code(row[0])) for row in rows]
                    execute(_STATEMENTS[kind], rows)
                    if kind in _COUNTED:
                        self._evidence.add(kind, rows)
                rows.clear()
        if self._heads:
            self.begin()
            execute(_MOVE_ACTOR, [(cohort, last, code, actor) for actor, (cohort, last, code) in self._heads.items()])
            self._heads.clear()

    def discard(self) -> None:
        """Forget what was collected, and take back what SQLite has of it."""
        for rows in self._pending.values():
            rows.clear()
        self._heads.clear()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._erasures.taken_back()

    def _forget_repeats(self, rows: Sequence[Sequence[Any]]) -> None:
        for values in rows:
            self._evidence.leaving("repeats", _FORGOTTEN, values)
            self._connection.execute(_STATEMENTS["forgotten"], values)

    def add_name(self, number: int, name: str) -> None:
        self._pending["names"].append((number, self._names.seal(name.encode(), Table.NAMES, Column.NAME, number)))

    def add_version(self, row: VersionRow) -> None:
        seal = self._names.seal
        name = seal(row.name.encode(), Table.VERSIONS, Column.NAME, row.id)
        # JSON, not MessagePack: a definition's text is kept as JSON would give it, in the order of its keys.
        definition = seal(msgspec.json.encode(row.definition), Table.VERSIONS, Column.DEFINITION, row.id)
        state_map = None
        if row.state_map is not None:
            state_map = seal(_encode(row.state_map), Table.VERSIONS, Column.STATE_MAP, row.id)
        plain = (row.semantics, row.guards, row.landing, row.position, row.time)
        self._pending["versions"].append((row.id, name, definition, *plain, state_map))

    def add_route(self, row: RouteRow) -> None:
        self._pending["routes"].append((row.child, row.parent, _encode(row.path), row.closed))

    def close_route(self, child: int, position: int) -> None:
        self._pending["closings"].append((position, child))

    def add_deployment(self, row: DeploymentRow) -> None:
        self._pending["deployments"].append((*row[:-1], _encode(row.counts)))

    def end_deployment(self, position: int) -> None:
        """Record that every cohort has been judged."""
        self._pending["ends"].append((position,))

    def add_configuration(self, version: int, number: int, configuration: object, *, finished: bool) -> None:
        """``configuration`` as the chart of the version dumps it."""
        place = (Table.CONFIGURATIONS, Column.CONFIGURATION, version << 32 | number)
        sealed = self._names.seal(_encode(configuration), *place)
        self._pending["configurations"].append((version, number, sealed, int(finished)))

    def add_history(self, node: int, parent: int, symbol: int) -> None:
        self._pending["histories"].append((node, parent, symbol))

    def add_cohort(self, row: CohortRow) -> None:
        self._pending["cohorts"].append(row)

    def judge_cohorts(
        self, cohorts: Sequence[int], made: Sequence[DecisionRow], before: CohortRow, after: CohortRow
    ) -> None:
        """Record the same decisions about many cohorts, and that they stand elsewhere.

        The rows are of any one of them: the others agree in all but their number, and the history, which they keep.
        """
        self._evidence.judge(cohorts, made, before, after)
        numbers = msgspec.json.encode(cohorts).decode()
        for route, _, *decided in made:
            self._pending["judged"].append((route, *decided, numbers))
        if after != before:
            self._pending["moves"].append((after.version, after.configuration, after.waiting, after.rescued, numbers))

    def add_decisions(self, rows: Iterable[DecisionRow]) -> None:
        self._pending["decisions"].extend(rows)

    def add_actor(self, row: ActorRow) -> None:
        """A new actor with a data key of its own."""
        wrapped, sealer = self._ring.new_key(Table.ACTORS, Column.DATA_KEY, row.id)
        self._ring.keep(row.id, sealer)
        key_hash = key = context = None
        if row.key is not None:
            key_hash = self._ring.lookup_hash(row.key)
            key = sealer.seal(row.key.encode(), Table.ACTORS, Column.KEY, row.id)
        if row.context is not None:
            context = sealer.seal(_encode(row.context), Table.ACTORS, Column.CONTEXT, row.id)
        self._evidence.add("actors", [(row.id, row.spawned_on, key_hash, evidence.tag(context))])
        self._pending["actors"].append(
            (row.id, row.spawned_on, row.cohort, row.last, self._ring.epoch, wrapped, key_hash, key, context)
        )

    def add_event(self, actor: int, previous: int, row: EventRow) -> None:
        """An event, or with ``previous`` 0 a spawn, and with it where the actor now is."""
        payload = None
        if row.payload is not None:
            plain = _encode_patched(row.payload) if type(row.payload) is Patched else _encode(row.payload)
            payload = self.sealers.of(actor).seal(plain, Table.EVENTS, Column.PAYLOAD, row.position)
        code = self._evidence.extend(actor, previous, (row.cohort, row.position, row.time), payload)
        self._pending["events"].append((row.position, actor, previous, row.cohort, row.time, payload, code))
        if previous:
            self._heads[actor] = (row.cohort, row.position, code)

    def put_context(self, actor: int, context: object) -> None:
        """Let an actor have another context."""
        sealed = None
        if context is not None:
            sealed = self.sealers.of(actor).seal(_encode(context), Table.ACTORS, Column.CONTEXT, actor)
        self._pending["contexts"].append((sealed, actor))

    def add_repeat(self, row: RepeatRow) -> None:
        place = (Table.REPEATS, Column.ANSWER, row.scope << 32 | row.number)
        sealed = self.sealers.of(row.actor).seal(row.content + row.answer, *place)
        self._pending["repeats"].append((row.scope, row.key_hash, row.number, sealed))

    def put_backup(self, row: BackupRow) -> None:
        """Note the last backup."""
        self._pending["backups"].append((1, *row))

    def forget_repeats(self, actor: int, last: int) -> None:
        """Forget the answers of an actor up to the number ``last``."""
        self._pending["forgotten"].append((actor, last))

    def erase_actor(self, stone: TombstoneRow, events: int) -> None:
        """Delete all that is stored of an actor with so many events, its spawn included; the tombstone takes its place.

        Of an actor that is not there, the tombstone alone is stored. The erasure may be acknowledged when it is
        committed and ``erasures.finish`` has nothing against it.
        """
        self.flush()
        self.begin()
        self._ring.forget(stone.actor)
        self._erasures.begin(stone)
        erasure.delete(self._connection, self._evidence, stone.actor, events)
        self._connection.execute("INSERT INTO tombstones VALUES (?, ?, ?, ?)", stone)
        self._evidence.add("tombstones", [stone])


def _encode_patched(payload: Patched) -> bytes:
    """Both parts as an extension of MessagePack, which no payload of a caller can be."""
    return _encode(msgspec.msgpack.Ext(PATCHED, _encode(payload)))
