"""What is shipped of a store, as files in a directory that anything may copy elsewhere.

A *generation* is a directory with

    keys       the key slots and roots of that day, as they are in the store: what opens the rest is sealed in there
    base       a copy of the whole database
    NNNNNNNN   pieces of its log (SQLite's WAL), in order, each up to the end of a commit
    manifest   a line of JSON for each of the last two, written after the file that it tells of is on the disk

``base`` and the pieces are sealed (AES-256-GCM), because pages show the names and sizes of tables: in chunks of a
nonce, ciphertext and tag, bound to the database, the generation, the name of the file and the number of the chunk, and
to whether it is the last. A line of the manifest authenticates itself and, by the code of the line before, all before
it, so that what is missing in the middle, or was exchanged, is known by name.
"""

from __future__ import annotations

import hmac
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from statekeep.daemon.store.backup import digest
from statekeep.daemon.store.key_files import sync_directory
from statekeep.daemon.store.keys import NONCE_SIZE, TAG_SIZE, KeyRing
from statekeep.daemon.store.slots import Secret
from statekeep.daemon.store.vault import Vault

BASE: Final = "base"
KEYS: Final = "keys"
MANIFEST: Final = "manifest"
PREFIX: Final = "generation-"

_CHUNK: Final = 1 << 20
"""Bytes that are sealed at a time, and so in memory."""

_TAIL: Final = 4_096
"""Bytes that hold the last two lines of a manifest, each of which has less than 400."""

_TABLES: Final = {"key_slots": 9, "key_roots": 4}
"""What ``keys`` holds, and the number of columns."""


class DamagedShipment(Exception):
    """Something in the directory is missing, or is not as it was shipped."""


class Entry(msgspec.Struct, kw_only=True, frozen=True):
    """A file of a generation."""

    file: str
    sequence: int
    """0 for the base; then 1, 2, 3, without a gap."""
    log: int = 0
    """Which log the piece is of: a new one begins when the one before was carried into the database."""
    offset: int = 0
    """Where in the log it begins."""
    size: int
    """Bytes of what is sealed."""
    sha256: str
    """Of the file, in hex."""
    position: int
    """Where the store stands behind it, at least, and when it got there."""
    time: int
    mac: str = ""


class Generation:
    """One generation, in the directory ``path``; ``ring`` is that of the store."""

    def __init__(self, path: Path, ring: KeyRing) -> None:
        self.path = path
        self._aead = AESGCM(ring.derived(b"shipping 1"))
        self._key = ring.derived(b"shipping manifest 1")
        self._bound = ring.database + path.name.encode()
        self._last = b""
        self.entries: list[Entry] = []

    @property
    def base(self) -> Entry | None:
        """The base; None if it was never completed."""
        return next((entry for entry in self.entries if entry.file == BASE), None)

    def begin(self, connection: sqlite3.Connection) -> None:
        """Make the directory, with the keys that the store has; under its name it is there with them or not at all."""
        unfinished = hidden(self.path)
        unfinished.mkdir(mode=0o700)
        rows: dict[str, Any] = {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - text from above
            for table in _TABLES
        }
        (rows["database"],) = connection.execute("SELECT database FROM store").fetchone()
        _write(unfinished / KEYS, [msgspec.msgpack.encode(rows)])
        unfinished.rename(self.path)
        sync_directory(self.path.parent)

    def add(self, entry: Entry, content: Iterable[bytes]) -> None:
        """Ship a file and its line; both are durable when this returns. Raises ``OSError``."""
        _write(self.path / entry.file, self._sealed(entry.file, content))
        entry = msgspec.structs.replace(entry, sha256=digest(self.path / entry.file))
        entry = msgspec.structs.replace(entry, mac=self._code(entry))
        descriptor = os.open(self.path / MANIFEST, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(entry) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not self.entries:
            sync_directory(self.path)
        self._take(entry)

    def read(self) -> None:
        """Know what the manifest says. Raises ``DamagedShipment``."""
        manifest = self.path / MANIFEST
        if not manifest.exists():
            return
        for number, line in enumerate(_complete(manifest.read_bytes()), start=1):
            self._take(self._decoded(line, f"line {number} of {manifest}"))

    def last(self) -> Entry | None:
        """The last entry, for one that was not read: its code is of itself and of the code before, whatever is there.

        None if the base was never completed. Raises ``DamagedShipment``.
        """
        manifest = self.path / MANIFEST
        if not manifest.exists():
            return None
        with manifest.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            *before, last = _complete(file.read()) or [b""]
        if before:
            self._last = bytes.fromhex(_entry(before[-1], f"the last line but one of {manifest}").mac)
        return self._decoded(last, f"the last line of {manifest}") if last else None

    def open(self, entry: Entry) -> Iterator[bytes]:
        """What a file holds, chunk by chunk. Raises ``DamagedShipment``, naming it."""
        path = self.path / entry.file
        if not path.exists():
            raise DamagedShipment(f"{path} is missing")
        if digest(path) != entry.sha256:
            raise DamagedShipment(f"{path} is damaged: it is not the file that the manifest tells of")
        left = entry.size
        with path.open("rb") as file:
            number = 0
            while left > 0:
                wanted = min(left, _CHUNK)
                left -= wanted
                yield self._opened(path, file.read(NONCE_SIZE + wanted + TAG_SIZE), number, last=not left)
                number += 1

    def _opened(self, path: Path, sealed: bytes, number: int, *, last: bool) -> bytes:
        try:
            return self._aead.decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], self._place(path.name, number, last))
        except (InvalidTag, ValueError):
            raise DamagedShipment(f"{path} fails authentication") from None

    def _sealed(self, name: str, content: Iterable[bytes]) -> Iterator[bytes]:
        chunks = iter(content)
        number, following = 0, next(chunks, None)
        while following is not None:
            chunk, following = following, next(chunks, None)
            nonce = os.urandom(NONCE_SIZE)
            yield nonce + self._aead.encrypt(nonce, chunk, self._place(name, number, following is None))
            number += 1

    def _place(self, name: str, number: int, last: bool) -> bytes:
        return b"%b\0%b\0%d\0%d" % (self._bound, name.encode(), number, last)

    def _code(self, entry: Entry) -> str:
        plain = msgspec.json.encode(msgspec.structs.replace(entry, mac=""))
        return hmac.digest(self._key, self._bound + self._last + plain, "sha256").hex()

    def _decoded(self, line: bytes, which: str) -> Entry:
        """The entry of the next line."""
        entry = _entry(line, which)
        if not hmac.compare_digest(self._code(entry), entry.mac):
            raise DamagedShipment(f"{which} is not as it was written, or one is missing before")
        return entry

    def _take(self, entry: Entry) -> None:
        self._last = bytes.fromhex(entry.mac)
        self.entries.append(entry)


