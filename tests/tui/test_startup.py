"""A command loads what it needs, since it is started again for every event that a script sends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.tui import records
from tests.tui.conftest import Asked

LISTING = """\
import atexit, sys
from statekeep.tui.cli import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["actor", "alice", "--json"], {"rich", "anyio", "statekeep.daemon"}),
        (["--help"], {"msgspec", "statekeep.protocol", "statekeep.tui.cli.versions", "rich"}),
        (["actor", "--help"], {"rich", "statekeep.tui.cli.versions", "statekeep.tui.cli.running"}),
        (["actor", "alice"], {"anyio", "statekeep.daemon", "statekeep.tui.cli.story"}),
    ],
)
def test_a_simple_command_loads_little(daemon: Asked, words: list[str], absent: set[str]) -> None:
    """Neither a library nor a room that it has no use for."""
    daemon.answers(records.ALICE)
    command = [sys.executable, "-c", LISTING, "--socket", daemon.socket, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "statekeep.tui.cli" in loaded
    assert absent & loaded == set()
