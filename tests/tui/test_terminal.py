"""The screens in a real terminal, on a real daemon: the loan story, typed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from statekeep.protocol import Client
from statekeep.tui.cli import loan, story
from statekeep.tui.cli.throwaway import ThrowawayDaemon

ROOT = Path(__file__).parent.parent.parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: apt-get install tmux"),
]


class Terminal:
    """A terminal of tmux with one command in it."""

    def __init__(self, server: str, command: list[str]) -> None:
        self._tmux = ["tmux", "-L", server, "-f", "/dev/null"]
        # Of an environment, only what the command needs: a server of tmux keeps the one that it was started with.
        words = [
            "env",
            "-u",
            "COLUMNS",
            "-u",
            "LINES",
            f"PYTHONPATH={os.environ.get('PYTHONPATH', '')}",
            "TERM=xterm-256color",
            *command,
        ]
        self._run("new-session", "-d", "-x", "120", "-y", "40", shlex.join(words))

    def _run(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True).stdout

    @property
    def text(self) -> str:
        return self._run("capture-pane", "-p")

    def shows(self, *wanted: str, seconds: float = 30) -> str:
        """Wait until all of this is on the screen."""
        end = time.monotonic() + seconds
        while not all(one in self.text for one in wanted):
            assert time.monotonic() < end, f"{wanted} not in\n{self.text}"
            time.sleep(0.05)
        return self.text

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[ThrowawayDaemon]:
    """A daemon with 2,050 loans."""
    with ThrowawayDaemon(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("loan-v1", loan.definition("loan-v1"))
        story._apply(client)
        client.close()
        yield daemon


@pytest.fixture
def terminal(daemon: ThrowawayDaemon, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in which the screens have been opened."""
    terminal = Terminal(
        f"statekeep-{os.getpid()}", [sys.executable, "-m", "statekeep.tui", "--socket", str(daemon.socket)]
    )
    try:
        terminal.shows("2,050 actors", "awaiting_docs")
        yield terminal
    finally:
        terminal.close()


def test_the_loan_story_is_typed(daemon: ThrowawayDaemon, terminal: Terminal) -> None:
    """See who would move, deploy exactly that, look at who moved and who stayed, and miss nothing after a kill."""
    terminal.press("5")
    terminal.shows("the definition; tab completes")
    terminal.type(str(loan.file("loan-v2")))
    terminal.press("Enter")
    terminal.shows("a name that no version has yet")
    terminal.press("Enter")
    terminal.shows("the version it takes actors over from")
    terminal.type("loan-v1")
    terminal.press("Enter")
    terminal.shows("2,050 would migrate to loan-v2, 0 would stay.", "tab takes what they really did next")
    terminal.type("SUBMIT_INFO,PAY")
    terminal.shows("PAY_FEE 1,203")
    terminal.press("Tab")
    terminal.shows("1,203 would migrate to loan-v2, 847 would stay.", "→ migrated", "≠ diverged")
    terminal.press("C-s")
    terminal.shows("Type loan-v2 to go on")
    terminal.type("loan-v2")
    terminal.press("Enter")
    terminal.shows("✓ loan-v2 is deployed", "1,203 migrated to loan-v2, 847 stayed.")

    terminal.press("Escape", "Escape")
    terminal.shows("└─ loan-v2", "income_verify 1,203", "Changes of the routes")
    for key, place in (("alice", "● income_verify  here"), ("bob", "● awaiting_docs  here")):
        terminal.press(":")
        terminal.shows("leave; the daemon goes on")
        terminal.type(f"actor {key}")
        terminal.press("Enter")
        terminal.shows(f"{key} (actor", place)

    daemon.kill()
    terminal.shows("No daemon", "This screen goes by itself as soon as a daemon answers.")
    daemon.start()
    terminal.shows("bob (actor 2)", "● awaiting_docs  here", "● connected")
    terminal.press("C-q")