def _complete(lines: bytes) -> list[bytes]:
    """Lines but the last if it was cut off while it was written: its file was never counted on."""
    found = lines.splitlines(keepends=True)
    return found if lines.endswith(b"\n") else found[:-1]


def _entry(line: bytes, which: str) -> Entry:
    try:
        return msgspec.json.decode(line, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DamagedShipment(f"{which} is not an entry") from None


def chunks(content: bytes) -> Iterator[bytes]:
    """Bytes as they are sealed."""
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


def chunks_of(path: Path) -> Iterator[bytes]:
    """Likewise those of a file."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def generations(directory: Path) -> list[Path]:
    """All that there are, in order of their beginning."""
    return sorted(path for path in directory.glob(f"{PREFIX}*") if path.is_dir())


def remove(path: Path) -> None:
    """Remove a generation: at once for who looks for it, then its files."""
    with suppress(OSError):  # one that was never whole, or a disk that fails: it is tried again
        path.rename(hidden(path))
    shutil.rmtree(hidden(path), ignore_errors=True)


def clear(directory: Path) -> None:
    """Remove what is left of generations whose beginning or removal was cut off."""
    for path in directory.glob(f".{PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def hidden(path: Path) -> Path:
    """Where a file or directory is while it is not whole."""
    return path.with_name(f".{path.name}")


def begun(path: Path) -> int:
    """When a generation was begun, by its name; made so that its order is that of the generations."""
    return int(path.name.removeprefix(PREFIX).split("-")[0])


def opened(path: Path, secrets: Sequence[Secret], random: Callable[[int], bytes] = os.urandom) -> Generation:
    """A generation that was shipped, opened with the keys of its day.

    Raises:
        WrongKey: none of these opens it.
        DamagedShipment: its keys or its manifest are not what they were.
    """
    try:
        rows = msgspec.msgpack.decode((path / KEYS).read_bytes(), type=dict[str, Any])
        with closing(sqlite3.connect(":memory:")) as connection:
            for table, columns in _TABLES.items():
                connection.execute(f"CREATE TABLE {table} ({_COLUMNS[table]})")
                marks = ", ".join("?" * columns)
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows[table])  # noqa: S608 - likewise
            ring = Vault.open(connection, rows["database"], random, secrets).ring
    except (OSError, msgspec.DecodeError, KeyError, sqlite3.Error, TypeError) as problem:
        raise DamagedShipment(f"{path / KEYS} can't be used: {problem}") from None
    generation = Generation(path, ring)
    generation.read()
    return generation


_COLUMNS: Final = {
    "key_slots": "id, kind, created, salt, iterations, lanes, memory, key_check, store_key",
    "key_roots": "id, created, retired, root",
}


def _write(path: Path, content: Iterable[bytes]) -> None:
    """Write a file that is whole under its name, or not there."""
    unfinished = hidden(path)
    descriptor = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(descriptor)
    unfinished.rename(path)
    sync_directory(path.parent)
