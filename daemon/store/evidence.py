"""What makes a change by a foreign hand visible: a chain over each actor's events, and a secret sum for each table.

Sealed values authenticate themselves; integers, and whether a row is there at all, do not. So

* each event carries a code (keyed BLAKE2b) of itself and of the code before it. An event that was changed, moved or
  dropped breaks the chain; an actor's row must name the event that its chain ends with;
* each row of each table is an *element*, a secret number that only the key gives. Of every table the store keeps how
  many rows it has, the sum of their elements, and the sum of each element times the number of its row. Of an actor,
  the end of its chain is such a row too (``heads``), so that one rolled back to an earlier state is missed. Sums follow
  each change in constant time, and commit with it, sealed: who can't see them can't look for rows that add up alike;
* if one row differs, what the two sums lack are ``e`` and ``e * number``: their quotient names the row.

The key is derived for this format of the elements, which is bound by it: another one would take another key.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec

from statekeep.daemon.store.soundness import DamagedActor

KEY_USE = b"evidence 1"
"""What the key is derived for; the number is that of the format."""

MODULUS = 2**255 - 19
"""A prime, so that every difference of two elements has an inverse."""

CODE = 16
"""Bytes of an event's code, and of a sealed value's tag, which stands for the value: its last, here and in SQL."""

CACHED_HEADS = 100_000
"""Ends of chains that are kept; about 25 MB."""

_ELEMENT = 32

_KEYED = "{} WHERE {} IN (SELECT value FROM json_each(?))"

_encode = msgspec.msgpack.Encoder().encode


Totals: TypeAlias = dict[str, tuple[int, bytes, bytes]]
"""By table: how many rows, the sum of their elements, and the weighted sum."""


class Rows(NamedTuple):
    """How the rows of a table, or of a view of one, are read."""

    select: str
    key: tuple[str, ...]
    """The columns that number a row: the first that are selected."""


TABLES: dict[str, Rows] = {
    "names": Rows("SELECT * FROM names", ("id",)),
    "versions": Rows("SELECT * FROM versions", ("id",)),
    "routes": Rows("SELECT * FROM routes", ("child",)),
    "deployments": Rows("SELECT * FROM deployments", ("position",)),
    "configurations": Rows("SELECT * FROM configurations", ("version", "number")),
    "histories": Rows("SELECT * FROM histories", ("id",)),
    "cohorts": Rows("SELECT * FROM cohorts", ("id",)),
    "decisions": Rows("SELECT * FROM decisions", ("route", "cohort", "position")),
    # The data key and the key are left out: sealed for this actor, they have never been anything else. A context has.
    "actors": Rows("SELECT id, spawned_on, key_hash, substr(context, -16) FROM actors", ("id",)),
}
"""Tables whose rows are elements as they are selected here, ``SELECT *`` as they are inserted."""

HEADS = "heads"
"""The ends of the actors' chains, as if they were a table."""

HEAD = """
    SELECT a.id, a.cohort, a.last, e.previous, e.time, substr(e.payload, -16), e.code, p.code,
        a.spawned_on, a.key, a.context
    FROM actors a LEFT JOIN events e ON e.position = a.last AND e.actor = a.id AND e.cohort = a.cohort
    LEFT JOIN events p ON p.position = e.previous
"""
"""Where an actor stands by its own row, with the rest of its last event, whose code it must have; and what else the
row has to be read for."""


class Follower(Protocol):
    """Who adds up the tables anew while they change."""

    def follow(self, table: str, number: int, element: int, rows: int) -> None:
        """``element`` was added to a table, or its negative, and so many rows."""


class Total:
    """The rows of a table: how many, the sum of their elements, and of each element times its row's number."""

    __slots__ = ("_dumped", "rows", "sum", "weighted")

    def __init__(self, rows: int = 0, total: int = 0, weighted: int = 0) -> None:
        self.rows = rows
        self.sum = total
        self.weighted = weighted
        self._dumped: tuple[int, bytes, bytes] | None = None

    def add(self, number: int, element: int, rows: int) -> None:
        """Add an element, or with ``rows`` 0 the difference of two."""
        self.rows += rows
        self.sum += element
        self.weighted += number * element
        self._dumped = None

    def dump(self) -> tuple[int, bytes, bytes]:
        """What ``Evidence.restore`` makes it of. Most tables don't change with most commits."""
        if self._dumped is None:
            self.sum %= MODULUS
            self.weighted %= MODULUS
            self._dumped = self.rows, self.sum.to_bytes(_ELEMENT), self.weighted.to_bytes(_ELEMENT)
        return self._dumped


