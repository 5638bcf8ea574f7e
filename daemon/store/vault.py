"""The key tables of one open store: its slots, its roots, and the rotation from one epoch to the next.

What is known here is a cache of those tables and of nothing else but the slot keys, which are made from secrets once,
when the store is opened: ``load`` makes all of it anew, after whatever was taken back.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

from statekeep.daemon.store.keys import KEY_SIZE, STAYS, KeyRing, Sealer, WrongKey
from statekeep.daemon.store.recovery import new_recovery
from statekeep.daemon.store.rotation import Rotation
from statekeep.daemon.store.schema import Column, Table
from statekeep.daemon.store.slots import SALT_SIZE, Cost, Kind, Secret, SlotKey, SlotRow, slot_key

KEY_TABLES = ("key_slots", "key_roots")


class Epoch(NamedTuple):
    """A time in which one root wraps what is new."""

    id: int
    created: int
    retired: int
    """When the last data key had left it and its root was destroyed; 0: it is needed."""


class Vault:
    """Opens a store's keys, and changes them. Every change is part of the transaction under way, or begins one."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        database: bytes,
        random: Callable[[int], bytes],
        slot_keys: Sequence[SlotKey],
    ) -> None:
        """Raises ``WrongKey`` when none of ``slot_keys`` opens a slot."""
        self._connection = connection
        self._database = database
        self._random = random
        self._slot_keys = slot_keys
        self._dropped = set[bytes]()
        """The checks of slot keys that a rewrap went without: no later one is to give them a slot by the way."""
        self.slots: list[SlotRow] = []
        self.epochs: list[Epoch] = []
        """All that ever were, in order."""
        self.rotation: Rotation | None = None
        """The one that is under way."""
        self._store_key = b""
        self.counting: Callable[[str], AbstractContextManager[None]] = lambda anew: nullcontext()  # noqa: ARG005
        """Surrounds each change of ``KEY_TABLES``, in a transaction; of the table named no row is left as it was."""
        self.ring = KeyRing(self._load_roots(), database, random)
        self._resume()

    @classmethod
    def make(
        cls,
        connection: sqlite3.Connection,
        database: bytes,
        random: Callable[[int], bytes],
        secrets: Iterable[Secret],
        now: int,
    ) -> "Vault":
        """New keys for a new store, with a slot for each secret."""
        slot_keys = [SlotKey(secret, database, random(SALT_SIZE), secret.cost, random) for secret in secrets]
        store_key = random(KEY_SIZE)
        for number, key in enumerate(slot_keys, 1):
            _add_slot(connection, key.seal(store_key, number, now))
        sealer = Sealer(store_key, database, random)
        for root in (STAYS, STAYS + 1):
            sealed = sealer.seal(random(KEY_SIZE), Table.KEY_ROOTS, Column.ROOT, root)
            connection.execute("INSERT INTO key_roots VALUES (?, ?, 0, ?)", (root, now, sealed))
        return cls(connection, database, random, slot_keys)

    @classmethod
    def open(
        cls,
        connection: sqlite3.Connection,
        database: bytes,
        random: Callable[[int], bytes],
        secrets: Sequence[Secret],
    ) -> "Vault":
        """The keys of a store. Raises ``WrongKey``; nothing was changed."""
        slots = _read_slots(connection)
        slot_keys = list[SlotKey]()
        for secret in secrets:
            key = slot_key(secret, slots, database, random)
            if key.check not in [other.check for other in slot_keys]:  # one key may be there twice
                slot_keys.append(key)
        if not any(key.fits(row) for key in slot_keys for row in slots):
            given = ", ".join(secret.origin or secret.kind.name.lower() for secret in secrets)
            kinds = ", ".join(sorted({row.kind.name.lower() for row in slots})) or "nothing"
            raise WrongKey(f"the store doesn't open with {given}; it has slots for: {kinds}")
        return cls(connection, database, random, slot_keys)

    def load(self) -> None:
        """Know again what the tables say, after something was taken back."""
        self.ring.adopt(self._load_roots())
        self._resume()

    def _load_roots(self) -> dict[int, bytes]:
        self.slots = _read_slots(self._connection)
        opened = next((key.open(row) for row in self.slots for key in self._slot_keys if key.fits(row)), None)
        if opened is None:
            raise WrongKey("no slot of the store fits a key that was given")
        self._store_key = opened
        rows = self._connection.execute(_ROOTS).fetchall()
        self.epochs = [Epoch(*plain) for *plain, _ in rows if plain[0] != STAYS]
        sealer = self._sealer()
        roots = {
            row: sealer.open(root, Table.KEY_ROOTS, Column.ROOT, row) for row, *_, root in rows if root is not None
        }
        if STAYS not in roots or len(roots) == 1:
            raise WrongKey("a root of the store's keys is missing")
        return roots

    def _resume(self) -> None:
        self.rotation = None
        if len([epoch for epoch in self.epochs if not epoch.retired]) > 1:
            query = "SELECT count(*) FROM actors WHERE epoch < ?"
            (left,) = self._connection.execute(query, (self.ring.epoch,)).fetchone()
            self.rotation = Rotation(self._connection, self.ring, left)

    def held(self, row: SlotRow) -> bool:
        """Whether a secret that was given at the start opens this slot."""
        return any(key.fits(row) for key in self._slot_keys)

    def offered(self) -> list[Kind]:
        """The kinds of secrets that were given at the start and fit no slot."""
        unfitting = (key for key in self._slot_keys if not any(key.fits(row) for row in self.slots))
        return [key.kind for key in unfitting if key.check not in self._dropped]

    def rotate(self, actors: int, now: int) -> None:
        """Begin an epoch; ``actors`` data keys are to follow into it.

        The catalogue's data key follows at once.
        """
        with self._changing():
            epoch = self.ring.epoch + 1
            root = self._random(KEY_SIZE)
            sealed = self._sealer().seal(root, Table.KEY_ROOTS, Column.ROOT, epoch)
            self._connection.execute("INSERT INTO key_roots VALUES (?, ?, 0, ?)", (epoch, now, sealed))
            self.ring.adopt(self._load_roots())
            (wrapped,) = self._connection.execute("SELECT data_key FROM store").fetchone()
            rewrapped = self.ring.rewrap(wrapped, Table.STORE, Column.DATA_KEY, 1)
            self._connection.execute("UPDATE store SET data_key = ?", (rewrapped,))
            self.rotation = Rotation(self._connection, self.ring, actors)

    def go_on(self, limit: int, now: int) -> None:
        """Take the rotation under way past the next ``limit`` actors, and at its end destroy the roots before."""
        if self.rotation is None or self.rotation.through:
            return
        with self._changing():
            if self.rotation.step(limit) and not self.rotation.left:
                self._connection.execute(
                    "UPDATE key_roots SET root = NULL, retired = ? WHERE id > ? AND id < ? AND root IS NOT NULL",
                    (now, STAYS, self.ring.epoch),
                )
                self.load()

    def rewrap(self, without: Collection[int], now: int) -> list[SlotRow]:
        """Replace the store key, in a slot for each secret given at the start; return the slots that are gone.

        The slots ``without`` are not made again, though they could be. Raises ``ValueError`` when none would be left.
        """
        kept = [row for row in self.slots if self.held(row) and row.id not in without]
        dropped = [row for row in self.slots if row not in kept]
        made, number = [], max(row.id for row in self.slots)
        store_key = self._random(KEY_SIZE)
        for key in self._slot_keys:
            row = next((row for row in self.slots if key.fits(row)), None)
            if row is None and key.check not in self._dropped:
                number += 1
                made.append(key.seal(store_key, number, now))
            elif row is not None and row in kept:
                made.append(key.seal(store_key, row.id, row.created)._replace(kind=row.kind))
        if not made:
            raise ValueError("no slot would be left")
        with self._changing(anew="key_slots"):
            before, after = self._sealer(), Sealer(store_key, self._database, self._random)
            query = "SELECT id, root FROM key_roots WHERE root NOT NULL"
            for root, sealed in self._connection.execute(query).fetchall():
                place = (Table.KEY_ROOTS, Column.ROOT, root)
                anew = after.seal(before.open(sealed, *place), *place)
                self._connection.execute("UPDATE key_roots SET root = ? WHERE id = ?", (anew, root))
            self._dropped |= {row.check for row in dropped}
            self._connection.execute("DELETE FROM key_slots")
            for row in made:
                _add_slot(self._connection, row)
            self._load_roots()
        return dropped

    def add_recovery(self, now: int) -> tuple[SlotRow, str]:
        """A slot for a new recovery key, and the key's text, which is kept nowhere."""
        secret, text = new_recovery(self._random)
        return self._add(Secret(Kind.RECOVERY, secret), now), text

    def add_key(self, now: int) -> tuple[SlotRow, bytes]:
        """A slot for a new key file, and the key, which is kept nowhere."""
        key = self._random(KEY_SIZE)
        return self._add(Secret(Kind.FILE, key), now), key

    def _add(self, secret: Secret, now: int) -> SlotRow:
        with self._changing():
            key = SlotKey(secret, self._database, self._random(SALT_SIZE), secret.cost, self._random)
            row = key.seal(self._store_key, max(row.id for row in self.slots) + 1, now)
            _add_slot(self._connection, row)
            self.slots = _read_slots(self._connection)
        return row

    def _sealer(self) -> Sealer:
        return Sealer(self._store_key, self._database, self._random)

    @contextmanager
    def _changing(self, anew: str = "") -> Iterator[None]:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
        with self.counting(anew):
            yield


_ROOTS = "SELECT id, created, retired, root FROM key_roots WHERE typeof(root) IN ('blob', 'null') ORDER BY id"

# A row that can't be a slot opens nothing: it is no reason not to try the others.
_SLOTS = """
    SELECT id, kind, created, salt, iterations, lanes, memory, key_check, store_key FROM key_slots
    WHERE kind BETWEEN 1 AND 4 AND typeof(salt) || typeof(key_check) || typeof(store_key) = 'blobblobblob'
    AND typeof(kind) || typeof(iterations) || typeof(lanes) || typeof(memory) = 'integerintegerintegerinteger'
    ORDER BY id
"""


def _read_slots(connection: sqlite3.Connection) -> list[SlotRow]:
    return [
        SlotRow(number, Kind(kind), created, salt, Cost(iterations, lanes, memory), check, store_key)
        for number, kind, created, salt, iterations, lanes, memory, check, store_key in connection.execute(_SLOTS)
    ]


def _add_slot(connection: sqlite3.Connection, row: SlotRow) -> None:
    plain = (row.id, row.kind, row.created, row.salt, *row.cost, row.check, row.store_key)
    connection.execute("INSERT INTO key_slots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", plain)
