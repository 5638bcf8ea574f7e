"""The fixture and its machines, used as a user would."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.listening import UnusableSocket
from statekeep.protocol import Client, errors
from statekeep.testing import StateKeep, running

STATES: dict[str, Any] = {
    "submitted": {"on": {"SUBMIT_INFO": "under_review"}},
    "under_review": {"on": {"PAY_FEE": "docs", "WAIVE_FEE": "docs"}},
    "docs": {"initial": "open", "states": {"open": {"on": {"APPROVE": "#ok"}}}, "on": {"REJECT": "rejected"}},
    "approved": {"id": "ok", "type": "final"},
    "rejected": {"type": "final"},
}
LOAN: dict[str, Any] = {"id": "loan", "initial": "submitted", "states": STATES}
PAID = ["SUBMIT_INFO", "PAY_FEE"]


def test_a_machine_is_driven_and_looked_at(statekeep: StateKeep) -> None:
    """Through a route to another version, and by its key as well."""
    statekeep.deploy("loan-v1", LOAN)
    alice = statekeep.spawn("loan-v1", key="alice", context={"amount": 1}).send(*PAID)
    alice.assert_at("docs").assert_at("docs.open", version="loan-v1").assert_accepts("APPROVE", "REJECT")
    statekeep.deploy("loan-v2", {**LOAN, "description": "the same"}, parent="loan-v1", path=PAID)
    alice.assert_at("docs.open", version="loan-v2")
    assert statekeep.machine("alice").history == alice.history == PAID
    assert repr(alice) == "<alice at docs.open on loan-v2, active>"


def test_a_wrong_expectation_fails_with_what_is_there(statekeep: StateKeep) -> None:
    """In words that a reader of a test's output understands."""
    statekeep.deploy("loan-v1", LOAN)
    alice = statekeep.spawn("loan-v1", key="alice")
    with pytest.raises(AssertionError, match=r"<alice at submitted on loan-v1, active> is not at 'docs'"):
        alice.assert_at("docs")
    with pytest.raises(AssertionError, match="is not on 'loan-v2'"):
        alice.assert_at("submitted", version="loan-v2")
    with pytest.raises(AssertionError, match="accepts SUBMIT_INFO"):
        alice.assert_accepts("PAY_FEE")
    with pytest.raises(errors.EventNotAccepted, match="It accepts SUBMIT_INFO"):
        alice.send("PAY_FEE")


def test_a_definition_may_be_a_file(statekeep: StateKeep, tmp_path: Path) -> None:
    """Named by its path."""
    (tmp_path / "loan.json").write_text(json.dumps(LOAN))
    assert statekeep.deploy("loan-v1", tmp_path / "loan.json").created


def test_a_restart_loses_nothing(statekeep: StateKeep) -> None:
    """The same machine goes on."""
    statekeep.deploy("loan-v1", LOAN)
    alice = statekeep.spawn("loan-v1").send("SUBMIT_INFO")
    statekeep.restart()
    assert alice.send("PAY_FEE").history == PAID


def test_every_test_has_a_daemon_of_its_own(statekeep: StateKeep) -> None:
    """Which a client finds by itself, and which holds nothing at first."""
    with Client() as client:
        assert client.status().socket == str(statekeep.socket)
        assert client.versions().versions == []


def test_it_is_there_at_once() -> None:
    """Well within the 0.3 s that a test may wait for it; the best of three, as others use the machine too."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        with running() as statekeep:
            statekeep.client.status()
            times.append(time.perf_counter() - began)
            directory = statekeep.socket.parent
        assert not directory.exists()
    assert min(times) < 0.3


def test_a_failure_of_the_daemon_is_raised(tmp_path: Path) -> None:
    """Where the daemon was to be started."""
    with pytest.raises(UnusableSocket, match="at most 107"):
        StateKeep(tmp_path / ("x" * 120)).start()


def test_the_plugin_costs_other_projects_little() -> None:
    """It is loaded by every run of pytest; the daemon's libraries come with the first test that wants a daemon."""
    listing = "import sys, statekeep.testing; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    assert {"trio", "sqlite3", "cryptography", "statekeep.daemon.engine"}.isdisjoint(run.stdout.split())


def test_pytest_finds_the_fixture_by_itself(tmp_path: Path) -> None:
    """By its entry point, which the package declares."""
    (tmp_path / "test_it.py").write_text("def test_it(statekeep):\n    assert statekeep.client.status().actors == 0\n")
    declared = [point.value for point in importlib.metadata.entry_points(group="pytest11", name="statekeep")]
    plugin = [] if declared else ["-p", "statekeep.testing"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, "--rootdir", ".", "test_it.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in run.stdout, run.stdout
