"""``statekeepd`` from the outside: how it starts, ends, and says why it does not."""

from __future__ import annotations

import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from statekeep.daemon.__main__ import main
from statekeep.daemon.listening import listener
from statekeep.daemon.store import make_master_key, open_store
from statekeep.protocol import Client
from tests.daemon.processes import LISTENS, command, running


def start(directory: Path, *more: str) -> int:
    """Run ``statekeepd`` in this process, where it must refuse to start."""
    return main(["--data", str(directory / "data"), "--socket", str(directory / "s"), *more])


def test_a_first_run_needs_nothing(tmp_path: Path) -> None:
    """It makes directories, key, store and socket, each for its user alone, and says where the key is."""
    daemon = subprocess.Popen(command(tmp_path), stderr=subprocess.PIPE, text=True)
    with daemon:
        assert daemon.stderr
        assert f"made the master key {tmp_path}/data/master.key" in daemon.stderr.readline()
        assert LISTENS in daemon.stderr.readline()
        for file in [tmp_path / "s", *(tmp_path / "data").iterdir()]:
            assert file.stat().st_mode & 0o777 == 0o600, file
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        daemon.terminate()
        assert daemon.wait() == 0
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0, though a client is connected; the socket is gone, and the next start has the same store."""
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("v", {"initial": "a", "states": {"a": {}}})
        assert daemon.end(number) == 0
        assert not daemon.socket.exists()
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        assert [version.version for version in client.versions().versions] == ["v"]


def no_key(directory: Path) -> None:
    """A store whose key is gone."""
    open_store(directory / "data" / "store.db", bytes(32), now=0).close()


def open_key(directory: Path) -> None:
    """A key that everybody can read."""
    make_master_key(directory / "data" / "master.key")
    (directory / "data" / "master.key").chmod(0o644)


def broken_key(directory: Path) -> None:
    """Something else in the place of the key."""
    (directory / "data" / "master.key").write_bytes(bytes(range(256)))
    (directory / "data" / "master.key").chmod(0o600)


def wrong_key(directory: Path) -> None:
    """A store, and the key of another."""
    no_key(directory)
    make_master_key(directory / "data" / "master.key")


def no_store(directory: Path) -> None:
    """Something else in the place of the store."""
    make_master_key(directory / "data" / "master.key")
    (directory / "data" / "store.db").write_bytes(b"minutes of the meeting" * 100)


@pytest.mark.parametrize(
    ("prepare", "code", "words"),
    [
        (no_key, 78, "master.key is not there; put it back, name another with --key, or give a passphrase"),
        (open_key, 78, "chmod 600"),
        (broken_key, 78, "holds no master key"),
        (wrong_key, 78, "master.key; it has slots for: file"),
        (no_store, 74, "not a database"),
    ],
)
def test_a_store_that_can_t_be_opened(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, prepare: Callable[[Path], None], code: int, words: str
) -> None:
    """One line says what is wrong, the exit code what kind of fault it is, and nothing is made or changed."""
    (tmp_path / "data").mkdir()
    prepare(tmp_path)
    before = {file: file.read_bytes() for file in (tmp_path / "data").iterdir()}
    assert start(tmp_path) == code
    assert [words in record.getMessage() for record in caplog.records] == [True]
    after = {file: file.read_bytes() for file in (tmp_path / "data").iterdir() if file.suffix != ".lock"}
    assert after == {file: content for file, content in before.items() if file.suffix != ".lock"}


def test_a_store_or_a_socket_in_use(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A second daemon tells who has the store, or that somebody listens, and ends with 75: try again later."""
    with running(tmp_path) as daemon:
        assert start(tmp_path, "--socket", str(tmp_path / "other")) == 75
        assert f"process {daemon.process.pid}" in caplog.text
    with listener(tmp_path / "s"):
        assert start(tmp_path) == 75
        assert "another daemon listens" in caplog.text


def test_a_socket_that_can_t_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A path that is longer than the kernel takes is said to be so: the configuration is wrong."""
    assert start(tmp_path, "--socket", str(tmp_path / ("x" * 120))) == 78
    assert "the path of a socket at most 107" in caplog.text


def test_who_can_t_listen_makes_no_store(tmp_path: Path) -> None:
    """Neither a key nor a directory: whoever looks for the store later would find one that holds nothing."""
    with listener(tmp_path / "s"):
        assert start(tmp_path) == 75
    assert start(tmp_path, "--socket", str(tmp_path / ("x" * 120))) == 78
    assert start(tmp_path, "--group", "nobody-is-in-it") == 78
    assert not (tmp_path / "data").exists()


def test_a_passphrase_is_asked_for_on_a_terminal_alone(tmp_path: Path) -> None:
    """Where there is none, one line says what else there is; nothing is typed where others see it."""
    asked = [*command(tmp_path), "--passphrase", "prompt"]
    done = subprocess.run(
        asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True, check=False
    )
    assert done.returncode == 78
    assert done.stderr == ("statekeepd: there is no terminal to ask for a passphrase on; say fd:NUMBER or env:NAME\n")
