"""The units, checked by systemd itself, and a daemon that is started as they start it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from statekeep.daemon.config import check, example, settings
from statekeep.protocol import Client
from tests.daemon.processes import LISTENS

UNITS = Path(__file__).parents[2] / "systemd"
SYSTEM = {
    "daemon.socket": "/run/statekeep/statekeep.sock",
    "access.viewers": ["@statekeep"],
    "access.operators": ["@statekeep-operators"],
    "access.admins": ["@statekeep-admins"],
}
"""What the system's configuration chooses."""


def tool(name: str) -> str:
    """A program of systemd's; the test is skipped, and says why, where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed. Debian: apt-get install systemd")
    return found


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with the daemon of this environment in the place of the installed one."""
    for unit in UNITS.rglob("statekeep*.*"):
        if unit.suffix in {".service", ".socket", ".timer"}:
            here = tmp_path / unit.relative_to(UNITS)
            here.parent.mkdir(parents=True, exist_ok=True)
            commands = str(Path(sys.executable).parent)
            here.write_text(unit.read_text().replace("=/usr/bin", f"={commands}"))
    return tmp_path


@pytest.mark.parametrize(("folder", "manager"), [("system", "--system"), ("user", "--user")])
def test_systemd_finds_nothing_to_complain_of(units: Path, folder: str, manager: str) -> None:
    """Not a word from ``systemd-analyze verify``."""
    files = sorted(str(path) for path in (units / folder).iterdir() if path.is_file())
    environment = os.environ | {"XDG_RUNTIME_DIR": str(units)}
    run = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", manager, *files],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_wrong_line_would_be_complained_of(units: Path) -> None:
    """So the silence above means something."""
    service = units / "system" / "statekeep.service"
    service.write_text(service.read_text().replace("Restart=on-failure", "Restart=on-wednesdays"))
    run = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", str(service)], capture_output=True, text=True, check=False
    )
    assert "on-wednesdays" in run.stderr


def test_the_sandbox_scores_at_most_half_a_point(units: Path) -> None:
    """``systemd-analyze security`` goes from 0, all shut, to 10."""
    service = str(units / "system" / "statekeep.service")
    command = [tool("systemd-analyze"), "security", "--offline=yes", "--no-pager", "--threshold=5", service]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_peers_stay_visible() -> None:
    """With PrivateUsers= every client would be nobody."""
    lines = (UNITS / "system" / "statekeep.service").read_text().splitlines()
    assert not [line for line in lines if line.startswith("PrivateUsers=")]


def test_the_system_s_configuration_is_the_documented_one() -> None:
    """Every setting is in it, explained by the text that the code has, and it is sound."""
    text = (UNITS / "statekeep.toml").read_text()
    assert text == example(SYSTEM)
    assert check(text, "statekeep.toml").daemon.socket == SYSTEM["daemon.socket"]


def test_the_examples_are_drop_ins_that_systemd_takes(units: Path) -> None:
    """With each of them the service is as sound as without, and they set what the daemon reads."""
    folder = units / "system" / "statekeep.service.d"
    folder.mkdir()
    for example_of in (UNITS / "examples").iterdir():
        shutil.copy(example_of, folder)
        variables = re.findall(r"(?m)^Environment=(\w+)=", example_of.read_text())
        assert set(variables) <= {setting.variable for setting in settings()}
    service = units / "system" / "statekeep.service"
    run = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", str(service)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.fixture
def activated(tmp_path: Path) -> Iterator[Path]:
    """A daemon that systemd-socket-activate starts when somebody connects."""
    at = tmp_path / "s"
    command = [tool("systemd-socket-activate"), "--listen", str(at), "--fdname=statekeep"]
    command += ["--setenv=STATEKEEP_DATA=" + str(tmp_path / "data"), "--setenv=STATEKEEP_CONFIG="]
    command += ["--setenv=PYTHONPATH=" + os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(
        [*command, sys.executable, "-m", "statekeep.daemon"], stderr=subprocess.PIPE, text=True
    ) as run:
        try:
            assert run.stderr is not None
            assert "Listening on" in run.stderr.readline()
            yield at
        finally:
            run.send_signal(signal.SIGTERM)
            assert run.stderr is not None
            said = run.stderr.read()
    assert LISTENS in said
    assert str(at) in said


def test_the_first_client_starts_it(activated: Path) -> None:
    """A client that connects while nothing runs waits for the start, and is served at the socket handed over."""
    with Client(activated) as client:
        client.deploy("v", {"initial": "a", "states": {"a": {}}})
        assert client.status().socket == str(activated)


SANDBOX = [sys.executable, str(Path(__file__).with_name("sandbox.py"))]


@pytest.mark.parametrize("kind", ["system", "user"])
def test_the_daemon_does_its_work_inside_the_filter(tmp_path: Path, kind: str) -> None:
    """Start, writes, reads and end need no system call, and no memory, that the unit denies."""
    tool("systemd-analyze")
    unit = UNITS / kind / "statekeep.service"
    command = [*SANDBOX, str(unit), sys.executable, "-m", "statekeep.daemon"]
    command += ["--data", str(tmp_path / "data"), "--socket", str(tmp_path / "s")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr
        said: list[str] = []
        while not any(LISTENS in line for line in said):
            said.append(daemon.stderr.readline())
            assert said[-1], said
        with Client(tmp_path / "s") as client:
            client.deploy("v", {"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {}}})
            assert client.send(client.spawn("v").id, "E").state == "b"
        daemon.terminate()
        assert daemon.wait() == 0


def test_the_filter_filters(tmp_path: Path) -> None:
    """Another family of sockets is another unit setting; mounting, and executable memory that is writable, end here."""
    tool("systemd-analyze")
    script = (
        "import ctypes, mmap; libc = ctypes.CDLL(None, use_errno=True);"
        "print(libc.mount(b'x', b'/mnt', b'tmpfs', 0, None), ctypes.get_errno());"
        "mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)"
    )
    command = [*SANDBOX, str(UNITS / "system" / "statekeep.service"), sys.executable, "-c", script]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stdout == "-1 1\n", run.stderr
    assert "PermissionError" in run.stderr


def test_the_manager_hears_of_start_life_and_end(tmp_path: Path) -> None:
    """READY=1 once it can be reached, WATCHDOG=1 again and again, a status a person can read, STOPPING=1."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        environment = os.environ | {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "60000",
            "STATEKEEP_DATA": str(tmp_path / "data"),
            "STATEKEEP_SOCKET": str(tmp_path / "s"),
        }
        command = [sys.executable, "-m", "statekeep.daemon"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as daemon:
            heard: list[str] = []
            while heard.count("WATCHDOG=1") < 3:
                heard += manager.recv(4096).decode().splitlines()
            daemon.terminate()
            while "STOPPING=1" not in heard:
                heard += manager.recv(4096).decode().splitlines()
    assert daemon.returncode == 0
    assert any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in heard[: heard.index("READY=1")])
    assert heard.index("READY=1") < heard.index("WATCHDOG=1")
    assert any(line.startswith("STATUS=0 actors spawned, 0 versions") for line in heard)
