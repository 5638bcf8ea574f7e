"""How both clients reach the daemon's socket.

Connecting to a Unix socket never waits: it works, it fails, or it is put off because the daemon's queue is full, which
is what a storm of clients looks like from inside.
"""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from statekeep.protocol.errors import NoDaemon

_REASONS: Final = {
    errno.ENOENT: ("there is no such socket", "Start the daemon with `statekeepd`"),
    errno.ECONNREFUSED: ("nobody listens there any more", "Start the daemon with `statekeepd`"),
    errno.EACCES: ("this user may not use it", "Become a member of the socket's group"),
}


def dial(path: str) -> socket.socket | None:
    """Return a non-blocking connection, or None when the daemon's queue is full and a later attempt may succeed."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        connection.connect(path)
    except BlockingIOError:
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise NoDaemon(path, *_explained(path, error)) from error
    return connection


def _explained(path: str, error: OSError) -> tuple[str, str]:
    """Why there is no connection, and what to do."""
    if error.errno == errno.ECONNREFUSED and not Path(path).is_socket():
        return "that is no socket", "Check the path"
    return _REASONS.get(error.errno or 0, (error.strerror or str(error), "Check the path"))


def pauses() -> Iterator[float]:
    """Yield the seconds to wait between attempts: from 1 ms, doubling to 0.1 s.

    Each is off by chance, so that the clients of a storm spread out.
    """
    pause = 0.001
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing
        pause = min(2 * pause, 0.1)


def queue_full(path: str, seconds: float) -> NoDaemon:
    """Return the error for a queue that stayed full through all attempts."""
    return NoDaemon(path, f"its queue of connections was full for {seconds:g} s", "Repeat later")
