"""Two daemons want one store or one socket, and dead ones have left theirs: one wins, and the other says which."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from statekeep.protocol import Client
from tests.daemon.processes import command, running
from tests.daemon.serving import LIGHT

IN_USE = 75


def refused(directory: Path, *more: str) -> str:
    """What a daemon says that does not start; it must not be there any more."""
    ended = subprocess.run([*command(directory), *more], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == IN_USE, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_the_second_of_a_store_names_the_first(tmp_path: Path) -> None:
    """By its process, though it would listen elsewhere; the first serves on."""
    with running(tmp_path) as first, Client(first.socket) as client:
        client.deploy("light", LIGHT)
        said = refused(tmp_path, "--socket", str(tmp_path / "elsewhere"))
        assert f"{first.data / 'store.db.lock'} is held by process {first.process.pid}" in said
        assert not (tmp_path / "elsewhere").exists()
        assert client.spawn("light").id == 1


def test_the_second_at_a_socket_names_the_socket(tmp_path: Path) -> None:
    """Though it has a store of its own, which it lets go of."""
    with running(tmp_path) as first, Client(first.socket) as client:
        said = refused(tmp_path, "--data", str(tmp_path / "other"))
        assert f"another daemon listens at {first.socket}" in said
        client.deploy("light", LIGHT)
    with running(tmp_path, "--data", str(tmp_path / "other")):
        pass


def test_of_many_that_start_at_once_one_serves(tmp_path: Path) -> None:
    """The others end with 75; nobody waits for anybody."""
    starting = [subprocess.Popen(command(tmp_path), stderr=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        losers = list[int]()
        while len(losers) < len(starting) - 1:
            pid, status = os.waitpid(-1, 0)
            losers.append(os.waitstatus_to_exitcode(status))
            next(one for one in starting if one.pid == pid).returncode = losers[-1]
        assert losers == [IN_USE] * 3
        with Client(tmp_path / "s", retry_for=30) as client:
            client.deploy("light", LIGHT)
    finally:
        for one in starting:
            if one.returncode is None:
                one.send_signal(signal.SIGKILL)
                one.wait()
            assert one.stderr
            one.stderr.close()


@pytest.mark.parametrize("content", [b"", b"1\n", b"999999999\n", b"no number", b"\xff" * 40])
def test_what_dead_daemons_left_is_in_nobody_s_way(tmp_path: Path, content: bytes) -> None:
    """A socket where nobody listens and locks that nobody holds, whatever number is in them: even a live one."""
    with running(tmp_path) as daemon:
        daemon.end(signal.SIGKILL)
    (tmp_path / "data" / "store.db.lock").write_bytes(content)
    (tmp_path / "s.lock").write_bytes(content)
    assert (tmp_path / "s").is_socket()
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("light", LIGHT)
        assert (tmp_path / "data" / "store.db.lock").read_text() == f"{daemon.process.pid}\n"


def test_a_socket_of_something_else_is_not_taken(tmp_path: Path) -> None:
    """What listens without our lock is no daemon of ours, and its clients are not ours to have."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "s"))
        other.listen()
        ended = subprocess.run(command(tmp_path), capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == IN_USE
        assert f"{tmp_path / 's'}" in ended.stderr
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))
