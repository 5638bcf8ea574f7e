"""Ballast: a file that holds room on the disk, so that an actor can be erased where there is none left."""

import logging
import os
from pathlib import Path

from statekeep.daemon.store.key_files import sync_directory

log = logging.getLogger(__name__)


class Ballast:
    """A file of ``size`` bytes that are in nobody's use; without a size there is none."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self.refill()

    def release(self) -> None:
        """Let go of the room."""
        self._path.unlink(missing_ok=True)

    def refill(self) -> None:
        """Take the room, if it is there to be taken; the log says if it is not, and what was held before stays."""
        held = self._path.stat().st_size if self._path.exists() else 0
        if held >= self._size:
            return
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
            sync_directory(self._path.parent)
        except OSError as problem:
            if held:
                os.truncate(self._path, held)
            else:
                self.release()
            log.warning("no room for %s (%s): on a full disk an actor may not be erased", self._path, problem.strerror)
