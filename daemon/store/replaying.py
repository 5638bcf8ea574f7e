"""Making a database again from what was shipped, as it was at some point."""

from __future__ import annotations

import bisect
import itertools
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from statekeep.daemon.store import wal
from statekeep.daemon.store.backup import Moment, moment, sync
from statekeep.daemon.store.shipment import BASE, DamagedShipment, Entry, Generation, generations, opened
from statekeep.daemon.store.slots import Secret

log = logging.getLogger(__name__)


class Until(NamedTuple):
    """Up to where; neither: as far as there is anything."""

    position: int | None = None
    time: int | None = None
    """Milliseconds, by the clock that the daemon had then."""

    def reaches(self, at: Moment | Entry) -> bool:
        """Whether this is not behind the point."""
        if self.position is not None:
            return at.position <= self.position
        return self.time is None or at.time <= self.time


class NothingShipped(Exception):
    """The directory holds nothing that reaches back so far."""


def rebuild(directory: Path, target: Path, secrets: Sequence[Secret], until: Until) -> Path:
    """Make the database ``target`` of the last generation that begins before the point, and return its directory.

    It is as the last commit left it that does not lie behind the point. Raises ``NothingShipped``, ``DamagedShipment``,
    ``WrongKey``.
    """
    generation, base = _choose(directory, secrets, until)
    with target.open("wb") as file:
        file.writelines(generation.open(base))
    pieces = _pieces(generation)
    wanted = list(itertools.takewhile(until.reaches, pieces))
    wanted += pieces[len(wanted) : len(wanted) + 1]  # the point lies in it, or before
    for _, log in itertools.groupby(wanted, lambda entry: entry.log):
        if not _carry(generation, list(log), target, until):
            break
    sync(target)
    return generation.path


def _choose(directory: Path, secrets: Sequence[Secret], until: Until) -> tuple[Generation, Entry]:
    paths = generations(directory)
    earliest = None
    for path in reversed(paths):
        generation = opened(path, secrets)
        if (base := generation.base) is None:
            continue  # the daemon ended before it was complete
        if until.reaches(base):
            return generation, base
        earliest = base
    if earliest is None:
        raise NothingShipped(f"{directory} holds nothing that was shipped")
    raise NothingShipped(f"{directory} reaches back to position {earliest.position:,} only")


def _pieces(generation: Generation) -> list[Entry]:
    """The pieces, up to the last one that is there: a copy of the directory may have been made while it grew."""
    pieces = [entry for entry in generation.entries if entry.file != BASE]
    for number, entry in enumerate(pieces, start=1):
        if entry.sequence != number:
            raise DamagedShipment(f"{generation.path / f'{number:08d}'} is missing")
    there = pieces.copy()
    while there and not (generation.path / there[-1].file).exists():
        there.pop()
    if missing := pieces[len(there) :]:
        log.warning(
            "%s ends with %s; the manifest tells of %d more",
            generation.path,
            there[-1].file if there else BASE,
            len(missing),
        )
    return there


def _carry(generation: Generation, log: Sequence[Entry], database: Path, until: Until) -> bool:
    """Carry a log into the database, as far as is wanted; False when there is more in it."""
    beside = database.with_name(f"{database.name}-wal")
    offset = 0
    with beside.open("wb") as file:
        for entry in log:
            if entry.offset != offset:
                raise DamagedShipment(f"{generation.path / entry.file} does not continue the piece before")
            file.writelines(generation.open(entry))
            offset += entry.size
    whole = until == Until() or _cut(database, beside, until)
    expected = _frames(beside)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        _, found, carried = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
    if not found == carried == expected:
        raise DamagedShipment(
            f"{generation.path / log[0].file} and the pieces up to {log[-1].file} hold {expected} pages, but SQLite "
            f"takes {found}"
        )
    beside.unlink(missing_ok=True)
    return whole


def _cut(database: Path, beside: Path, until: Until) -> bool:
    """Shorten the log to the last commit that is wanted; whether that is its last."""
    content = beside.read_bytes()
    frames = wal.commits(content[wal.HEADER :], wal.salts(content), wal.page_size(content))
    ends = [wal.HEADER + end for end in frames]

    def is_behind(end: int) -> bool:
        beside.write_bytes(content[:end])
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
        # Read-only: whoever closes the last other connection carries the log into the database.
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return not until.reaches(moment(connection))

    if not is_behind(ends[-1]):
        return True
    kept = bisect.bisect_left(ends, True, key=is_behind)
    beside.write_bytes(content[: ends[kept - 1]] if kept else b"")
    database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
    return False


def _frames(beside: Path) -> int:
    """How many pages the log is to hold."""
    with beside.open("rb") as file:
        header = file.read(wal.HEADER)
    return (beside.stat().st_size - wal.HEADER) // (wal.FRAME + wal.page_size(header)) if header else 0
