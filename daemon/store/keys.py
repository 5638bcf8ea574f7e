"""The ladder of keys, and the sealing of values with them.

    secret     what opens a slot: a credential, a key file, a passphrase, a recovery key      (``slots``, ``sources``)
      --Argon2id if a person made it up, HKDF-SHA-256 with the database's id and the slot's salt-->  slot key
    slot key   --unseals-->  store key, random, the same in every slot                        (``vault``)
    store key  --unseals-->  the roots, random: one of each epoch, and the one that stays
    root of an epoch  --HKDF, bound to the database and the epoch-->  wrapping key  (seals data keys, nothing else)
    root that stays   --HKDF, bound to the database and a use------>  look-up key (HMAC of actor keys) and the like
    wrapping key      --unseals-->  the catalogue's data key  (names, definitions, configurations)
                                    each actor's data key     (its key, its context, its payloads)

Data keys are random, so an actor is erased by destroying its data key. Nonces are random and never counted: a counter
would repeat after a backup is restored. Every sealed value is bound to its place, as additional authenticated data:
database, table, column and row; one that was moved elsewhere does not open.

A rotation adds an epoch and wraps the data keys anew, step by step (``rotation``); then the root before is destroyed. A
rewrap replaces the store key, and with it every slot that is not given anew. One root stays for ever, because what is
derived from it stands in places that a rotation doesn't reach: a look-up hash under another key would be another hash,
and every actor of the store would have to be opened to find it. It opens no value.
"""

import hmac
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16

STAYS = 0
"""The number of the root that is no epoch's."""

_PLACE = struct.Struct(">16sHHQ")


class WrongKey(Exception):
    """No key that was given opens this store, or a value in it is not what was sealed there."""


def derive(secret: bytes, database: bytes, use: bytes) -> bytes:
    """A key of ``KEY_SIZE`` for one use in one database: HKDF-SHA-256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=database, info=b"statekeep " + use).derive(secret)


class Sealer:
    """Seals values with one data key, each bound to its place in one database. AES-256-GCM."""

    __slots__ = ("_aead", "_database", "_random")

    def __init__(self, key: bytes, database: bytes, random: Callable[[int], bytes]) -> None:
        self._aead = AESGCM(key)
        self._database = database
        self._random = random

    def seal(self, plain: bytes, table: int, column: int, row: int) -> bytes:
        """Nonce, ciphertext and tag of ``plain`` for one place."""
        nonce = self._random(NONCE_SIZE)
        # GCM hashes a nonce of any other size down to one that may have been used before (NIST SP 800-38D, 8.2).
        if len(nonce) != NONCE_SIZE:
            raise ValueError(f"a nonce has {NONCE_SIZE} bytes, not {len(nonce)}")
        return nonce + self._aead.encrypt(nonce, plain, _PLACE.pack(self._database, table, column, row))

    def open(self, sealed: bytes, table: int, column: int, row: int) -> bytes:
        """What was sealed for this place. Raises ``WrongKey`` for anything else."""
        place = _PLACE.pack(self._database, table, column, row)
        if len(sealed) >= NONCE_SIZE + TAG_SIZE:
            try:
                # Never decrypt_into: it leaves what failed authentication in the caller's buffer.
                return self._aead.decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], place)
            except InvalidTag:
                pass
        raise WrongKey(f"a sealed value fails authentication: table {table}, column {column}, row {row}")


class KeyRing:
    """The keys of one open store that values are sealed with."""

    CACHED_ACTORS = 65_536
    """Setting up a key costs more than sealing an event; this many cost about 20 MB."""

    def __init__(self, roots: Mapping[int, bytes], database: bytes, random: Callable[[int], bytes]) -> None:
        """``roots`` by epoch, and the one that stays under ``STAYS``."""
        self._random = random
        self.database = database
        """The id of the database."""
        self._stays = roots[STAYS]
        self._lookup = self.derived(b"lookup")
        self._actors: OrderedDict[int, Sealer] = OrderedDict()
        self.adopt(roots)

    def adopt(self, roots: Mapping[int, bytes]) -> None:
        """Wrap with the root of the latest epoch from now on, and unwrap with these and no others."""
        self.epoch = max(roots)
        # The latest first: it is the one that opens most.
        self._wrapping = {
            epoch: Sealer(derive(roots[epoch], self.database, b"wrap %d" % epoch), self.database, self._random)
            for epoch in sorted(roots.keys() - {STAYS}, reverse=True)
        }

    def derived(self, use: bytes) -> bytes:
        """A key for a use that no rotation reaches; the same for as long as the store lives."""
        return derive(self._stays, self.database, use)

    def new_key(self, table: int, column: int, row: int) -> tuple[bytes, Sealer]:
        """A fresh data key: wrapped, for the given place on the disk, and ready for use."""
        key = self._random(KEY_SIZE)
        wrapped = self._wrapping[self.epoch].seal(key, table, column, row)
        return wrapped, Sealer(key, self.database, self._random)

    def unwrap(self, wrapped: bytes, table: int, column: int, row: int) -> Sealer:
        """The data key of a place. Raises ``WrongKey``."""
        return Sealer(self._unwrap(wrapped, table, column, row), self.database, self._random)

    def rewrap(self, wrapped: bytes, table: int, column: int, row: int) -> bytes:
        """The same data key under the latest epoch. Raises ``WrongKey``."""
        return self._wrapping[self.epoch].seal(self._unwrap(wrapped, table, column, row), table, column, row)

    def _unwrap(self, wrapped: bytes, table: int, column: int, row: int) -> bytes:
        *later, earliest = self._wrapping.values()
        for wrapping in later:
            try:
                return wrapping.open(wrapped, table, column, row)
            except WrongKey:
                continue
        return earliest.open(wrapped, table, column, row)

    def forget(self, actor: int) -> None:
        """Drop an actor's sealer."""
        self._actors.pop(actor, None)

    def lookup_hash(self, key: str) -> bytes:
        """What stands for an actor's key on the disk: HMAC-SHA-256, the first 128 bits (RFC 2104, section 5)."""
        return hmac.digest(self._lookup, key.encode(), "sha256")[:16]

    def repeat_hash(self, scope: int, key: str) -> bytes:
        """What stands for an idempotency key on the disk. No actor's key hashes to it: those have no NUL."""
        return self.lookup_hash(f"\0{scope}\0{key}")

    def keep(self, actor: int, sealer: Sealer) -> None:
        """Keep an actor's sealer while it is among the most recently used."""
        self._actors[actor] = sealer
        self._actors.move_to_end(actor)
        if len(self._actors) > self.CACHED_ACTORS:
            self._actors.popitem(last=False)

    def kept(self, actor: int) -> Sealer | None:
        """An actor's sealer, if it is still kept."""
        sealer = self._actors.get(actor)
        if sealer is not None:
            self._actors.move_to_end(actor)
        return sealer
