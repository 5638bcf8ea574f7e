"""Where the daemon listens: at the sockets that systemd handed over, else at its own.

Its own is made by the one who holds its lock, and removed by the same.
"""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from statekeep.daemon.systemd import listening_sockets

BACKLOG = 4096
"""Connects that may wait: a storm of clients gets EAGAIN beyond it."""


class SocketInUse(Exception):
    """Another daemon listens there."""


class UnusableSocket(Exception):
    """What systemd handed over is not a Unix stream socket that listens."""


@contextlib.contextmanager
def listener(path: Path) -> Iterator[list[socket.socket]]:
    """Listen at the sockets that were handed over, else at ``path``, for this user alone.

    Raises:
        SocketInUse, UnusableSocket: see there.
    """
    handed = listening_sockets()
    for each in handed:
        listens = each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if (each.family, each.type, listens) != (socket.AF_UNIX, socket.SOCK_STREAM, 1):
            raise UnusableSocket(f"the socket handed over at {each.getsockname()!r} is no listening Unix stream socket")
    if handed:
        yield handed
    else:
        with _own(path) as own:
            yield [own]


@contextlib.contextmanager
def _own(path: Path) -> Iterator[socket.socket]:
    """Listen at ``path``, for this user alone.

    A socket that a killed daemon left behind is in the way of ``bind``. It may only be removed by who holds the lock
    beside it; a daemon that merely found the file could remove the socket of one that lives.

    Raises:
        SocketInUse: another daemon holds the lock.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SocketInUse(f"another daemon listens at {path}") from None
        if path.is_socket():  # anything else is not ours to remove, and ``bind`` says that it is in the way
            path.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            before = os.umask(0o177)
            try:
                listening.bind(str(path))
            finally:
                os.umask(before)
            try:
                listening.listen(BACKLOG)
                yield listening
            finally:
                path.unlink(missing_ok=True)
    finally:
        os.close(lock)
