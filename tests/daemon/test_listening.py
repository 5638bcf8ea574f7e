"""The daemon's socket: taken over from the dead, never from the living."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from statekeep.daemon.listening import LONGEST, SocketInUse, UnusableSocket, listener


def reaches(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


def test_the_socket_is_its_user_s_alone(tmp_path: Path) -> None:
    """Socket and lock have mode 0600 and a new directory 0700, whatever the umask says, which stays as it was."""
    path = tmp_path / "new" / "s"
    before = os.umask(0)
    try:
        with listener(path):
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
            assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert modes == {"s": 0o600, "s.lock": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_path_that_no_socket_can_have_is_named(tmp_path: Path) -> None:
    """With its length and the longest, before anything is made."""
    path = tmp_path / ("s" * LONGEST)
    with pytest.raises(UnusableSocket, match=f"{path} has {len(str(path))} bytes.* at most 107"), listener(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_socket_goes_with_the_daemon(tmp_path: Path) -> None:
    """Nobody is left to wonder at a socket where nobody listens, also when the daemon ends by an error."""
    with listener(tmp_path / "s"):
        assert reaches(tmp_path / "s")
    assert not (tmp_path / "s").exists()
    with pytest.raises(RuntimeError), listener(tmp_path / "s"):
        raise RuntimeError
    assert not (tmp_path / "s").exists()


def test_the_socket_of_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    """It is still there, nobody listens, and the lock is free."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))
    with listener(tmp_path / "s"):
        assert reaches(tmp_path / "s")


def test_the_socket_of_a_live_daemon_is_left_alone(tmp_path: Path) -> None:
    """A second daemon is refused, and the first is reached as before."""
    with listener(tmp_path / "s"):
        for _ in range(2):
            with pytest.raises(SocketInUse, match=f"{tmp_path}/s"), listener(tmp_path / "s"):
                pass
            assert reaches(tmp_path / "s")
    with listener(tmp_path / "s"):
        assert reaches(tmp_path / "s")


def test_what_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    """A slip in ``--socket`` costs nobody a file."""
    (tmp_path / "letters").write_text("dear")
    with pytest.raises(OSError, match="in use"), listener(tmp_path / "letters"):
        pass
    assert (tmp_path / "letters").read_text() == "dear"
