"""What is read from the store once, at the start.

What does not authenticate is ``DamagedStore`` when all of it is checked, and ``WrongKey`` after that.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from statekeep.daemon.store.audit import check_catalogue
from statekeep.daemon.store.evidence import Evidence
from statekeep.daemon.store.keys import Sealer
from statekeep.daemon.store.rows import DeploymentRow, RouteRow, TombstoneRow, VersionRow
from statekeep.daemon.store.schema import Column, Table
from statekeep.daemon.store.soundness import check

_decode = msgspec.msgpack.Decoder().decode
_integers = msgspec.json.Decoder(list[int]).decode

_TOGETHER = 10_000
"""Rows that are read as one: a page of theirs in memory is 500 KB."""


class Catalogue:
    """What the engine reads once, when it starts, and keeps in memory."""

    def __init__(self, connection: sqlite3.Connection, sealer: Sealer, evidence: Evidence) -> None:
        self._connection = connection
        self._sealer = sealer
        self._evidence = evidence

    def check(self, unread: Collection[str] = ()) -> None:
        """Raise ``DamagedStore`` unless all that is read here can be relied on to lead somewhere.

        Versions, routes, and what belongs to them are also what was written. For the rest there is ``Store.audit``; and
        for the tables ``unread``, of which memory has had the columns kept (see ``store.columns``).
        """
        check(self._connection, unread)
        check_catalogue(self._connection, self._evidence)

    def last_position(self) -> int:
        """The position of the last thing that happened; 0 in a new store."""
        tables = ("events", "versions", "deployments", "tombstones")
        query = "SELECT ifnull(max(position), 0) FROM "
        return max(int(self._one(query + name)) for name in tables)

    def last_actor(self) -> int:
        """The highest id that an actor ever had, here or, erased since, in the store that this was a backup of."""
        spawned = self._one("SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'actors'), 0)")
        erased = self._one("SELECT ifnull(max(actor), 0) FROM tombstones")
        # If an actor that is missed was the last, its id is not to be given again either.
        return max(int(spawned), int(erased), *self._evidence.damaged)

    def tombstones(self) -> Iterator[TombstoneRow]:
        """All erased actors, in order of id."""
        query = "SELECT actor, position, time, spawned_on FROM tombstones ORDER BY actor"
        return map(TombstoneRow._make, self._connection.execute(query))

    def names(self) -> Iterator[str]:
        """Event types, in order of number."""
        for number, sealed in self._connection.execute("SELECT id, name FROM names ORDER BY id"):
            yield self._sealer.open(sealed, Table.NAMES, Column.NAME, number).decode()

    def versions(self) -> Iterator[VersionRow]:
        """All versions in deploy order, without their definitions."""
        query = "SELECT id, name, state_map, semantics, guards, landing, position, time FROM versions ORDER BY id"
        for number, name, sealed, *plain in self._connection.execute(query):
            opened = self._sealer.open(name, Table.VERSIONS, Column.NAME, number).decode()
            row = VersionRow(number, opened, {}, *plain)
            if sealed is not None:
                state_map = _decode(self._sealer.open(sealed, Table.VERSIONS, Column.STATE_MAP, number))
                row = row._replace(state_map=state_map)
            yield row

    def definition(self, version: int) -> dict[str, Any]:
        sealed = self._one("SELECT definition FROM versions WHERE id = ?", version)
        opened = self._sealer.open(sealed, Table.VERSIONS, Column.DEFINITION, version)
        definition: dict[str, Any] = msgspec.json.decode(opened)
        return definition

    def routes(self) -> Iterator[RouteRow]:
        for child, parent, path, closed in self._connection.execute(
            "SELECT child, parent, path, closed FROM routes ORDER BY child"
        ):
            yield RouteRow(child, parent, _decode(path), closed)

    def deployments(self) -> Iterator[DeploymentRow]:
        """All changes of routes, in order."""
        for *plain, counts in self._connection.execute("SELECT * FROM deployments ORDER BY position"):
            yield DeploymentRow._make([*plain, _decode(counts)])

    def configurations(self, version: int) -> Iterator[Any]:
        """The configurations of a version in order of number, as its chart dumped them."""
        query = "SELECT number, configuration FROM configurations WHERE version = ? ORDER BY number"
        for number, sealed in self._connection.execute(query, (version,)):
            place = (Table.CONFIGURATIONS, Column.CONFIGURATION, version << 32 | number)
            yield _decode(self._sealer.open(sealed, *place))

    def finished_configurations(self) -> set[tuple[int, int]]:
        """(version, number) of every configuration that takes no more events."""
        return set(self._connection.execute("SELECT version, number FROM configurations WHERE finished"))

    def histories(self) -> tuple[array[int], array[int]]:
        """Parent and symbol of every node of the trie but the root, in order of number."""
        parent, symbol = self._columns("histories", "parent", "symbol")
        return parent, symbol

    def cohorts(self) -> list[array[int]]:
        """Version, history, configuration, waiting and rescued of every cohort, each in order of number."""
        return self._columns("cohorts", "version", "history", "configuration", "waiting", "rescued")

    def heads(self) -> tuple[array[int], array[int]]:
        """Each actor's cohort, and the position of its last event, by id; 0 where there is no actor."""
        return self._evidence.heads.columns()

    def _columns(self, table: str, *names: str) -> list[array[int]]:
        """Columns of integers of a table that is numbered from 1 without a gap."""
        columns = [array("I") for _ in names]
        # As texts of many numbers each: a row of its own costs twice as much.
        texts, numbered = ", ".join(map("json_group_array({})".format, names)), "WHERE id BETWEEN ? AND ? ORDER BY id"
        query = f"SELECT {texts} FROM (SELECT {', '.join(names)} FROM {table} {numbered})"  # noqa: S608 - names from above
        for first in range(1, self._one(f"SELECT ifnull(max(id), 0) FROM {table}") + 1, _TOGETHER):  # noqa: S608
            read = self._connection.execute(query, (first, first + _TOGETHER - 1)).fetchone()
            for column, numbers in zip(columns, read, strict=True):
                column.extend(_integers(numbers))
        return columns

    def _one(self, query: str, *values: object) -> Any:
        """The only value of the only row."""
        return self._connection.execute(query, values).fetchone()[0]
