"""Adding up the tables of a store anew, in steps, while it goes on changing, to compare the totals.

What changes behind the place that the audit has come to is counted by both sides; what changes before it is met as it
then is. So at its end the two agree, or somebody else has changed a row.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

from statekeep.daemon.store.evidence import HEADS, TABLES, Evidence, numbers_of, rows_of
from statekeep.daemon.store.soundness import DamagedStore
from statekeep.daemon.store.totals import Total

log = logging.getLogger(__name__)

CATALOGUE = (
    "key_roots",
    "names",
    "versions",
    "routes",
    "deployments",
    "configurations",
    # A tombstone that was made up would have its actor erased, by the journal even in a backup that is whole.
    "tombstones",
)
"""Tables that everything hangs on, and that are small: a store in which one is not as it was is not served at all."""

_SLOTS = "key_slots"
"""The key slots are no reason not to serve: there are several so that one may be lost."""

_AT_ONCE = 10_000
"""Rows that are in memory at a time."""

_LARGEST = 2**48
"""No row has a number as large: a quotient that gives one is no row's."""


class Finding(NamedTuple):
    """A table that is not as it was written."""

    table: str
    """``actors`` also for the events that an actor ends with."""
    row: tuple[int, ...]
    """The row that was changed, deleted or added, by its key without hashes; empty if there are several."""
    rows: int
    """How many there are."""
    expected: int
    """How many there should be."""

    def __str__(self) -> str:
        if self.row:
            return f"table {self.table}, row {', '.join(map(str, self.row))} is not as it was written"
        return f"table {self.table} has {self.rows:,} rows of {self.expected:,}, several not as they were written"


class Audit:
    """One pass over some tables; all, unless they are named."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        evidence: Evidence,
        flush: Callable[[], None],
        tables: tuple[str, ...] = (*TABLES, HEADS),
    ) -> None:
        self._connection = connection
        self._evidence = evidence
        self._flush = flush
        self._order = {table: place for place, table in enumerate(tables)}
        self._at = 0
        self._cursor: tuple[Any, ...] = ()
        """The key of the last row that was added up, of the table that the audit has come to."""
        self._number = -1
        self.totals = {table: Total() for table in tables}
        evidence.follower = self

    @property
    def done(self) -> bool:
        return self._at == len(self._order)

    def step(self, limit: int) -> None:
        """Add up the next rows, at most about ``limit``."""
        self._flush()
        tables = list(self._order)
        while limit > 0 and not self.done:
            limit -= self._go_on(tables[self._at], limit)

    def run(self) -> None:
        """Add up everything, at one go."""
        while not self.done:
            self.step(_AT_ONCE)

    def findings(self) -> list[Finding]:
        """What differs; known when the audit is ``done``."""
        found: list[Finding] = []
        for table, total in self.totals.items():
            finding = _compare(table, total, self._evidence.totals[table])
            # An actor that was deleted is missed twice.
            if finding is not None and finding not in found:
                found.append(finding)
        return found

    def follow(self, table: str, number: int, element: int, rows: int) -> None:
        """Count a change of a row that has been passed."""
        place = self._order.get(table, len(self._order))
        if place < self._at or (place == self._at and number <= self._number):
            self.totals[table].add(number, element, rows)

    def _go_on(self, table: str, limit: int) -> int:
        """Add up the next rows of one table; how many there were, at least 1."""
        rows = self._rows(table, limit)
        numbers = numbers_of(table, rows)
        self.totals[table].extend(numbers, self._evidence.elements(table, rows))
        if len(rows) < limit:
            self._at, self._cursor, self._number = self._at + 1, (), -1
        else:
            self._cursor, self._number = rows[-1][: len(rows_of(table).key)], numbers[-1]
        return max(len(rows), 1)

    def _rows(self, table: str, limit: int) -> list[tuple[Any, ...]]:
        select, key = rows_of(table)
        columns, marks = ", ".join(key), ", ".join("?" * len(self._cursor))
        behind = f"WHERE ({columns}) > ({marks})" if self._cursor else ""
        query = f"{select} {behind} ORDER BY {columns} LIMIT ?"
        return self._connection.execute(query, (*self._cursor, limit)).fetchall()


def check_catalogue(connection: sqlite3.Connection, evidence: Evidence) -> None:
    """Raise ``DamagedStore`` unless the tables of ``CATALOGUE`` are as they were written; the log says it of slots."""
    audit = Audit(connection, evidence, lambda: None, (*CATALOGUE, _SLOTS))
    evidence.follower = None
    audit.run()
    for finding in audit.findings():
        if finding.table == _SLOTS:
            log.error("key slots were changed on the disk: %s; `key rewrap` makes them anew", finding)
            continue
        raise DamagedStore(f"the store is damaged: {finding}; put back a copy of the store")


def recount(connection: sqlite3.Connection, evidence: Evidence) -> None:
    """Let the evidence be that of the rows as they are now: after a migration has changed their form."""
    audit = Audit(connection, evidence, lambda: None)
    audit.run()
    evidence.follower = None
    evidence.totals.update(audit.totals)


def _compare(table: str, found: Total, expected: Total) -> Finding | None:
    if found == expected:
        return None
    row = _row(table, found.odd_one(expected))
    return Finding("actors" if table == HEADS else table, row, found.rows, expected.rows)


def _row(table: str, number: int) -> tuple[int, ...]:
    """The key of a row from its number; empty if it is none."""
    width = len(rows_of(table).key)
    parts = zip(rows_of(table).key, (number >> 64 * place & 2**64 - 1 for place in reversed(range(width))), strict=True)
    key = tuple(part for column, part in parts if column != "key_hash")
    return key if number < 2 ** (64 * width) and all(part < _LARGEST for part in key) else ()
