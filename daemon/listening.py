"""Where the daemon listens: at the sockets that systemd handed over, else at its own.

Its own is made by the one who holds its lock, and removed by the same.
"""

import contextlib
import fcntl
import os
import resource
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from statekeep.daemon.systemd import listening_sockets

BACKLOG: Final = 4096
"""Connects that may wait: a storm of clients gets EAGAIN beyond it."""


LONGEST: Final = 107
"""Bytes of a socket's path: unix(7)."""


class SocketInUse(Exception):
    """Another daemon listens there."""


def raise_file_limit() -> None:
    """Let this process have as many files open as it may: each connection is one, and the usual limit is 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class UnusableSocket(Exception):
    """What systemd handed over is not a Unix stream socket that listens; or no socket can have the path."""


Listening = Callable[[], contextlib.AbstractContextManager[list[socket.socket]]]
"""Begins to listen, until the block is left."""


@contextlib.contextmanager
def listener(path: Path, group: int | None = None) -> Iterator[list[socket.socket]]:
    """Claim the place and listen there at once."""
    with claimed(path, group) as listening, listening() as sockets:
        yield sockets


@contextlib.contextmanager
def claimed(path: Path, group: int | None = None) -> Iterator[Listening]:
    """Keep everybody else from listening at ``path``, unless there are sockets that were handed over.

    What is yielded listens, for this user and for the members of ``group``: a daemon that would come too late is to
    know before it has made a store, and one that opens its store is not to be connected to.

    Raises:
        SocketInUse, UnusableSocket: see there.
    """
    handed = listening_sockets()
    for each in handed:
        listens = each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if (each.family, each.type, listens) != (socket.AF_UNIX, socket.SOCK_STREAM, 1):
            raise UnusableSocket(f"the socket handed over at {each.getsockname()!r} is no listening Unix stream socket")
    if handed:
        yield lambda: contextlib.nullcontext(handed)
    else:
        if (length := len(os.fsencode(path))) > LONGEST:
            raise UnusableSocket(f"{path} has {length} bytes, and the path of a socket at most {LONGEST}: name another")
        with _locked(path, group):
            yield partial(_own, path, group)


@contextlib.contextmanager
def _locked(path: Path, group: int | None) -> Iterator[None]:
    """Hold the lock of ``path``, where nothing is then.

    A directory that has to be made for the socket is made for the same people; one that is there stays as it is.

    A socket that a killed daemon left behind is in the way of ``bind``. It may only be removed by who holds the lock
    beside it; a daemon that merely found the file could remove the socket of one that lives.

    Raises:
        SocketInUse: another daemon holds the lock, or something that knows of no lock listens there.
    """
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
        _share(path.parent, group, 0o710)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SocketInUse(f"another daemon listens at {path}") from None
        if path.is_socket():  # anything else is not ours to remove, and ``bind`` says that it is in the way
            if _is_listening(path):
                raise SocketInUse(
                    f"somebody listens at {path} without its lock: the service manager, or another program"
                )
            path.unlink()
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def _own(path: Path, group: int | None) -> Iterator[list[socket.socket]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        _share(path, group, 0o660)
        try:
            listening.listen(BACKLOG)
            yield [listening]
        finally:
            path.unlink(missing_ok=True)


def _is_listening(path: Path) -> bool:
    """Whether a connection is taken there, or would be if the queue had room."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(str(path))
        except BlockingIOError:
            return True
        except ConnectionRefusedError:
            return False
    return True


def _share(path: Path, group: int | None, mode: int) -> None:
    if group is not None:
        os.chown(path, -1, group)
        path.chmod(mode)
