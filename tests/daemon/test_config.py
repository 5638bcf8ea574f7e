"""The configuration: who goes before whom, and what is said of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from statekeep.daemon.config import BadConfiguration, Configuration, check, example, load, settings
from statekeep.protocol.location import socket_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of the user's."""
    path = tmp_path / "config" / "statekeep" / "statekeep.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[daemon]\nsocket = "/from/file"\ndata = "/from/file"\nlog = "text"\n')
    return path


def test_flag_then_environment_then_file_then_default(tmp_path: Path, file: Path) -> None:
    """The first that says something counts, and it is told which that was."""
    environ = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "STATEKEEP_DATA": "/from/environment",
        "STATEKEEP_SOCKET": "/from/environment",
    }
    found = load(environ, 0, {"daemon.socket": "/from/flag"})
    daemon = found.configuration.daemon
    assert found.file == file
    assert (daemon.socket, daemon.data, daemon.log) == ("/from/flag", "/from/environment", "text")
    assert found.origins == {each.name: "default" for each in settings()} | {
        "daemon.socket": "flag",
        "daemon.data": "environment",
        "daemon.log": "file",
    }


def test_clients_read_the_socket_in_it(tmp_path: Path, file: Path) -> None:
    """Daemon and clients always agree; a file that can't be read is the daemon's to complain of."""
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert socket_path(environ, 0) == Path("/from/file")
    assert socket_path(environ | {"STATEKEEP_SOCKET": "/other"}, 0) == Path("/other")
    file.write_text("[daemon]\nsocket = 7\n")
    assert socket_path(environ, 0).name == "statekeep.sock"
    file.write_text("nonsense")
    assert socket_path(environ, 0).name == "statekeep.sock"


def test_the_directories_of_a_service(tmp_path: Path) -> None:
    """It says where state, runtime and configuration of a service are."""
    (tmp_path / "statekeep.toml").write_text('[daemon]\nlog = "json"\n')
    environ = {
        "STATE_DIRECTORY": "/var/lib/statekeep",
        "RUNTIME_DIRECTORY": "/run/statekeep:/run/other",
        "CONFIGURATION_DIRECTORY": str(tmp_path),
    }
    daemon = load(environ, 0, {}).configuration.daemon
    assert (daemon.data, daemon.socket) == ("/var/lib/statekeep", "/run/statekeep/statekeep.sock")
    assert daemon.log == "json"


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """One that was named and is missing is a mistake; none at all is not."""
    with pytest.raises(BadConfiguration, match="missing can't be read: No such file"):
        load({"STATEKEEP_CONFIG": str(tmp_path / "missing")}, 0, {})
    assert load({"STATEKEEP_CONFIG": "", "HOME": "/x"}, 0, {}).file is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[deamon]", r"has \[deamon\], which is no setting; did you mean \[daemon\]\?"),
        ('[daemon]\nsokcet = "a"', r"has daemon.sokcet, which is no setting; did you mean daemon.socket\?"),
        ("[daemon]\nxyz = 1", "has daemon.xyz, which is no setting; there are daemon.data, daemon.socket"),
        ('[daemon]\nlog = "loud"', "daemon.log: Invalid enum value 'loud'; choose one of auto, text, json"),
        ("[daemon]\nsocket = 7", "daemon.socket: Expected `str`, got `int`"),
        ("daemon = 1", r"daemon is a table, \[daemon\], not a value"),
        ("daemon", "is not TOML: "),
    ],
)
def test_what_is_wrong_is_named_and_what_would_be_right(text: str, said: str) -> None:
    """Nothing unknown is passed over."""
    with pytest.raises(BadConfiguration, match=f"^f.toml:? ?.*{said}"):
        check(text, "f.toml")


def test_the_environment_is_checked_too() -> None:
    """By the name of the variable."""
    with pytest.raises(BadConfiguration, match=r"STATEKEEP_LOG: .*choose one of"):
        load({"STATEKEEP_LOG": "loud", "HOME": "/x"}, 0, {})


def test_the_example_says_what_holds_without_it() -> None:
    """Commented out, every line is the default; chosen, it is read back."""
    assert check(example({}), "example") == Configuration()
    every = {each.name: each.default for each in settings()}
    assert check(example(every), "example") == Configuration()
    assert all(
        f"#{each.key} = " in example({}) and each.variable in example({}).replace("\n# ", " ") for each in settings()
    )
