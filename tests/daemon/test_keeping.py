"""What a daemon keeps for the next start when it is stopped, and only then."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from statekeep.protocol import Client
from tests.daemon import processes
from tests.daemon.processes import command, running

WHATEVER_ITS_SIZE = """
import sys
from statekeep.daemon.__main__ import main
from statekeep.daemon.engine import keeping
keeping.WORTH_IT = 0
sys.exit(main(sys.argv[1:]))
"""

LIGHT = {"initial": "off", "states": {"off": {"on": {"TOGGLE": "on"}}, "on": {"on": {"TOGGLE": "off"}}}}


@pytest.fixture(autouse=True)
def _however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    program = [sys.executable, "-c", WHATEVER_ITS_SIZE]
    monkeypatch.setattr(processes, "command", lambda directory: program + command(directory)[3:])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stop_keeps_what_a_kill_does_not(tmp_path: Path, number: signal.Signals) -> None:
    """The start after it takes the file, for its user alone, and the events go on from where they were."""
    kept = tmp_path / "data" / "store.db.columns"
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("v", LIGHT)
        client.spawn("v", key="lamp")
        assert client.send("lamp", "TOGGLE").state == "on"
        daemon.end(number)
    assert kept.exists() == (number is signal.SIGTERM)
    if kept.exists():
        assert kept.stat().st_mode & 0o777 == 0o600
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        assert not kept.exists()
        assert client.send("lamp", "TOGGLE").state == "off"
        assert client.get("lamp").events == 2
        assert client.verify().differences == []
        assert daemon.end(signal.SIGTERM) == 0
    assert kept.exists()
