"""Where keys come from, and how values are sealed with them.

    master key  --HKDF-SHA-256, bound to the database and an epoch-->  wrapping key  (seals data keys, nothing else)
                --HKDF-SHA-256, bound to the database-------------->  look-up key   (HMAC of actor keys)
    wrapping key --unseals-->  the catalogue's data key  (names, definitions, configurations)
                               each actor's data key     (its key, its context, its payloads)

Data keys are random, so an actor is erased by destroying its data key. Nonces are random and never counted: a counter
would repeat after a backup is restored. Every sealed value is bound to its place, as additional authenticated data:
database, table, column and row; one that was moved elsewhere does not open.
"""

import base64
import hmac
import os
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
NONCE_SIZE = 12
EPOCH = 1
"""The epoch of the wrapping key in use."""

_PLACE = struct.Struct(">16sHHQ")
_HEADER = b"statekeep master key 1"


class WrongKey(Exception):
    """The master key does not open this store, or a value in it is not what was sealed there."""


class InsecureKeyFile(Exception):
    """The file with the master key can be read by others, or holds no key."""


def master_key(path: Path) -> bytes:
    """The master key in the file ``path``.

    Raises:
        InsecureKeyFile: group or others may read or write the file, or it holds no key.
        FileNotFoundError: there is no such file.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        if mode & 0o077:
            raise InsecureKeyFile(f"{path} has mode {mode:04o}; make it unreadable for others: chmod 600 {path}")
        header, _, encoded = file.read(1024).partition(b"\n")
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        key = b""
    if header != _HEADER or len(key) != KEY_SIZE:
        raise InsecureKeyFile(f"{path} holds no master key; put back the file that was made with the store")
    return key


def make_master_key(path: Path, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """A new master key, in a new file ``path`` with mode 0600.

    The file is on the disk for good before this returns: a store whose key went with a power cut would be lost too.
    """
    key = random(KEY_SIZE)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"%b\n%b\n" % (_HEADER, base64.b64encode(key)))
            file.flush()
            os.fsync(file.fileno())
        # Under its name it is whole or not there; and a link, unlike a rename, never replaces another key.
        os.link(unfinished, path)
    finally:
        unfinished.unlink()
    sync_directory(path.parent)
    return key


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
        return nonce + self._aead.encrypt(nonce, plain, _PLACE.pack(self._database, table, column, row))

    def open(self, sealed: bytes, table: int, column: int, row: int) -> bytes:
        """What was sealed for this place. Raises ``WrongKey`` for anything else."""
        place = _PLACE.pack(self._database, table, column, row)
        try:
            return self._aead.decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], place)
        except (InvalidTag, ValueError):
            raise WrongKey(f"a sealed value fails authentication: table {table}, column {column}, row {row}") from None


class KeyRing:
    """All keys of one open store."""

    CACHED_ACTORS = 65_536
    """Setting up a key costs more than sealing an event; this many cost about 20 MB."""

    def __init__(self, master: bytes, database: bytes, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._database = database
        self._master = master
        self._wrapping = Sealer(_derive(master, database, b"wrap %d" % EPOCH), database, random)
        self._lookup = self.derived(b"lookup")
        self._actors: OrderedDict[int, Sealer] = OrderedDict()

    def derived(self, use: bytes) -> bytes:
        """A key for a use that no rotation reaches; the same for as long as the store lives."""
        return _derive(self._master, self._database, use)

    def new_key(self, table: int, column: int, row: int) -> tuple[bytes, Sealer]:
        """A fresh data key: wrapped, for the given place on the disk, and ready for use."""
        key = self._random(KEY_SIZE)
        return self._wrapping.seal(key, table, column, row), Sealer(key, self._database, self._random)

    def unwrap(self, wrapped: bytes, table: int, column: int, row: int) -> Sealer:
        """The data key of a place. Raises ``WrongKey``."""
        return Sealer(self._wrapping.open(wrapped, table, column, row), self._database, self._random)

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


def _derive(master: bytes, database: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=database, info=b"statekeep " + use).derive(master)
