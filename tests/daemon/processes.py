"""The daemon as a process of its own, as a person or systemd starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LISTENS = "listens at"
"""What the daemon says when it can be reached."""


class Daemon:
    """``statekeepd`` on a directory. It has been reachable before the constructor returns."""

    def __init__(self, directory: Path, *more: str) -> None:
        self.data = directory / "data"
        self.socket = directory / "s"
        self.process = subprocess.Popen([*command(directory), *more], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        said = []
        for line in self.process.stderr:
            said.append(line)
            if LISTENS in line:
                return
        raise AssertionError(f"the daemon ended with {self.process.wait()}: {''.join(said)}")

    def end(self, number: signal.Signals) -> int:
        """Send a signal, if the process still runs, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait()


def command(directory: Path) -> list[str]:
    """How a daemon on this directory is started."""
    data, socket = str(directory / "data"), str(directory / "s")
    return [sys.executable, "-m", "statekeep.daemon", "--data", data, "--socket", socket]


@contextmanager
def running(directory: Path, *more: str) -> Iterator[Daemon]:
    """A daemon with these arguments that is killed behind the block, if it still runs."""
    daemon = Daemon(directory, *more)
    with daemon.process:
        try:
            yield daemon
        finally:
            daemon.end(signal.SIGKILL)
