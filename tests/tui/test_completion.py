"""What a shell is offered, as a real bash, zsh and fish ask for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from statekeep.protocol.errors import Forbidden, StatekeepError
from statekeep.protocol.messages import Actors, AnyRequest, Get, Versions
from statekeep.protocol.records import Peer, Record
from tests.protocol.fakes import fake_daemon
from tests.tui import records
from tests.tui.conftest import Run

ASK = {
    "bash": """\
eval "$(statekeep completion bash)"
COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9
_python_argcomplete statekeep
printf '%s\\n' "${COMPREPLY[@]}"
""",
    # What only a line that is being edited has: the registration, and the list on the screen.
    "zsh": """\
autoload -Uz is-at-least
compdef() {}
_describe() { print -rl -- ${(P)2} }
eval "$(statekeep completion zsh)"
BUFFER=$1 CURSOR=${#1} words=(${(z)1})
_python_argcomplete
""",
    "fish": """\
statekeep completion fish | source
complete --do-complete "$argv[1]"
""",
}
"""Scripts that print what is offered at the end of the line that they are given."""

START = {"bash": ["--norc", "-c"], "zsh": ["-f", "-c"], "fish": ["--no-config", "-c"]}

SHELLS = [
    pytest.param(
        shell,
        marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"there is no {shell}: apt-get install {shell}"),
    )
    for shell in ASK
]


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


def offered(shell: str, line: str, folder: Path, *, daemon: bool = True) -> list[str]:
    """What a shell is offered at the end of a line, without what zsh and fish say about each."""
    command = folder / "statekeep"
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom statekeep.tui.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)
    socket = folder / "s"
    variables = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "STATEKEEP_SOCKET": str(socket)}
    # The word after a script is the name of it, but for fish.
    asked = [shell, *START[shell], ASK[shell], *([] if shell == "fish" else [shell]), line]
    with fake_daemon(socket, answer) if daemon else nullcontext():
        done = subprocess.run(asked, env=variables, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return sorted(filter(None, (re.split(r"[:\t]", word)[0].strip() for word in done.stdout.splitlines())))


@pytest.mark.parametrize("shell", SHELLS)
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
def test_a_shell_is_offered_what_fits(tmp_path: Path, shell: str, line: str, words: list[str]) -> None:
    """Commands, options, and the names that the daemon has."""
    assert offered(shell, line, tmp_path) == words


@pytest.mark.parametrize("shell", SHELLS)
def test_without_a_daemon_nothing_is_offered_or_said(tmp_path: Path, shell: str) -> None:
    """A key press is no place for an error."""
    assert offered(shell, "statekeep spawn nowh", tmp_path, daemon=False) == []


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
