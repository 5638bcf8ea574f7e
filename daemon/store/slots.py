"""Key slots: several ways to the one store key, each sealed with a key made from another secret.

A key that is sealed to a host dies with the host; so a store has as many slots as its operator wants, and any of them
opens it. The slots lie in the database itself, so a backup is opened with the keys of its day.
"""

import hmac
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from statekeep.daemon.store.keys import KEY_SIZE, Sealer, derive
from statekeep.daemon.store.schema import Column, Table

SALT_SIZE = 16


class Kind(IntEnum):
    """What opens a slot. The numbers are on disk."""

    CREDENTIAL = 1
    FILE = 2
    PASSPHRASE = 3
    RECOVERY = 4


class Cost(NamedTuple):
    """What one guess at a passphrase costs: the parameters of Argon2id (RFC 9106)."""

    iterations: int = 3
    lanes: int = 4
    memory: int = 64 * 1024
    """KiB. The three are the RFC's second recommendation, section 4: 0.15 s."""


USUAL = Cost()

FREE = Cost(0, 0, 0)
"""Of secrets that nobody can guess: they aren't stretched."""

_MOST = Cost(64, 64, 4 * 1024 * 1024)


def _payable(cost: Cost) -> bool:
    """Whether a daemon can pay it: beyond that, a slot was tampered with, to make the start hang or fail."""
    return cost == FREE or (
        all(1 <= each <= most for each, most in zip(cost, _MOST, strict=True)) and cost.memory >= 8 * cost.lanes
    )


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that may open a slot, or is to get one."""

    kind: Kind
    material: bytes = field(repr=False)
    origin: str = ""
    """Where it came from, for messages."""
    cost: Cost = FREE

    @classmethod
    def passphrase(cls, text: str, origin: str = "", cost: Cost = USUAL) -> "Secret":
        """A passphrase that a person made up. ``cost`` is that of a new slot; an old one has its own."""
        # Two keyboards may write one letter as different code points (RFC 8265, section 4.2.2).
        return cls(Kind.PASSPHRASE, unicodedata.normalize("NFC", text).encode(), origin, cost)

    def may_open(self, kind: Kind) -> bool:
        """Whether a slot of that kind is tried: a key file may have become a credential since, or the reverse."""
        keys = (Kind.CREDENTIAL, Kind.FILE)
        return kind == self.kind or (kind in keys and self.kind in keys)


class SlotRow(NamedTuple):
    """A slot as it is on the disk."""

    id: int
    kind: Kind
    created: int
    salt: bytes
    cost: Cost
    check: bytes
    """Made from the slot key: tells a wrong one before anything is opened with it."""
    store_key: bytes
    """Sealed with the slot key."""


class SlotKey:
    """A secret as it was stretched for one slot."""

    def __init__(
        self, secret: Secret, database: bytes, salt: bytes, cost: Cost, random: Callable[[int], bytes]
    ) -> None:
        stretched = secret.material
        if cost != FREE:
            kdf = Argon2id(
                salt=salt, length=KEY_SIZE, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory
            )
            stretched = kdf.derive(secret.material)
        self.kind = secret.kind
        self.salt = salt
        self.cost = cost
        self.check = derive(stretched, database, b"slot check " + salt)
        self._sealer = Sealer(derive(stretched, database, b"slot wrap " + salt), database, random)

    def seal(self, store_key: bytes, slot: int, created: int) -> SlotRow:
        """The row of slot number ``slot``."""
        sealed = self._sealer.seal(store_key, Table.KEY_SLOTS, Column.STORE_KEY, slot)
        return SlotRow(slot, self.kind, created, self.salt, self.cost, self.check, sealed)

    def fits(self, row: SlotRow) -> bool:
        """Whether this is the key of the slot."""
        return row.salt == self.salt and hmac.compare_digest(row.check, self.check)

    def open(self, row: SlotRow) -> bytes:
        """The store key. Raises ``WrongKey``."""
        return self._sealer.open(row.store_key, Table.KEY_SLOTS, Column.STORE_KEY, row.id)


def slot_key(secret: Secret, rows: Iterable[SlotRow], database: bytes, random: Callable[[int], bytes]) -> SlotKey:
    """The key of the slot among ``rows`` that a secret opens; if it opens none, the key for a slot of its own."""
    for row in rows:
        if secret.may_open(row.kind) and _payable(row.cost):
            key = SlotKey(secret, database, row.salt, row.cost, random)
            if key.fits(row):
                return key
    return SlotKey(secret, database, random(SALT_SIZE), secret.cost, random)
