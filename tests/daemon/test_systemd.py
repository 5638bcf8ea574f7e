"""What the daemon says to systemd and takes from it."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from statekeep.daemon import logs, systemd
from statekeep.daemon.health import report
from statekeep.daemon.listening import UnusableSocket, listener
from statekeep.daemon.systemd import Journal, leads_to_journal, notify, starting, watchdog_interval


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield heard


def test_assignments_are_lines_of_one_message(manager: socket.socket) -> None:
    """As sd_notify has it."""
    notify("READY=1", "STATUS=all is well")
    assert manager.recv(4096) == b"READY=1\nSTATUS=all is well"


@pytest.mark.parametrize("address", ["", "relative", "/nonexistent/notify", "@nobody-listens-there"])
def test_nobody_who_listens_is_no_failure(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """The daemon runs as well without a manager, or behind one that went away."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")


def test_a_long_start_asks_for_time_until_it_ends(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request asks for three steps; after the start nobody is left who would ask."""
    monkeypatch.setattr(systemd, "STEP", 0.001)
    before = threading.active_count()
    with starting("loading the store"):
        for _ in range(3):
            assert manager.recv(4096) == b"EXTEND_TIMEOUT_USEC=3000\nSTATUS=loading the store"
    assert threading.active_count() == before


def test_a_start_that_hangs_is_not_given_time_for_ever(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ``LONGEST_START`` nothing more is asked for."""
    monkeypatch.setattr(systemd, "STEP", 0.001)
    monkeypatch.setattr(systemd, "LONGEST_START", 0.002)
    with starting("hanging"):
        manager.recv(4096)
        manager.recv(4096)
        manager.settimeout(0.05)
        with pytest.raises(TimeoutError):
            manager.recv(4096)


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_may_be_another_s(environ: dict[str, str], seconds: float | None) -> None:
    """Only what is meant for this process counts."""
    assert watchdog_interval(environ, 7) == seconds


def test_handed_sockets_must_listen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A unit with ListenDatagram= or a TCP port is refused, naming the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wrong:
        wrong.bind(str(tmp_path / "s"))
        handed = wrong.dup()
        monkeypatch.setattr("statekeep.daemon.listening.listening_sockets", lambda: [handed])
        with handed, pytest.raises(UnusableSocket, match=str(tmp_path)), listener(tmp_path / "other"):
            pass


def test_sockets_handed_to_another_process_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """LISTEN_PID says whose they are; children do not see the variables either."""
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert systemd.listening_sockets() == []
    assert "LISTEN_FDS" not in os.environ


class Loop:
    """A server and an engine of which it is known how often they turned; ``hang`` makes the loop stand still."""

    def __init__(self) -> None:
        self.turns = 0
        self.hang = False

    async def turn(self) -> None:
        if self.hang:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        self.turns += 1

    def summary(self) -> str:
        return "3 actors"


@pytest.mark.trio
async def test_no_sign_of_life_without_a_turn_of_the_loop(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """One sign a third of the watchdog's time, each after a turn; one that hangs is silent. A status is said once."""
    said: list[tuple[str, ...]] = []
    monkeypatch.setattr("statekeep.daemon.health.notify", lambda *signs: said.append(signs))
    loop = Loop()
    with trio.move_on_after(8.5):
        await report(loop, loop, 3.0)  # type: ignore[arg-type]
    assert said == [("WATCHDOG=1", "STATUS=3 actors")] + [("WATCHDOG=1",)] * 8
    said.clear()
    loop.hang = True
    with trio.move_on_after(60):
        await report(loop, loop, 3.0)  # type: ignore[arg-type]
    assert said == []


def test_the_journal_gets_fields(tmp_path: Path) -> None:
    """Message, priority, id and the fields of the line, in the journal's own protocol; lines breaks are framed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "journal"))
        with contextlib.closing(Journal(str(tmp_path / "journal"))) as journal:
            line = logging.makeLogRecord({"msg": "first\nsecond", "levelname": "CRITICAL", "position": 7})
            line.message_id = logs.REFUSED
            logs._JournalHandler(journal).emit(line)
        entry = journald.recv(4096)
    assert b"STATEKEEP_POSITION=7\n" in entry
    assert b"MESSAGE_ID=" + logs.REFUSED.encode() + b"\n" in entry
    assert b"PRIORITY=2\n" in entry
    assert b"MESSAGE\n\x0c\0\0\0\0\0\0\0first\nsecond\n" in entry


def test_the_journal_is_preferred_where_stderr_leads_to_it(tmp_path: Path) -> None:
    """JOURNAL_STREAM names device and inode; a stderr that was redirected since is another file."""
    with (tmp_path / "stream").open("wb") as stream, (tmp_path / "other").open("wb") as other:
        status = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert leads_to_journal(stream.fileno(), environ)
        assert not leads_to_journal(other.fileno(), environ)
        assert not leads_to_journal(stream.fileno(), {})
    assert not leads_to_journal(stream.fileno() if not stream.closed else 999_999, environ)


def test_a_line_of_json_has_the_fields() -> None:
    """For collectors: message, level, id and a time in UTC."""
    script = (
        "import structlog; from statekeep.daemon import logs; logs.configure('json');"
        "structlog.stdlib.get_logger().info('%s listens', 'it', message_id=logs.LISTENING, port=3)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert '"message":"it listens"' in run.stderr
    assert f'"message_id":"{logs.LISTENING}"' in run.stderr
    assert '"port":3' in run.stderr
    assert '"timestamp":"2' in run.stderr


def test_every_id_is_explained() -> None:
    """An operator who finds an id can look it up."""
    ids = {value for name, value in vars(logs).items() if name.isupper() and isinstance(value, str)}
    assert ids == set(logs.IDS)
