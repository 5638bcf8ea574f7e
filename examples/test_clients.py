"""The clients in other languages, each run as a user would, where its language is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from statekeep.testing import StateKeep

HERE = Path(__file__).parent


def run(*command: str) -> list[str]:
    """The lines that a program prints; the socket is in its environment."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_node(statekeep: StateKeep) -> None:
    """A repeated payment happens once, and an error has its code."""
    assert run("node", "client.mjs") == ["paid, as before", "event_not_accepted"]
    assert statekeep.machine(1).assert_at("paid").history == ["PAY"]


@pytest.mark.slow
def test_go(statekeep: StateKeep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is compiled, which takes seconds, and finds the order finished."""
    monkeypatch.setenv("GOCACHE", str(tmp_path))
    assert run("go", "run", "client.go") == ["paid done", "actor_finished"]
    statekeep.machine(1).assert_at("paid")


def test_a_shell(statekeep: StateKeep) -> None:
    """Requests go in and answers come out as lines."""
    if (
        shutil.which("nc") is None
        or "-N" not in subprocess.run(["nc", "-h"], capture_output=True, text=True, check=False).stderr
    ):
        pytest.skip("nc has no -N")
    answers = {answer["id"]: answer["ok"] for answer in map(json.loads, run("sh", "client.sh"))}
    assert answers[3]["state"] == answers[4]["state"] == "paid"
    assert os.environ["STATEKEEP_SOCKET"] == str(statekeep.socket)


@pytest.mark.parametrize(("file", "lines"), [("client.mjs", 65), ("client.go", 95), ("client.sh", 15)])
def test_a_client_is_written_in_an_evening(file: str, lines: int) -> None:
    """Each stays short enough to be copied by hand."""
    assert len((HERE / file).read_text().splitlines()) <= lines
