"""The columns of large tables in one file, so that a start after a clean stop need not read their rows one by one.

The file is a cache of one commit, and never the truth. It is written at a clean stop, taken and removed by the next
start, and bound to the database, and to the commit that it was written after: any other file, and one that was
damaged, cut off or made up, is as good as none, and the rows are read. So it is in no backup, needs no sync, and may be
removed at any time.

It is authenticated and not sealed: its integers stand as open in the database, where they are of nobody. They say
which sequences of events and which standings there have been, and not whose they were; an erasure leaves them in the
database for that reason, and so it has nothing to do here.
"""

from __future__ import annotations

import hmac
import logging
import os
import struct
import sys
from array import array
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from statekeep.daemon.store.anchor import Seen

log = logging.getLogger(__name__)

KEY_USE: Final = b"columns 1"
"""What the key of its codes is derived for; the number is that of the format, and of what the columns mean."""

_CODE: Final = 32
_SIZE: Final = struct.Struct(">I")
_LARGEST_HEAD: Final = 4_096
_HEAD, _COLUMNS = b"head", b"columns"


class _Head(msgspec.Struct, array_like=True, frozen=True):
    """What the file begins with, behind its size and before its code."""

    commits: int
    root: bytes
    order: str
    """Of the bytes in an integer: that of the machine, which is not asked to turn them."""
    columns: list[tuple[str, str, int]]
    """Name, type code and length of each."""
    code: bytes
    """Of the columns, which follow."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Head).decode


class _Unfit(Exception):
    """The file is not what was written after this commit."""


class Columns:
    """The file ``path``; ``key`` is one of the database."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._unfinished = path.with_name(f".{path.name}")
        self._key = key

    def save(self, commit: Seen, columns: Mapping[str, array[int]]) -> None:
        """Write columns down as they are after this commit. If they can't be, the log says why, and there is no file.

        Nothing is synced: what a power cut leaves of the file does not authenticate.
        """
        try:
            self._write(commit, columns)
            self._unfinished.rename(self._path)
        except OSError as failure:
            log.warning("%s was not written (%s): the next start takes longer", self._path, failure.strerror)
            self._remove()

    def take(self, commit: Seen) -> dict[str, array[int]]:
        """The columns that were written after this commit; none if there is no such file. It is gone then."""
        try:
            with self._path.open("rb") as file:
                return self._read(file, commit)
        except FileNotFoundError:
            return {}
        except (OSError, _Unfit) as why:
            log.info("%s is of no use, and the rows are read: %s", self._path, why)
            return {}
        finally:
            # What a stop that was cut off has left goes with it.
            self._remove()

    def _write(self, commit: Seen, columns: Mapping[str, array[int]]) -> None:
        described: list[tuple[str, str, int]] = [
            (name, column.typecode, len(column)) for name, column in columns.items()
        ]
        head = _encode(_Head(*commit, sys.byteorder, described, self._code(_COLUMNS, *columns.values())))
        self._unfinished.unlink(missing_ok=True)
        descriptor = os.open(self._unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_SIZE.pack(len(head)) + head + self._code(_HEAD, head))
            for column in columns.values():
                column.tofile(file)

    def _read(self, file: BinaryIO, commit: Seen) -> dict[str, array[int]]:
        head = self._head(file)
        if (head.commits, head.root) != commit:
            raise _Unfit(f"it was written after commit {head.commits:,}, and the last is {commit.commits:,}")
        if head.order != sys.byteorder:
            raise _Unfit(f"its integers are {head.order}-endian")
        size = sum(array(kind).itemsize * length for _, kind, length in head.columns)
        if os.fstat(file.fileno()).st_size != file.tell() + size:
            raise _Unfit("it is not as long as it was written")
        columns: dict[str, array[int]] = {}
        for name, kind, length in head.columns:
            columns[name] = array(kind)
            columns[name].fromfile(file, length)
        if not hmac.compare_digest(head.code, self._code(_COLUMNS, *columns.values())):
            raise _Unfit("it is not as it was written")
        return columns

    def _head(self, file: BinaryIO) -> _Head:
        """The head, which is authenticated by itself: what it says of the rest can be relied on."""
        (size,) = _SIZE.unpack(file.read(_SIZE.size).ljust(_SIZE.size, b"\0"))
        head = file.read(min(size, _LARGEST_HEAD))
        if not hmac.compare_digest(file.read(_CODE), self._code(_HEAD, head)):
            raise _Unfit("it is another store's, or not as it was written")
        return _decode(head)

    def _code(self, what: bytes, *parts: bytes | array[int]) -> bytes:
        keyed = blake2b(key=self._key, digest_size=_CODE, person=what)
        for part in parts:
            keyed.update(part)
        return keyed.digest()

    def _remove(self) -> None:
        for path in (self._path, self._unfinished):
            try:
                path.unlink(missing_ok=True)
            except OSError as failure:
                log.warning("%s was not removed: %s", path, failure.strerror)
