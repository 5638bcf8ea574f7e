"""Where daemon and clients meet."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from statekeep.protocol.location import data_directory, default_socket, socket_path

NOBODY = 2**31 - 7
"""A uid without a runtime directory and without an account."""


def test_the_environment_has_the_first_word(tmp_path: Path) -> None:
    """What is named outright is taken as it is."""
    assert socket_path({"STATEKEEP_SOCKET": "here.sock", "XDG_RUNTIME_DIR": str(tmp_path)}, 0) == Path("here.sock")
    assert data_directory({"STATEKEEP_DATA": "/srv/loans", "XDG_DATA_HOME": "/x"}, 0) == Path("/srv/loans")


def test_the_runtime_directory_is_next(tmp_path: Path) -> None:
    """The socket lies where the system puts the sockets of a user."""
    assert socket_path({"XDG_RUNTIME_DIR": str(tmp_path)}, NOBODY) == tmp_path / "statekeep" / "statekeep.sock"


@pytest.mark.parametrize(
    "runtime", [{}, {"XDG_RUNTIME_DIR": ""}, {"XDG_RUNTIME_DIR": "/nowhere/at/all"}, {"XDG_RUNTIME_DIR": "."}]
)
def test_without_one_the_socket_lies_beside_the_state(runtime: dict[str, str]) -> None:
    """A runtime directory that is unset, absent or relative doesn't count; nor does a relative state directory."""
    home = {**runtime, "HOME": "/home/ada"}
    assert socket_path(home, NOBODY) == Path("/home/ada/.local/state/statekeep/statekeep.sock")
    assert socket_path({**home, "XDG_STATE_HOME": "state"}, NOBODY) == socket_path(home, NOBODY)
    assert socket_path({**home, "XDG_STATE_HOME": "/s"}, NOBODY) == Path("/s/statekeep/statekeep.sock")


def test_data_lie_beside_the_users_data() -> None:
    """XDG_DATA_HOME, else its default below the home directory."""
    assert data_directory({"HOME": "/home/ada"}, NOBODY) == Path("/home/ada/.local/share/statekeep")
    assert data_directory({"HOME": "/home/ada", "XDG_DATA_HOME": "/d"}, NOBODY) == Path("/d/statekeep")


def test_the_account_knows_the_home_when_the_environment_does_not() -> None:
    """A service manager may start a program without HOME."""
    uid = os.getuid()
    assert data_directory({}, uid) == Path(pwd.getpwuid(uid).pw_dir) / ".local/share/statekeep"


def test_both_sides_ask_with_their_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default is that of this process."""
    monkeypatch.setenv("STATEKEEP_SOCKET", "/srv/mine.sock")
    assert default_socket() == Path("/srv/mine.sock")
