"""What makes a change by a foreign hand visible: a chain over each actor's events, and a secret sum for each table.

Sealed values authenticate themselves; integers, and whether a row is there at all, do not. So

* each event carries a code (keyed BLAKE2b) of itself and of the code before it. An event that was changed, moved or
  dropped breaks the chain. The actor's row has the code that its chain ends with;
* every table has a total (``store.totals``) of its rows, and so do the ends of the chains (``store.heads``): a row that
  is gone, was added, or is an older one, is missed. Totals follow each change in constant time, and commit with it.

Cohorts, and decisions about them, change by the thousand, and alike. The element of such a row is the weight of its
cohort times what it shares with others: of a cohort where it stands, as one number, of a decision a digest of it.

Totals of actors' heads and of the catalogue are compared at the start, all others by an audit (``store.audit``). The
wrapped data keys are left out, which a rotation changes: each opens for its own actor or not at all. The
keys are derived for this format of elements, which is bound by them: another format would take other keys.
"""

from __future__ import annotations

import logging
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import reduce
from hashlib import blake2b
from operator import mul
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec

from statekeep.daemon.store import heads
from statekeep.daemon.store.heads import LARGEST, Heads
from statekeep.daemon.store.soundness import DamagedActor
from statekeep.daemon.store.totals import SIZE, Dump, Total
from statekeep.daemon.store.weights import Weights

log = logging.getLogger(__name__)

KEY_USE = b"evidence 2"
"""What the key is derived for; the number is that of the format."""

CODE = 16
"""Bytes of an event's code, and of a sealed value's tag, which stands for the value: its last, here and in SQL."""

_KEYED = "{} WHERE {} IN (SELECT value FROM json_each(?))"

_encode = msgspec.msgpack.Encoder().encode


Totals: TypeAlias = dict[str, Dump]
"""By table."""


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
    "tombstones": Rows("SELECT * FROM tombstones", ("actor",)),
    "repeats": Rows("SELECT * FROM repeats", ("scope", "key_hash")),
    "backups": Rows("SELECT * FROM backups", ("id",)),
    "key_slots": Rows("SELECT * FROM key_slots", ("id",)),
    "key_roots": Rows("SELECT * FROM key_roots", ("id",)),
}
"""Tables whose rows are elements as they are selected here, ``SELECT *`` as they are inserted."""

HEADS = "heads"
"""The ends of the actors' chains, which have a total like a table."""

_HEADS = Rows(heads.QUERY, ("id",))

EVENT = "e.actor, e.cohort, e.position, e.previous, e.time, substr(e.payload, -16)"
"""What the code of an event is made of."""

_LAST = """
    FROM actors a LEFT JOIN events e ON e.position = a.last AND e.actor = a.id AND e.cohort = a.cohort
    LEFT JOIN events p ON p.position = e.previous
"""


_STANDING = struct.Struct(">5I")


class _Alike(NamedTuple):
    """Cohorts that something happens to at once."""

    cohorts: Sequence[int]
    weights: Sequence[int]
    sum: int
    """Of the weights."""
    weighted: int
    """The sum of each weight times its cohort."""


class Follower(Protocol):
    """Who adds up the tables anew while they change."""

    def follow(self, table: str, number: int, element: int, rows: int) -> None:
        """``element`` was added to a table, or its negative, and so many rows."""


