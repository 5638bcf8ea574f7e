"""``doctor``: what it finds at a daemon that is well, and at each thing that can be wrong."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from statekeep.protocol.errors import Forbidden, StatekeepError
from statekeep.protocol.messages import AnyRequest, KeyStatus, StatusRequest
from statekeep.protocol.records import KeyEpoch, Keys, KeySlot, LastBackup, Peer, Record, ServerStatus, Shipped
from statekeep.testing import StateKeep
from statekeep.tui.cli import checks
from statekeep.tui.cli.checks import Check
from statekeep.tui.cli.throwaway import ThrowawayDaemon
from tests.protocol import fakes
from tests.protocol.fakes import fake_daemon
from tests.tui import records
from tests.tui.conftest import Run

ADMIN = Peer(uid=0, gid=0, pid=1, user="root", role="admin")
SLOTS = [KeySlot(slot=1, kind="file", created=1, held=True), KeySlot(slot=2, kind="recovery", created=1)]
KEYS = Keys(epoch=1, epochs=[KeyEpoch(epoch=1, created=1)], slots=SLOTS)


@pytest.fixture(autouse=True)
def no_units(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever units this machine has are of no interest."""
    monkeypatch.setattr(checks, "UNIT_FOLDERS", {"user": (str(tmp_path / "units"),)})


@pytest.fixture
def examined(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Check]]:
    """The checks, by name, of a daemon that answers so."""

    def examined(
        keys: Keys | StatekeepError = KEYS, status: ServerStatus = records.STATUS, peer: Peer | None = ADMIN
    ) -> dict[str, Check]:
        def answer(request: AnyRequest) -> Record | StatekeepError:
            match request:
                case StatusRequest():
                    return status
                case KeyStatus():
                    return keys
            raise AssertionError(request)

        monkeypatch.setattr(fakes, "WELCOME", msgspec.structs.replace(fakes.WELCOME, you=peer))
        with fake_daemon(tmp_path / "s", answer):
            out = run("doctor", "--socket", str(tmp_path / "s"), "--json").out
        (tmp_path / "s").unlink(missing_ok=True)
        found = msgspec.convert(json.loads(out)["checks"], list[Check])
        return {check.name: check for check in found}

    return examined


def test_a_daemon_that_is_well(run: Run, statekeep: StateKeep) -> None:
    """A real one: nothing is wrong, and every check with something to say has its advice."""
    done = run("doctor", "--json")
    found = msgspec.convert(json.loads(done.out)["checks"], list[Check])
    names = {check.name for check in found}
    assert {"configuration", "evaluator", "socket", "daemon", "role", "SQLite", "keys", "disk", "clock"} <= names
    assert [check for check in found if check.level == "bad"] == []
    assert [check for check in found if (check.level in {"warning", "bad"}) != bool(check.fix)] == []


def test_no_daemon_is_wrong(run: Run, tmp_path: Path) -> None:
    """Exit code 2, and how to start one."""
    code, out, _ = run("doctor", "--socket", str(tmp_path / "none"))
    assert code == 2
    assert "wrong  socket" in out
    assert "statekeep dev" in out


def test_a_socket_that_nobody_serves_is_told_from_none(run: Run, tmp_path: Path) -> None:
    """And from a file that is no socket."""
    (tmp_path / "file").write_text("")
    assert "is no socket" in run("doctor", "--socket", str(tmp_path / "file")).out
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "s"))
    assert "nobody listens there" in run("doctor", "--socket", str(tmp_path / "s")).out


def test_a_single_key_is_a_warning(examined: Callable[..., dict[str, Check]]) -> None:
    """With the command that makes another."""
    found = examined(msgspec.structs.replace(KEYS, slots=SLOTS[:1]))["keys"]
    assert found.level == "warning"
    assert "add-recovery" in found.fix


def test_who_may_not_see_the_keys_is_not_blamed(examined: Callable[..., dict[str, Check]]) -> None:
    """It is unknown, and no warning."""
    viewer = msgspec.structs.replace(ADMIN, role="viewer")
    found = examined(Forbidden("key_status", "admin", viewer), peer=viewer)
    assert found["keys"].level == "unknown"
    assert found["role"].found == "root is viewer"


def test_another_version_is_a_warning(examined: Callable[..., dict[str, Check]]) -> None:
    """The fake is version 0."""
    assert examined()["daemon"].level == "warning"


def test_actors_that_a_rotation_left_behind_are_wrong(examined: Callable[..., dict[str, Check]]) -> None:
    """Their number, and who names them."""
    assert "3 actors" in examined(msgspec.structs.replace(KEYS, stuck=3))["rotation"].found


