"""A daemon for a demonstration: a process of its own on a directory of its own, to be killed and started again."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from statekeep.protocol import Client
from statekeep.protocol.errors import NoDaemon
from statekeep.tui.cli.failures import UnusableInput

_PATIENCE: Final = 20.0
"""Seconds that a daemon may take to start or to stop: a hundred times what it needs."""


class ThrowawayDaemon:
    """``statekeepd`` on ``directory``. Leaving the context stops it."""

    def __init__(self, directory: Path, data: Path | None = None) -> None:
        """Keep the store in ``data``, else in the directory too, where socket and log are."""
        self.data = data or directory / "data"
        self.socket = directory / "statekeep.sock"
        self._log = directory / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> float:
        """Start the process; return the seconds until it answered. Raises ``UnusableInput`` when it does not."""
        assert self._process is None or self._process.poll() is not None, "the one before would answer in its place"
        command = [sys.executable, "-m", "statekeep.daemon", "--data", str(self.data), "--socket", str(self.socket)]
        began = time.monotonic()
        with self._log.open("ab") as log:
            # A session of its own, so that Ctrl-C ends the demo and the demo ends the daemon.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._process = process
        while not self._answers():
            if process.poll() is not None or time.monotonic() - began > _PATIENCE:
                raise self._failure(process)
            time.sleep(0.005)
        return time.monotonic() - began

    def kill(self) -> int:
        """End the process as the kernel does when memory runs out; return how it ended, minus the signal's number."""
        assert self._process
        self._process.kill()
        return self._process.wait()

    def stop(self) -> None:
        """Ask the process to end, if there is one; insist if it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def leave(self) -> None:
        """Let the process run on, also after this one has ended."""
        self._process = None

    def files(self) -> list[Path]:
        """Everything that the daemon keeps, while it runs."""
        return sorted(file for file in self.data.rglob("*") if file.is_file())

    def _answers(self) -> bool:
        try:
            with Client(self.socket):
                return True
        except NoDaemon:
            return False

    def _failure(self, process: subprocess.Popen[bytes]) -> UnusableInput:
        ended = "did not answer" if process.poll() is None else f"ended with {process.returncode}"
        words = self._log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        return UnusableInput(
            f"The demo's daemon {ended}: {words[0]}",
            f"run {sys.executable} -m statekeep.daemon on {self.data.parent}",
            "If a library is missing: pip install 'statekeep[all]'. --keep DIR keeps daemon.log.",
        )
