"""What a shell is offered, as a real bash asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from statekeep.protocol.errors import Forbidden, StatekeepError
from statekeep.protocol.messages import Actors, AnyRequest, Get, Versions
from statekeep.protocol.records import Peer, Record
from tests.protocol.fakes import fake_daemon
from tests.tui import records
from tests.tui.conftest import Run

ASK = """\
eval "$(statekeep completion bash)"
COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9
_python_argcomplete statekeep
printf '%s\\n' "${COMPREPLY[@]}"
"""


def answer(request: AnyRequest) -> Record | StatekeepError:
    """A daemon with versions, actors, and an actor that accepts events."""
    match request:
        case Versions():
            return records.VERSIONS
        case Actors():
            return records.ACTORS
        case Get():
            return records.ALICE
    return Forbidden("x", "admin", Peer(uid=1, gid=1, pid=1, user="u"))


def offered(line: str, folder: Path, *, daemon: bool = True) -> list[str]:
    """What bash is offered at the end of a line."""
    command = folder / "statekeep"
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom statekeep.tui.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)
    socket = folder / "s"
    variables = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "STATEKEEP_SOCKET": str(socket)}
    bash = ["bash", "--norc", "-c", ASK, "bash", line]
    if daemon:
        with fake_daemon(socket, answer):
            done = subprocess.run(bash, env=variables, capture_output=True, text=True, check=True)
    else:
        done = subprocess.run(bash, env=variables, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return sorted(word.strip() for word in done.stdout.splitlines() if word.strip())


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("statekeep versi", ["versions"]),
        ("statekeep verify --no", ["--no-pager"]),
        ("statekeep spawn loan-", ["loan-v1", "loan-v2"]),
        ("statekeep close loan-v2", ["loan-v2"]),
        ("statekeep actor al", ["alice"]),
        ("statekeep send alice IN", ["INCOME_VERIFIED"]),
        ("statekeep actors --state aw", ["awaiting_docs"]),
        ("statekeep actors --output j", ["json", "jsonl"]),
        ("statekeep completion ", ["bash", "fish", "zsh"]),
    ],
)
def test_bash_is_offered_what_fits(tmp_path: Path, line: str, words: list[str]) -> None:
    """Commands, options, and the names that the daemon has."""
    assert offered(line, tmp_path) == words


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_without_a_daemon_nothing_is_offered_or_said(tmp_path: Path) -> None:
    """A key press is no place for an error."""
    assert offered("statekeep spawn nowh", tmp_path, daemon=False) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(run: Run, shell: str) -> None:
    """Which names the command."""
    done = run("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert "complete" in done.out
    assert "statekeep" in done.out


def test_without_its_library_it_says_what_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and how to get it."""
    monkeypatch.setitem(sys.modules, "argcomplete.shell_integration", None)
    code, out, err = run("completion", "bash")
    assert (code, out) == (2, "")
    assert "pip install 'statekeep[cli]'" in err