def test_backups_are_asked_after(examined: Callable[..., dict[str, Check]]) -> None:
    """None is a warning once there is something to lose, and an old one; shipping is good until it is late or fails."""

    def backup(**facts: Any) -> Check:
        return examined(status=msgspec.structs.replace(records.STATUS, **facts))["backup"]

    now = int(time.time() * 1000)
    shipped = Shipped(directory="/backup", position=5, behind=2)
    made = LastBackup(position=5, time=now, size=100, verified=True)
    assert backup(backup=None, shipped=None, actors=0).level == "unknown"
    assert backup(backup=None, shipped=None, actors=1).level == "warning"
    late = backup(shipped=msgspec.structs.replace(shipped, lag=180_000))
    assert (late.level, "3 min ago" in late.found) == ("warning", True)
    assert backup(backup=made, shipped=None).level == "good"
    assert backup(backup=msgspec.structs.replace(made, verified=False), shipped=None).level == "warning"
    assert backup(backup=msgspec.structs.replace(made, time=now - 3 * 86_400_000), shipped=None).level == "warning"
    assert "2 positions behind" in backup(shipped=shipped).found
    broken = backup(shipped=msgspec.structs.replace(shipped, failure="disk full"))
    assert (broken.level, "disk full" in broken.found) == ("bad", True)


def test_a_backup_that_is_named_is_restored_to_try_it_out(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is good with what it holds; one that is damaged is wrong, and ends the command with 2."""
    backup = tmp_path / "backup.db"
    monkeypatch.setenv("STATEKEEP_DATA", str(tmp_path / "data"))  # where the key is
    with ThrowawayDaemon(tmp_path) as daemon:
        monkeypatch.setenv("STATEKEEP_SOCKET", str(daemon.socket))
        assert run("backup", "--no-verify", str(backup)).code == 0
        assert "restore  " in run("doctor", "--backup", str(backup)).out
        backup.write_bytes(backup.read_bytes()[:-4096])
        broken = run("doctor", "--backup", str(backup), "--json")
    assert broken.code == 2
    (found,) = (check for check in json.loads(broken.out)["checks"] if check["level"] == "bad")
    assert found["name"] == "restore"
    assert found["fix"]


def test_a_start_in_the_future_is_a_clock_put_back(examined: Callable[..., dict[str, Check]]) -> None:
    """More than a correction of a second."""
    assert examined()["clock"].level == "good"
    status = msgspec.structs.replace(records.STATUS, started=1 << 45)
    assert examined(status=status)["clock"].level == "warning"


def test_a_full_disk_and_a_long_log_are_named(
    examined: Callable[..., dict[str, Check]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store's own files are looked at, and the disk that they are on."""
    (tmp_path / "store.db").write_bytes(b"x" * 5000)
    with (tmp_path / "store.db-wal").open("wb") as log:
        log.truncate(checks.LOG_LIMIT + 1)
    monkeypatch.setattr(checks, "NO_ROOM", 1 << 62)
    found = examined(status=msgspec.structs.replace(records.STATUS, store=str(tmp_path)))
    assert found["store"].found.endswith("store.db, 4.9 KiB")
    assert found["log"].level == "warning"
    assert found["disk"].level == "bad"


def test_a_store_of_somebody_else_is_unknown(examined: Callable[..., dict[str, Check]]) -> None:
    """The fake's is at a place that is not there."""
    assert examined()["store"].level == "unknown"


def test_a_unit_that_was_changed_is_named(tmp_path: Path, examined: Callable[..., dict[str, Check]]) -> None:
    """Another place of the program is no change; another setting is."""
    (tmp_path / "units").mkdir()
    unit = tmp_path / "units/statekeep.service"
    text = (Path(checks.__file__).parent / "units/user/statekeep.service").read_text()
    unit.write_text("# mine\n" + text.replace("/usr/bin/", "/opt/statekeep/bin/"))
    assert examined()["unit"].level == "good"
    unit.write_text(text.replace("WatchdogSec=30s\n", ""))
    assert examined()["unit"].level == "warning"


def test_a_wrong_configuration_is_named(
    examined: Callable[..., dict[str, Check]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is wrong in it."""
    (tmp_path / "c.toml").write_text("[daemon]\nsokket = 1\n")
    monkeypatch.setenv("STATEKEEP_CONFIG", str(tmp_path / "c.toml"))
    found = examined()["configuration"]
    assert found.level == "bad"
    assert "daemon.socket" in found.found
