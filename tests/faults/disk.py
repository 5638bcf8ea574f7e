"""A disk on which power can be cut after the fact.

A process that has ``disk.c`` preloaded leaves a log of all that it did to the files of a directory. ``Disk`` goes
through that log, and knows at each point what is durable and what is not yet. From there an image is made of what a
power cut at that point may leave: of each write that was not synced, every sector by itself is there or is not; cuts
of a file likewise; and of the names in the directory, the first so many changes since it was last synced. That is more
than most file systems and disks do to anybody, and all that POSIX allows.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

SECTOR: Final = 512

MARKS: Final = "marks"
"""The file in which the process said how far it was."""

_HEADER: Final = struct.Struct("=IIQq")

_SOURCE: Final = Path(__file__).with_name("disk.c")


def library(directory: Path) -> Path:
    """The compiled ``disk.c``, made in ``directory`` if it is not there."""
    built = directory / f"disk-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]}.so"
    if not built.exists():
        unfinished = built.with_suffix(f".{os.getpid()}")
        flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run([os.environ.get("CC", "cc"), *flags, "-o", unfinished, _SOURCE, "-ldl"], check=True)
        unfinished.rename(built)
    return built


def environment(preloaded: Path, directory: Path, log: Path, fault: str = "") -> Mapping[str, str]:
    """For a process whose files in ``directory`` are to be watched; ``fault`` as ``disk.c`` has it."""
    return os.environ | {
        "LD_PRELOAD": str(preloaded),
        "DISK_DIRECTORY": str(directory),
        "DISK_LOG": str(log),
        "DISK_FAULT": fault,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


class Change(NamedTuple):
    """One record of the log."""

    kind: str
    inode: int
    offset: int
    content: bytes


def read_log(path: Path) -> list[Change]:
    """All that the process did; what it was killed in the middle of is not on record."""
    data, at, changes = path.read_bytes(), 0, list[Change]()
    while at < len(data):
        kind, size, inode, offset = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        changes.append(Change(chr(kind), inode, offset, data[at : at + size]))
        at += size
    return changes


class _File:
    """Bytes that are durable, and changes that are not."""

    def __init__(self) -> None:
        self.durable = bytearray()
        self.pending: list[Change] = []


class Disk:
    """What is durable, at a point of the log. Nothing is, at its beginning, not even the names."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._names: dict[str, _File] = {}
        self._renamed: list[dict[str, _File | None]] = []
        """Changes of the names since the directory was synced; a name with None was removed."""
        self.marks = bytearray()
        """What the process has said until now."""
        self._marks = 0

    def apply(self, change: Change) -> None:
        """Go past one record."""
        match change.kind:
            case "C":
                self._create(change)
            case "U":
                self._renamed.append({change.content.decode(): None})
            case "R":
                before, after = change.content.decode().split("\0")
                now = dict(self._present(len(self._renamed)))
                if before in now:
                    self._renamed.append({before: None, after: now[before]})
            case "D":
                self._names = dict(self._present(len(self._renamed)))
                self._renamed.clear()
            case "W" if change.inode == self._marks:
                self.marks += change.content
            case "W" | "T" if change.inode in self._files:
                self._files[change.inode].pending.append(change)
            case "S" if change.inode in self._files:
                self._sync(self._files[change.inode])
            case "F" if change.inode in self._files:
                # The kernel has dropped what it could not write, and no later sync makes it durable.
                self._files[change.inode].pending.clear()

    def image(self, directory: Path, random: Random, kept: float | None = None) -> None:
        """Write what a power cut now may leave; each piece that is not durable is ``kept`` with this probability."""
        share = random.choice((0.0, 0.1, 0.5, 0.9, 1.0)) if kept is None else kept
        names = sum(random.random() < share for _ in self._renamed)
        directory.mkdir()
        for name, file in self._present(names):
            content = bytearray(file.durable)
            for change in file.pending:
                _apply(content, change, lambda: random.random() < share)
            (directory / name).write_bytes(content)

    def _create(self, change: Change) -> None:
        name = change.content.decode()
        if name == MARKS:
            self._marks = change.inode
        elif not name.endswith("-shm"):  # mapped memory: SQLite makes it anew
            self._files[change.inode] = file = _File()
            self._renamed.append({name: file})

    def _present(self, renamed: int) -> Iterator[tuple[str, _File]]:
        """The names, after the first so many changes since they were durable."""
        names = dict(self._names)
        for changed in self._renamed[:renamed]:
            for name, file in changed.items():
                if file is None:
                    names.pop(name, None)
                else:
                    names[name] = file
        yield from names.items()

    @staticmethod
    def _sync(file: _File) -> None:
        for change in file.pending:
            _apply(file.durable, change, lambda: True)
        file.pending.clear()


def _apply(content: bytearray, change: Change, kept: Callable[[], bool]) -> None:
    """Make a change of a file's content, as far as ``kept`` says, asked for each sector, that it is there."""
    if change.kind == "T":
        if kept():
            del content[change.offset :]
            content.extend(bytes(max(0, change.offset - len(content))))
        return
    at, end = change.offset, change.offset + len(change.content)
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        if kept():
            content.extend(bytes(max(0, at - len(content))))
            content[at:until] = change.content[at - change.offset : until - change.offset]
        at = until
