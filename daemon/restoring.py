"""``statekeepd --restore``: a backup becomes the store again, or is only tried out.

The backup is opened, checked and verified in a directory beside the store before it takes its place. Who was erased
after it was made is erased again, by the journal; the anchor, which has seen later commits, is made anew. The same in a
directory that is thrown away is how a backup is tested: a backup that was never restored is a hope.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog

from statekeep.daemon.engine import erasing
from statekeep.daemon.engine.sweeping import resume
from statekeep.daemon.engine.verify import pages
from statekeep.daemon.engine.world import World
from statekeep.daemon.logs import RESTORED
from statekeep.daemon.store import (
    Secret,
    StoreExists,
    Until,
    UnusableCopy,
    check_copy,
    copy_in,
    locked,
    open_store,
    put,
    rebuild,
    replace,
)

log = structlog.stdlib.get_logger("statekeepd")

STORE: Final = "store.db"
"""The file of the store in the data directory."""


ANCHOR: Final = f"{STORE}.anchor"


class Unsound(Exception):
    """The backup opens, but is not what was backed up."""


class Restored(msgspec.Struct):
    """What a backup held."""

    store: str
    """Where it is now; empty when it was only tried out."""
    position: int
    time: int
    """Of the last thing that happened in it, in milliseconds; 0 if nothing did."""
    actors: int
    versions: int
    erased_again: int
    """Actors that were erased after the backup was made."""
    kept: str = ""
    """Where the store before it is."""


@dataclass(frozen=True)
class Place:
    """Where stores and what belongs to them are, and what opens them."""

    data: Path
    secrets: Sequence[Secret]
    clock: Callable[[], int]
    journal: Path | None = None
    anchor: Path | None = None
    """The directories of the erasure journal and of the anchor, if they are not to be beside the store."""


def check_named(backup: Path, until: Until) -> None:
    """Raise ``OSError`` or ``UnusableCopy`` if there is no such backup, before a key is sought or anything made."""
    backup.stat()
    if until != Until() and not backup.is_dir():
        raise UnusableCopy(f"{backup} is a file, which holds one moment; a point can be chosen of what was shipped")


def restore(backup: Path, until: Until, place: Place, *, replacing: bool) -> Restored:
    """Let the backup, a file or what was shipped to a directory, be the store of this place.

    ``until`` is the point to go back to, of a directory.

    Raises:
        StoreExists: there is a store, and it is not to be replaced.
        StoreInUse: a daemon has it.
        UnusableCopy, DamagedShipment, NothingShipped, WrongKey, Unsound: the backup is no good, or not for these keys;
            nothing was changed.
    """
    store = place.data / STORE
    place.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(store):
        if store.exists() and not replacing:
            raise StoreExists(f"{store} is there; --replace keeps it under another name, and puts the backup there")
        with tempfile.TemporaryDirectory(prefix=".restoring-", dir=place.data) as name:
            made = Path(name) / STORE
            anchor = (place.anchor or place.data) / ANCHOR
            if anchor.exists():
                # So that the restored store is numbered behind all that it has seen, and is the newest from now on.
                copy_in(anchor, made.with_name(ANCHOR))
            found = _prepare(backup, until, made, place, place.journal or place.data)
            found.store = str(store)
            kept = store.with_name(f"{STORE}.replaced-{place.clock()}")
            found.kept = str(kept) if store.exists() else ""
            replace(made, store, kept)
            put(made.with_name(ANCHOR), anchor)
            _give_to_owner(place.data)
    log.warning(
        "%s was restored, up to position %d, and its anchor made anew", store, found.position, message_id=RESTORED
    )
    return found


def rehearse(backup: Path, until: Until, place: Place, directory: Path) -> Restored:
    """Do all of it in a new directory in ``directory``, and throw that away. Raises as ``restore`` does."""
    with tempfile.TemporaryDirectory(prefix=".testing-", dir=directory) as name:
        return _prepare(backup, until, Path(name) / STORE, place, Path(name))


def _prepare(backup: Path, until: Until, made: Path, place: Place, journal: Path) -> Restored:
    if backup.is_dir():
        rebuild(backup, made, place.secrets, until)
    else:
        copy_in(backup, made)
    check_copy(made)
    return _examine(made, place, journal)


def _examine(made: Path, place: Place, journal: Path) -> Restored:
    with open_store(made, place.secrets, now=place.clock(), journal=journal, accept_rollback=True) as store:
        world = World(store, place.clock)
        resume(world)
        differences = [found for page in pages(world) for found in page.differences]
        if differences:
            who = ", ".join(str(actor) for actor in sorted({found.actor for found in differences})[:10])
            raise Unsound(f"the backup opens, but verify finds {len(differences):,} differences, at actors {who}")
        before, moment = len(world.erased), store.moment()
        erasing.resume(world)
        return Restored(
            store="",
            position=moment.position,
            time=moment.time,
            actors=sum(line.actors for line in world.actors.census()),
            versions=len(world.forest),
            erased_again=len(world.erased) - before,
        )


def _give_to_owner(data: Path) -> None:
    """Let what root has just made belong to the user whose daemon is to open it."""
    owner = data.stat()
    if os.geteuid() == 0:
        for file in data.glob(f"{STORE}*"):
            os.chown(file, owner.st_uid, owner.st_gid)


def discard(directory: Path) -> None:
    """Remove what an attempt that was cut off has left in the data directory."""
    for left in directory.glob(".restoring-*"):
        shutil.rmtree(left, ignore_errors=True)
