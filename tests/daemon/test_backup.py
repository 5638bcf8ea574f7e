"""``statekeep backup`` and ``restore`` on a daemon that is a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from statekeep.protocol import Client
from statekeep.protocol.errors import ConnectionLost, NoDaemon
from statekeep.protocol.messages import Backup, BackupRead, Get, Send, Spawn, Verify
from statekeep.protocol.records import Actor
from tests.daemon.processes import Daemon, running
from tests.daemon.serving import LIGHT
from tests.tui.conftest import STATEKEEP

ACTORS = 5
MOST = 200
"""Few: every event is verified afterwards, several times."""


def statekeep(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    where = ["--data", str(directory / "data"), "--socket", str(directory / "s")]
    return subprocess.run([*STATEKEEP, *words, *where], capture_output=True, text=True, check=False)


class Load(threading.Thread):
    """Sends events to all actors, ``MOST`` times or until it is told to end; knows how often it was answered."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self.rounds = 0
        self.turning = threading.Semaphore(0)
        self.over = threading.Event()
        self._socket = daemon.socket

    def run(self) -> None:
        try:
            with Client(self._socket, retry_for=0) as client:
                while not self.over.is_set() and self.rounds < MOST:
                    client.call_many([Send(actor, "TOGGLE", "x" * 50) for actor in range(1, ACTORS + 1)])
                    self.rounds += 1
                    self.turning.release()
        except (NoDaemon, ConnectionLost):
            pass
        finally:
            self.turning.release()


def fill(daemon: Daemon) -> None:
    """Deploy, and spawn the actors."""
    with Client(daemon.socket) as client:
        client.deploy("light", LIGHT)
        client.call_many([Spawn("light", str(number)) for number in range(ACTORS)])


def events(client: Client) -> list[int]:
    """How many events each actor has processed."""
    found = client.call_many([Get(actor) for actor in range(1, ACTORS + 1)])
    return [actor.events for actor in found if isinstance(actor, Actor)]


def test_a_backup_under_load_is_restored_elsewhere(tmp_path: Path) -> None:
    """It holds what had been answered before it was asked for, of one moment, and ``verify`` finds no difference."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "data").mkdir(parents=True)
    with running(tmp_path) as daemon:
        fill(daemon)
        load = Load(daemon)
        load.start()
        load.turning.acquire()
        before = load.rounds
        done = statekeep(tmp_path, "backup", str(tmp_path / "b"), "--json")
        load.over.set()
        load.join()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["size"] == (tmp_path / "b").stat().st_size
    (elsewhere / "data" / "master.key").write_bytes((tmp_path / "data" / "master.key").read_bytes())
    (elsewhere / "data" / "master.key").chmod(0o600)
    restored = statekeep(elsewhere, "restore", str(tmp_path / "b"))
    assert restored.returncode == 0, restored.stderr
    assert f"Verified: {ACTORS} actors, 1 version; position" in restored.stdout
    with running(elsewhere) as daemon, Client(daemon.socket) as client:
        counts = events(client)
        assert len(counts) == ACTORS
        assert min(counts) >= before
        assert max(counts) <= load.rounds
        assert [page.differences for page in client.pages(Verify(limit=1_000))] == [[]] * len(
            list(client.pages(Verify(limit=1_000)))
        )


def test_a_daemon_that_is_killed_leaves_no_backup(tmp_path: Path) -> None:
    """The command fails, the file that was there stays, and the next start removes what was left of the copy."""
    (tmp_path / "b").write_text("yesterday's")
    with running(tmp_path) as daemon:
        fill(daemon)
        with Client(daemon.socket, retry_for=0) as client:
            begun = client.call(Backup())
            while not client.call(BackupRead(begun.backup)).copy.sha256:
                pass
            assert statekeep(tmp_path, "backup", str(tmp_path / "b")).returncode == 1
            daemon.end(signal.SIGKILL)
    assert (tmp_path / "data" / "store.db.copy").exists()
    assert statekeep(tmp_path, "backup", str(tmp_path / "b")).returncode == 3
    assert (tmp_path / "b").read_text() == "yesterday's"
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
    with running(tmp_path):
        assert not (tmp_path / "data" / "store.db.copy").exists()


def test_a_restore_says_what_stands_against_it(tmp_path: Path) -> None:
    """A running daemon, a store that is there, a file that is none, and what to do about each."""
    with running(tmp_path) as daemon:
        fill(daemon)
        assert statekeep(tmp_path, "backup", str(tmp_path / "b")).returncode == 0
        with Client(daemon.socket) as client:
            last = client.status().backup
        assert last is not None
        assert (last.size, last.verified) == ((tmp_path / "b").stat().st_size, True)
        refused = statekeep(tmp_path, "restore", str(tmp_path / "b"), "--replace")
        assert (refused.returncode, "Stop the daemon first" in refused.stderr) == (2, True)
        daemon.end(signal.SIGTERM)
    refused = statekeep(tmp_path, "restore", str(tmp_path / "b"))
    assert (refused.returncode, "Say --replace" in refused.stderr) == (2, True)
    (tmp_path / "c").write_text("nothing of the kind")
    refused = statekeep(tmp_path, "backup", "--test", str(tmp_path / "c"))
    assert (refused.returncode, "is no copy of a store" in refused.stderr) == (2, True)
    assert f"\n  tried  try out {tmp_path / 'c'}\n" in refused.stderr
    assert "It can be restored" in statekeep(tmp_path, "backup", "--test", str(tmp_path / "b")).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [(["none"], "none: No such file or directory."), (["b", "--at", "3"], "is a file, which holds one moment")],
)
def test_a_backup_that_there_is_not_is_said_before_a_key_is_sought(tmp_path: Path, words: list[str], said: str) -> None:
    """And nothing is made where the store would be."""
    (tmp_path / "b").write_bytes(b"")
    refused = statekeep(tmp_path, "restore", str(tmp_path / words[0]), *words[1:])
    assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    assert f"tried  restore {tmp_path / words[0]}\n" in refused.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("options", [["--no-verify"], []])
def test_a_backup_without_its_key_is_not_verified(tmp_path: Path, options: list[str]) -> None:
    """It is refused, unless nobody asks for it."""
    with running(tmp_path) as daemon:
        fill(daemon)
        (tmp_path / "data" / "master.key").rename(tmp_path / "elsewhere.key")
        done = statekeep(tmp_path, "backup", str(tmp_path / "b"), *options)
    assert (done.returncode, (tmp_path / "b").exists()) == ((0, True) if options else (2, False))
    assert "It was not verified" in done.stdout if options else "no key for the store" in done.stderr
