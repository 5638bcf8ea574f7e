"""Files that hold a key: made once, readable for their owner alone, never written over."""

import base64
import os
from collections.abc import Callable
from pathlib import Path

from statekeep.daemon.store.keys import KEY_SIZE

_HEADER = b"statekeep master key 1"


class InsecureKeyFile(Exception):
    """The file with a key can be read by others, or holds no key."""


def key_text(key: bytes) -> bytes:
    """A key as it stands in a file."""
    return b"%b\n%b\n" % (_HEADER, base64.b64encode(key))


def master_key(path: Path) -> bytes:
    """The key in the file ``path``.

    Raises:
        InsecureKeyFile: group or others may read or write the file, or it holds no key.
        FileNotFoundError: there is no such file.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        if mode & 0o077:
            raise InsecureKeyFile(f"{path} has mode {mode:04o}; make it unreadable for others: chmod 600 {path}")
        key = parse_key(file.read(1024))
    if key is None:
        raise InsecureKeyFile(f"{path} holds no master key; put back the file that was made with the store")
    return key


def parse_key(text: bytes) -> bytes | None:
    """The key in the content of a key file; None if there is none."""
    header, _, encoded = text.partition(b"\n")
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return None
    return key if header == _HEADER and len(key) == KEY_SIZE else None


def make_master_key(path: Path, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """A new key, in a new file ``path`` with mode 0600.

    The file is on the disk for good before this returns: a store whose key went with a power cut would be lost too.
    """
    key = random(KEY_SIZE)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key_text(key))
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
