"""New connections, as long as there is room for them: then they wait in the kernel's queue until others have ended."""

from __future__ import annotations

import errno
import logging
import resource
import select
import socket
from collections.abc import Iterator, Sequence
from math import inf
from typing import Final

import trio

log = logging.getLogger(__name__)

RESERVE: Final = 64
"""File descriptors that connections leave for the store, its backups and the log."""

AT_ONCE: Final = 256
"""Connections of one turn: a storm of them does not hold up those who are there."""

SILENCE: Final = 60.0
"""Seconds between two lines in the log about it: at the limit, connections come and go many times a second."""

_EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Listeners in a poll. They are taken out of it while no connection can be accepted, so that nobody spins."""

    def __init__(self, listeners: Sequence[socket.socket], poll: select.epoll) -> None:
        for listener in listeners:
            listener.setblocking(False)
        self._listeners = {listener.fileno(): listener for listener in listeners}
        self._poll = poll
        self._most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVE
        self._silent_until = -inf
        self.paused = True

    def resume(self) -> None:
        """Accept, or try to, from now on."""
        if self.paused:
            self.paused = False
            for number in self._listeners:
                self._poll.register(number, select.EPOLLIN)

    def pause(self) -> None:
        """Accept nobody until ``resume``."""
        if not self.paused:
            self.paused = True
            for number in self._listeners:
                self._poll.unregister(number)

    def accept(self, number: int, connected: int) -> Iterator[socket.socket]:
        """Yield those who wait at the listener ``number``; pause when there is no room beside the ``connected``."""
        for at in range(connected, connected + AT_ONCE):
            if at >= self._most:
                self._run_out(f"{at} connections are open")
                return
            try:
                accepted, _ = self._listeners[number].accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as problem:
                if problem.errno not in _EXHAUSTED:
                    raise
                self._run_out(str(problem.strerror))
                return
            yield accepted

    def _run_out(self, reason: str) -> None:
        if trio.current_time() >= self._silent_until:
            self._silent_until = trio.current_time() + SILENCE
            log.warning("new connections wait: %s", reason)
        self.pause()