class Evidence:
    """The totals of a store as it is in memory, and the ends of the chains of the actors in use."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection = connection
        self._hash = blake2b(key=key, digest_size=CODE + _ELEMENT)
        self._heads: dict[int, tuple[bytes, int]] = {}
        """Actor -> code and element of its last event."""
        self.totals = {table: Total() for table in (*TABLES, HEADS)}
        self.follower: Follower | None = None

    def digest(self, columns: Sequence[object]) -> tuple[bytes, int]:
        """The code and the element of some values."""
        keyed = self._hash.copy()
        keyed.update(_encode(columns))
        digest = keyed.digest()
        return digest[:CODE], int.from_bytes(digest[CODE:])

    def element(self, table: str, row: Sequence[object]) -> int:
        """What a row of ``table`` adds to its total."""
        return self.digest((table, *row))[1]

    def extend(self, actor: int, previous: int, place: tuple[int, int, int], payload: bytes | None) -> bytes:
        """The code of an actor's next event, from now on the end of its chain.

        ``place`` is its cohort, its position and its time; with ``previous`` 0 it is the spawn.
        """
        cohort, position, time = place
        before, taken = self._heads.get(actor) or self.prove(actor, previous)
        sealed = payload if payload is None else payload[-CODE:]
        code, element = self._heads[actor] = self.digest((before, actor, cohort, position, previous, time, sealed))
        self._count(HEADS, actor, element - taken, 0 if previous else 1)
        return code

    def prove(self, actor: int, last: int) -> tuple[bytes, int]:
        """The code and the element of the last event of an actor, at position ``last``; nothing for 0.

        Raises ``DamagedActor`` unless it is as it was written: to be asked for before anything follows from it.
        """
        if not last:
            return b"", 0
        head = self._heads.get(actor)
        if head is None:
            row = self._connection.execute(HEAD + "WHERE a.id = ?", (actor,)).fetchone()
            if row is None or row[2] != last:
                raise DamagedActor(actor)
            head = self._heads[actor] = self.head(row)
        return head

    def read_head(self, actor: int) -> tuple[Any, ...]:
        """The row of ``HEAD`` of an actor. Raises ``DamagedActor`` unless it is as it was written."""
        row: tuple[Any, ...] | None = self._connection.execute(HEAD + "WHERE a.id = ?", (actor,)).fetchone()
        if row is None:
            raise DamagedActor(actor)
        self.head(row)
        return row

    def head(self, row: Sequence[Any]) -> tuple[bytes, int]:
        """The code and the element of a row of ``HEAD``. Raises ``DamagedActor`` unless the event has that code."""
        actor, cohort, last, previous, time, payload, code, before = row[:8]
        found = self.digest((before or b"", actor, cohort, last, previous, time, payload))
        if found[0] != code:
            raise DamagedActor(actor, last)
        return found

    def add(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Count rows that came to a table."""
        for row in rows:
            self._count(table, number_of(table, row), self.element(table, row), 1)

    def take(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Count rows as gone from a table."""
        for row in rows:
            self._count(table, number_of(table, row), -self.element(table, row), -1)

    @contextmanager
    def changing(self, table: str, keys: Iterable[int]) -> Iterator[None]:
        """Count what the block does to the rows of ``table`` with these keys: changes and deletions alike."""
        wanted = _encode_json(keys)
        self.take(table, self._rows(table, wanted))
        yield
        self.add(table, self._rows(table, wanted))

    def forget(self, actor: int, last: int) -> None:
        """Count the chain of an actor that is being erased as gone. Raises ``DamagedActor``."""
        element = self.prove(actor, last)[1]
        del self._heads[actor]
        self._count(HEADS, actor, -element, -1)

    def trim(self) -> None:
        """Keep no more ends of chains than ``CACHED_HEADS``: only after all events have reached the disk."""
        if len(self._heads) > CACHED_HEADS:
            self._heads.clear()

    def dump(self) -> Totals:
        """The totals, for ``restore``."""
        return {table: total.dump() for table, total in self.totals.items()}

    def restore(self, totals: Totals) -> None:
        """Take over totals, and forget whatever came since."""
        self._heads.clear()
        self.follower = None
        for table in self.totals:
            rows, summed, weighted = totals.get(table, (0, b"", b""))
            self.totals[table] = Total(rows, int.from_bytes(summed), int.from_bytes(weighted))

    def _rows(self, table: str, keys: str) -> list[tuple[Any, ...]]:
        select, (key,) = TABLES[table]
        return self._connection.execute(_KEYED.format(select, key), (keys,)).fetchall()

    def _count(self, table: str, number: int, element: int, rows: int) -> None:
        self.totals[table].add(number, element, rows)
        if self.follower is not None:
            self.follower.follow(table, number, element, rows)


def tag(sealed: bytes | None) -> bytes | None:
    """What stands for a sealed value: nobody without its key can make another one for the same place."""
    return sealed if sealed is None else sealed[-CODE:]


def number_of(table: str, row: Sequence[Any]) -> int:
    """A number for a row, in the order of the table; 0 if what should number it is no integer."""
    number = 0
    for part in row[: len(TABLES[table].key)]:
        if type(part) is not int:
            return 0
        number = number << 64 | part
    return number


def _encode_json(keys: Iterable[int]) -> str:
    return msgspec.json.encode(list(keys)).decode()
