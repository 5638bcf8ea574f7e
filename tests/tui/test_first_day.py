"""``init`` and ``dev``: from nothing to a daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from statekeep.daemon.config import check
from statekeep.protocol import Client
from tests.tui.conftest import STATEKEEP, Run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who has nothing of StateKeep yet."""
    for name in list(os.environ):
        if name.startswith(("STATEKEEP_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    return tmp_path


def test_init_makes_what_is_missing(run: Run, home: Path) -> None:
    """A configuration that is sound, a store with two keys, units that start this installation's daemon."""
    code, out, err = run("init")
    assert (code, err) == (0, "")
    assert [line.split()[:2] for line in out.splitlines()[:5]] == [
        ["made", "configuration"],
        ["made", "store"],
        ["made", "key"],
        ["made", "unit"],
        ["made", "unit"],
    ]
    check((home / ".config/statekeep/statekeep.toml").read_text(), "it")
    assert (home / ".local/share/statekeep/master.key").stat().st_mode & 0o777 == 0o600
    service = (home / ".config/systemd/user/statekeep.service").read_text()
    assert f"ExecStart={Path(sys.executable).parent}/statekeepd" in service
    assert len(out.partition("one time.\n")[2].split()[0]) == 44  # 36 letters in groups of four


def test_init_leaves_alone_what_is_there(run: Run, home: Path) -> None:
    """A second run changes no file, and makes no second recovery key."""
    first = json.loads(run("init", "--json").out)
    assert first["recovery_key"]
    config = home / ".config/statekeep/statekeep.toml"
    config.write_text(config.read_text() + "\n# mine\n")
    again = json.loads(run("init", "--json").out)
    assert again["recovery_key"] is None
    assert [made["new"] for made in again["made"]] == [False] * 5
    assert config.read_text().endswith("# mine\n")


def test_init_without_units_writes_none(run: Run, home: Path) -> None:
    """For those who have no systemd."""
    assert run("init", "--no-units", "--quiet") == (0, "", "")
    assert not (home / ".config/systemd").exists()


def test_a_recovery_key_that_nobody_sees_is_not_made(run: Run, home: Path) -> None:
    """``--quiet`` would have shown it to nobody, so the next run still makes it."""
    run("init", "--quiet")
    assert json.loads(run("init", "--json").out)["recovery_key"]


@pytest.fixture
def dev(home: Path) -> Iterator[subprocess.Popen[str]]:
    """``statekeep dev`` with a directory of its own, when it listens."""
    command = [*STATEKEEP, "dev", "--directory", str(home / "here")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if "listens at" in line:
                break
        yield process
        process.kill()


def test_dev_serves_until_ctrl_c(dev: subprocess.Popen[str], home: Path) -> None:
    """In the directory that was named, and nowhere else."""
    with Client(home / "here/statekeep.sock") as client:
        assert client.status().store == str(home / "here/data")
    dev.send_signal(signal.SIGINT)
    assert dev.wait(20) == 0
    assert not (home / ".local").exists()
