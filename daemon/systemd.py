"""What a service and systemd say to each other: readiness, the watchdog, sockets that are handed over, the journal.

Without systemd all of it does nothing. Sources: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3), and the
description of the journal's native protocol.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping

_FIRST_DESCRIPTOR = 3
JOURNAL = "/run/systemd/journal/socket"

STEP = 10.0
"""Seconds between two requests for more time; each asks for three times as many."""

LONGEST_START = 1_800.0
"""Seconds after which a start is not given more time: something hangs."""


def notify(*assignments: str) -> None:
    """Tell the service manager ``READY=1``, ``STATUS=...`` and the like."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] in {"/", "@"}:
        # A manager that is being restarted hears the next one.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto("\n".join(assignments).encode(), address.replace("@", "\0", 1))


def watchdog_interval(environ: Mapping[str, str], pid: int) -> float | None:
    """Seconds within which the service manager wants a sign of life, None if it wants none."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid) or not environ.get("WATCHDOG_USEC", "").isdigit():
        return None
    return int(environ["WATCHDOG_USEC"]) / 1e6 or None


def listening_sockets() -> list[socket.socket]:
    """The sockets that the service manager handed over, as ``LISTEN_FDS`` counts them; children do not inherit them."""
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "0")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    handed = [socket.socket(fileno=number) for number in range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + int(count))]
    for each in handed:
        each.set_inheritable(False)
    return handed


@contextlib.contextmanager
def starting(status: str) -> Iterator[None]:
    """Ask for more time while the block runs, and say why: a large store takes its seconds to load."""
    done = threading.Event()

    def ask() -> None:
        for _ in range(int(LONGEST_START / STEP)):
            notify(f"EXTEND_TIMEOUT_USEC={int(STEP * 3e6)}", f"STATUS={status}")
            if done.wait(STEP):
                return

    asking = threading.Thread(target=ask, name="starting", daemon=True)
    if os.environ.get("NOTIFY_SOCKET"):
        asking.start()
    try:
        yield
    finally:
        done.set()
        if asking.ident:
            asking.join()


def leads_to_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether what is written to a descriptor goes to journald, as ``JOURNAL_STREAM`` tells."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class Journal:
    """Sends entries with fields to journald.

    Raises:
        OSError: it can't be reached.
    """

    def __init__(self, address: str = JOURNAL) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.connect(address)

    def close(self) -> None:
        self._socket.close()

    def send(self, fields: Mapping[str, str]) -> None:
        """Send one entry. Names of fields are upper-case letters, digits and underscores."""
        self._socket.send(b"".join(_field(name, value.encode(errors="replace")) for name, value in fields.items()))


def _field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return b"%b\n%b%b\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
    return b"%b=%b\n" % (name.encode(), value)