class Evidence:
    """The totals of a store, and the ends of the chains of its actors."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection = connection
        self._hash = blake2b(key=key, digest_size=CODE + SIZE)
        self._heads = Heads(blake2b(b"heads", key=key, digest_size=32).digest())
        self._weigh = Weights(blake2b(b"cohorts", key=key, digest_size=32).digest()).of
        self.damaged: set[int] = set()
        """Actors whose head was not, at the start, what it should be."""
        self.whole = True
        """Whether all heads were."""
        self.totals = {table: Total() for table in (*TABLES, HEADS)}
        self.follower: Follower | None = None

    def load(self, totals: Totals) -> None:
        """Take over the totals of the last commit, and the heads from the disk, which are compared with theirs."""
        self.follower = None
        for table in self.totals:
            self.totals[table] = Total(totals.get(table, (0, b"", b"")))
        self.damaged.clear()
        found = self._heads.load(self._connection)
        self.whole = found == self.totals[HEADS]
        if self.whole:
            return
        odd_one = found.odd_one(self.totals[HEADS])
        # Of several only those can be told that don't even agree with their last event.
        self.damaged |= {odd_one} if odd_one < LARGEST else set(self._astray())
        who = ", ".join(map(str, sorted(self.damaged)[:20])) or "which ones, the rows don't tell"
        log.error("actors were changed, deleted or set back on the disk: %s; `verify` the store", who)

    @property
    def heads(self) -> Heads:
        """Where the actors stand."""
        return self._heads

    def digest(self, columns: Sequence[object]) -> bytes:
        """The code and the element of some values."""
        keyed = self._hash.copy()
        keyed.update(_encode(columns))
        return keyed.digest()

    def code(self, before: bytes | bytearray, event: Sequence[object]) -> bytes:
        """The code of an event, as ``EVENT`` reads it, whose actor's chain ended with ``before``."""
        return self.digest((before, *event))[:CODE]

    def elements(self, table: str, rows: Sequence[Sequence[Any]]) -> list[int]:
        """What each row of ``table`` adds to its total."""
        if table == HEADS:
            return self._heads.elements(rows) if rows else []
        if table == "cohorts":
            return list(map(mul, self._weigh([row[0] for row in rows]), map(_standing, rows)))
        if table == "decisions":
            weights, shared = self._weigh([_integer(row[1]) for row in rows]), [(row[0], *row[2:]) for row in rows]
            decided = {each: self._decision(each) for each in set(shared)}
            return list(map(mul, weights, map(decided.__getitem__, shared)))
        elements, anew, number = list[int](), self._hash.copy, int.from_bytes
        for row in rows:  # as ``digest`` does it, but for a call a row
            keyed = anew()
            keyed.update(_encode((table, *row)))
            elements.append(number(keyed.digest()[CODE:]))
        return elements

    def extend(self, actor: int, previous: int, place: tuple[int, int, int], payload: bytes | None) -> bytes:
        """The code of an actor's next event, from now on the end of its chain.

        ``place`` is its cohort, its position and its time; with ``previous`` 0 it is the spawn.
        """
        cohort, position, time = place
        before = self._heads.code(actor) if previous else b""
        sealed = payload if payload is None else payload[-CODE:]
        code = self.digest((before, actor, cohort, position, previous, time, sealed))[:CODE]
        self._count(HEADS, actor, self._heads.put(actor, cohort, position, code), 0 if previous else 1)
        return code

    def prove(self, actor: int) -> None:
        """Raise ``DamagedActor`` if the actor does not stand where it was left."""
        if actor in self.damaged:
            raise DamagedActor(actor)

    def add(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Count rows that came to a table."""
        self._extend(table, numbers_of(table, rows), self.elements(table, rows), 1)

    def take(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Count rows as gone from a table."""
        self._extend(table, numbers_of(table, rows), [-element for element in self.elements(table, rows)], -1)

    def judge(self, cohorts: Sequence[int], made: Iterable[Sequence[Any]], before: Sequence[Any], after: Any) -> None:
        """Count decisions about each of some cohorts, and that they stand elsewhere; see ``Store.judge_cohorts``."""
        weights = list(self._weigh(cohorts))
        alike = _Alike(cohorts, weights, sum(weights), sum(map(mul, cohorts, weights)))
        for route, _, position, *decided in made:
            element = self._decision((route, position, *decided))
            self._count_alike("decisions", alike, element, 1, (route << 128 | position, 1 << 64))
        if after != before:
            self._count_alike("cohorts", alike, _standing(after) - _standing(before), 0, (0, 1))

    @contextmanager
    def changing(self, table: str, keys: Iterable[int]) -> Iterator[None]:
        """Count what the block does to the rows of ``table`` with these keys: changes and deletions alike."""
        wanted = _encode_json(keys)
        self.take(table, self._rows(table, wanted))
        yield
        self.add(table, self._rows(table, wanted))

    @contextmanager
    def rewriting(self, *tables: str, anew: str = "") -> Iterator[None]:
        """Count what the block does to any rows of some small tables.

        All rows of ``anew`` are made anew, so that its total is theirs, whatever was there before.
        """
        for table in tables:
            self.take(table, self._all(table))
        yield
        if anew:
            self.totals[anew] = Total()
        for table in tables:
            self.add(table, self._all(table))

    def leaving(self, table: str, where: str, values: Sequence[object]) -> None:
        """Count the rows that a condition holds of, and that are about to be deleted, as gone from a table."""
        query = f"{TABLES[table].select} WHERE {where}"
        self.take(table, self._connection.execute(query, values).fetchall())

    def forget(self, actor: int) -> None:
        """Count the chain of an actor that is being erased as gone, if there is one."""
        if self._heads.there(actor):
            self._count(HEADS, actor, self._heads.remove(actor), -1)
        self.damaged.discard(actor)

    def begin(self, *tables: str) -> Totals:
        """Take the rows that these tables have for what was written; the totals."""
        for table in tables:
            self.totals[table] = Total()
            self.add(table, self._all(table))
        return self.dump()

    def commit(self) -> None:
        """Keep what has come since the last time."""
        self._heads.commit()

    def dump(self) -> Totals:
        """The totals, for ``load``."""
        return {table: total.dump() for table, total in self.totals.items()}

    def _astray(self) -> Iterator[int]:
        """Actors that their last event is not the one of."""
        query = f"SELECT a.id, a.code, e.code, p.code, {EVENT} {_LAST}"
        for actor, mine, found, before, *event in self._connection.execute(query):
            if mine != found or self.code(before or b"", event) != found:
                yield actor

    def _rows(self, table: str, keys: str) -> list[tuple[Any, ...]]:
        select, (key,) = TABLES[table]
        return self._connection.execute(_KEYED.format(select, key), (keys,)).fetchall()

    def _all(self, table: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(TABLES[table].select).fetchall()

    def _count(self, table: str, number: int, element: int, rows: int) -> None:
        self.totals[table].add(number, element, rows)
        if self.follower is not None:
            self.follower.follow(table, number, element, rows)

    def _count_alike(self, table: str, alike: _Alike, shared: int, rows: int, place: tuple[int, int]) -> None:
        """Count an element for each of some cohorts: its weight times ``shared``.

        ``place`` says the number of its row: the first, and the second for each cohort up to it.
        """
        first, step = place
        weighted = first * alike.sum + step * alike.weighted
        self.totals[table].add_sums(shared * alike.sum, shared * weighted, rows * len(alike.cohorts))
        if self.follower is not None:
            for cohort, weight in zip(alike.cohorts, alike.weights, strict=True):
                self.follower.follow(table, first + step * cohort, shared * weight, rows)

    def _decision(self, shared: Sequence[object]) -> int:
        """What decisions have in common that agree in all but the cohort."""
        return int.from_bytes(self.digest(("decisions", *shared))[CODE:])

    def _extend(self, table: str, numbers: Sequence[int], elements: Sequence[int], rows: int) -> None:
        """Count many elements, each of which adds so many rows."""
        self.totals[table].extend(numbers, elements, rows)
        if self.follower is not None:
            for number, element in zip(numbers, elements, strict=True):
                self.follower.follow(table, number, element, rows)


def tag(sealed: bytes | None) -> bytes | None:
    """What stands for a sealed value: nobody without its key can make another one for the same place."""
    return sealed if sealed is None else sealed[-CODE:]


def rows_of(table: str) -> Rows:
    """How a table, or the heads, are read."""
    return _HEADS if table == HEADS else TABLES[table]


def numbers_of(table: str, rows: Sequence[Sequence[Any]]) -> list[int]:
    """A number for each row, in the order of the table; 0 if what should number it is no integer.

    A hash stands for itself by its first 64 bits.
    """
    width = len(rows_of(table).key)
    if width > 1:
        pack, number = struct.Struct(f">{width}Q").pack, int.from_bytes
        with suppress(struct.error):  # it takes what nearly every row has
            return [number(pack(*row[:width])) for row in rows]
    numbers = [row[0] for row in rows] if width == 1 else [reduce(_join, row[:width], 0) for row in rows]
    return list(map(_integer, numbers))


def _standing(row: Sequence[Any]) -> int:
    """Where a cohort stands, as one number; 0, which is nowhere, if what stands on the disk can't be."""
    try:
        return int.from_bytes(_STANDING.pack(*row[1:]))
    except struct.error:
        return 0


def _integer(value: object) -> int:
    """What a row has in the place of a number; 0 if it is none."""
    return value if type(value) is int else 0


def _join(number: Any, part: Any) -> Any:
    if type(part) is bytes:
        part = int.from_bytes(part[:8].ljust(8, b"\0"))
    return number << 64 | part if type(part) is type(number) is int else None


def _encode_json(keys: Iterable[int]) -> str:
    return msgspec.json.encode(list(keys)).decode()
