"""The daemon keeps what it holds in memory to itself, and what callers wrote out of its log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from statekeep.protocol import Client
from statekeep.protocol.errors import StatekeepError
from tests.daemon.processes import LISTENS, command, running

WORDS = ["confidentialVersion", "SECRET_EVENT", "secret-key-1984", "DE02120300000000202051", "hiddenState"]

PRIVATE = """
import ctypes
from statekeep.daemon.hardening import keep_memory_private
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE
keep_memory_private()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""

FAILING = """
from statekeep.daemon.hardening import keep_errors_private
keep_errors_private()
try:
    {"secret-key-1984": 1}["DE02120300000000202051"]
except KeyError as inner:
    raise ExceptionGroup("secret-key-1984", [inner, ValueError("hiddenState")])
"""


def test_the_memory_leaves_no_trace(tmp_path: Path) -> None:
    """No core file whatever kills the process, and no look into its memory for another process of its user."""
    with running(tmp_path) as daemon:
        proc = Path("/proc") / str(daemon.process.pid)
        assert re.search(r"(?m)^Max core file size +0 +0 ", (proc / "limits").read_text())
        # The kernel gives the files of a process that is not dumpable to root, and denies them to its own user.
        assert (proc / "mem").stat().st_uid == 0
        if os.getuid():
            with pytest.raises(PermissionError):
                (proc / "mem").open("rb")
        assert daemon.end(signal.SIGABRT) == -signal.SIGABRT
        assert not list(tmp_path.rglob("core*"))


def test_a_private_process_is_not_dumpable() -> None:
    """Not even into the pipe of a crash collector, which the limit does not hold off."""
    done = subprocess.run([sys.executable, "-c", PRIVATE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "0"]


def test_the_log_has_no_word_of_its_callers(tmp_path: Path) -> None:
    """Neither of what is carried out, nor of what is refused, nor of a fault in the daemon itself."""
    version, event, key, account, state = WORDS
    process = subprocess.Popen(command(tmp_path), stderr=subprocess.PIPE, text=True)
    assert process.stderr
    while LISTENS not in process.stderr.readline():
        pass
    with process, Client(tmp_path / "s") as client:
        client.deploy(version, {"initial": state, "states": {state: {"on": {event: state}}}})
        client.spawn(version, key, {"account": account})
        client.send(key, event, {"account": account})
        recovery = client.key_add_recovery().secret
        exported = client.key_export_recovery().secret.splitlines()[1]
        client.key_rotate()
        for refused in (
            lambda: client.spawn(version, key),
            lambda: client.send(account, event),
            lambda: client.deploy(version, {"initial": account, "states": {}}),
            lambda: client.spawn(account, key),
        ):
            with pytest.raises(StatekeepError):
                refused()
        process.terminate()
        log = process.stderr.read()
    assert "stopping" in log
    assert [word for word in [*WORDS, recovery, exported] if word in log] == []


def test_an_exception_that_nobody_caught_says_where_and_not_what() -> None:
    """Kinds and places of all exceptions of a group, and not one of their messages."""
    done = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ended by ExceptionGroup" in done.stderr
    assert "KeyError\n" in done.stderr
    assert "ValueError\n" in done.stderr
    assert 'File "<string>", line 5' in done.stderr
    assert [word for word in WORDS if word in done.stderr] == []
