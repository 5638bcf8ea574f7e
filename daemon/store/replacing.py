"""Putting a restored database where a daemon will look for it.

Nothing is there half at any moment: the restored database is made whole in a directory of its own, on the same file
system, and gets its name by a rename. A database that it replaces stays beside it under another name, with its log.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from statekeep.daemon.store.backup import sync
from statekeep.daemon.store.key_files import sync_directory

LOG: Final = "-wal"
INDEX: Final = "-shm"


class StoreExists(Exception):
    """There is a store where one is to be restored."""


def copy_in(source: Path, target: Path) -> None:
    """Copy a database, and its log if it has one, readable for their owner alone. Raises ``OSError``."""
    _copy(source, target)
    if _with(source, LOG).exists():
        _copy(_with(source, LOG), _with(target, LOG))


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with source.open("rb") as reading, os.fdopen(descriptor, "wb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fsync(writing.fileno())


def put(source: Path, target: Path) -> None:
    """Let ``target``, which may be on another file system, be a copy of ``source``, at once and durably."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    _copy(source, unfinished)
    unfinished.rename(target)
    sync_directory(target.parent)


def replace(restored: Path, store: Path, kept: Path) -> None:
    """Let the closed database ``restored`` be the one at ``store``, and what was there be at ``kept``.

    Cut off in between, ``store`` is one of the two; the one before perhaps without its log, which is at ``kept`` then,
    and it is refused for that, or this is repeated. Whoever calls holds the lock of ``store``.
    """
    for suffix in ("", LOG):
        if (before := _with(store, suffix)).exists():
            os.link(before, _with(kept, suffix))
    sync_directory(store.parent)
    # The log of the one before would be taken for one of the restored database, and carried into it.
    for suffix in (LOG, INDEX):
        _with(store, suffix).unlink(missing_ok=True)
    sync_directory(store.parent)
    sync(restored)
    restored.rename(store)
    sync_directory(store.parent)


def _with(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
