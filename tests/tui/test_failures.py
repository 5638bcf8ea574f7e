"""Every failure says on stderr what failed, what was tried and what to do, and ends with its own code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from statekeep.protocol import errors
from statekeep.protocol.messages import AnyRequest
from statekeep.protocol.records import Finding
from statekeep.tui.cli import main
from tests.protocol.fakes import HangUp, fake_daemon
from tests.tui import records
from tests.tui.conftest import STATEKEEP, Asked, Run


def test_a_refusal_ends_with_1(run: Run, daemon: Asked) -> None:
    """The daemon's message with its code, the socket, and the daemon's advice."""
    daemon.answers(errors.UnknownVersion("loan-v9", ["loan-v1"]))
    code, out, err = run("spawn", "loan-v9")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "statekeep spawn: There is no version 'loan-v9'. [unknown_version]",
        f"  tried  spawn at {daemon.socket}",
        "  to do  Did you mean 'loan-v1'?",
    ]


def test_findings_are_lines_with_their_place(run: Run, daemon: Asked, tmp_path: Path) -> None:
    """So that each can be found in the file."""
    findings = [
        Finding(
            level="error", code="target", path="$.states.a.on.B", message="'zz' names no state", hint="there are: a"
        ),
        Finding(level="warning", code="late", path="$.states.c", message="Nobody gets there."),
    ]
    daemon.answers(errors.InvalidDefinition("bad", findings))
    (tmp_path / "bad.json").write_text("{}")
    code, _, err = run("deploy", str(tmp_path / "bad.json"), "--id", "bad")
    assert code == 1
    assert "  error: $.states.a.on.B: 'zz' names no state (there are: a)\n" in err
    assert "  warning: $.states.c: Nobody gets there.\n" in err


def test_no_daemon_ends_with_3(run: Run, tmp_path: Path) -> None:
    """The error names the socket and how to start a daemon."""
    code, out, err = run("--socket", str(tmp_path / "none"), "status")
    assert (code, out) == (3, "")
    assert f"tried  status at {tmp_path}/none" in err
    assert "`statekeepd`" in err


def test_a_lost_connection_ends_with_3(run: Run, tmp_path: Path) -> None:
    """Whether the request was carried out is not known, and the error says so."""

    def hang_up(request: AnyRequest) -> None:
        raise HangUp

    with fake_daemon(tmp_path / "s", hang_up):
        code, _, err = run("--socket", str(tmp_path / "s"), "send", "alice", "PAY_FEE")
    assert code == 3
    assert "may or may not have been carried out" in err


def test_an_unreadable_file_ends_with_2_before_any_daemon_is_asked(run: Run, tmp_path: Path) -> None:
    """The error names the file; that no daemon runs does not matter yet."""
    code, _, err = run("--socket", "/nowhere", "preview", str(tmp_path / "no.json"), "--id", "x")
    assert code == 2
    assert f"{tmp_path}/no.json can't be read: No such file or directory." in err
    assert "to do  " in err


def test_an_argument_that_is_not_utf8_ends_with_2(run: Run, daemon: Asked) -> None:
    """Python hands such bytes on as surrogates, which can't be sent."""
    daemon.answers(records.SENT)
    code, _, err = run("send", "alice", os.fsdecode(b"\xff"))
    assert code == 2
    assert "UTF-8" in err


def test_an_error_cannot_steer_the_terminal(run: Run, daemon: Asked) -> None:
    """What the daemon says is text, also where it repeats a caller's."""
    daemon.answers(errors.Busy("\x1b[2J"))
    assert "\x1b" not in run("status").err


def test_without_the_drawing_library_json_still_works(run: Run, daemon: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """``pip install statekeep`` alone brings the command; what it lacks for tables is said."""
    monkeypatch.delitem(sys.modules, "statekeep.tui.cli.render", raising=False)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    daemon.answers(records.ALICE)
    assert run("actor", "alice", "--json").code == 0
    code, _, err = run("actor", "alice")
    assert code == 2
    assert "pip install 'statekeep[cli]'" in err


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch, run: Run, daemon: Asked) -> None:
    """Without a traceback."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("statekeep.protocol.client.Client.call", interrupted)
    assert run("status") == (128 + signal.SIGINT, "", "")


def test_a_closed_pipe_ends_with_141_and_in_silence(daemon: Asked) -> None:
    """``statekeep actors --all | head`` is no error to report."""
    daemon.answers(records.ACTORS)
    reader, writer = os.pipe()
    os.close(reader)
    command = [*STATEKEEP, "--socket", daemon.socket, "actors"]
    # With buffers, as most have them: what is left in one would be flushed again when Python ends.
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, env=buffered, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize("words", [["actors"], ["actors", "--json"]])
def test_output_that_can_not_be_written_ends_with_2_and_a_sentence(daemon: Asked, words: list[str]) -> None:
    """A full disk is said once, and never taken for success."""
    daemon.answers(records.ACTORS)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*STATEKEEP, "--socket", daemon.socket, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        ["statekeep actors: The output can't be written: No space left on device.", "  tried  write stdout"],
    )


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_closed_is_nowhere(daemon: Asked, closed: str) -> None:
    """``statekeep actors >&-`` says nothing, and does what it was asked."""
    daemon.answers(records.ACTORS)
    number = ("stdin", "stdout", "stderr").index(closed)
    shell = f'"$@" {number}>&-'
    command = ["sh", "-c", shell, "sh", *STATEKEEP, "--socket", daemon.socket, "actors"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("alice" in done.stdout) == (closed != "stdout")


@pytest.mark.parametrize(
    "words", [["export"], ["decisions", "--route", "loan-v2", "--format", "csv", "--export"], ["backup"]]
)
def test_a_directory_is_no_file_to_write(run: Run, daemon: Asked, tmp_path: Path, words: list[str]) -> None:
    """It is said before anything is asked for, and nothing is left behind."""
    daemon.answers(records.STATUS)
    (tmp_path / "there").mkdir()
    for target in (".", str(tmp_path / "there")):
        code, out, err = run(*words, target)
        assert (code, out) == (2, "")
        assert f"{target} can't be written: Is a directory." in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "there"]


def test_a_terminal_without_the_letters_gets_others(daemon: Asked) -> None:
    """Output in ASCII loses no line."""
    daemon.answers(msgspec.structs.replace(records.ALICE, key="é"))
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [*STATEKEEP, "--socket", daemon.socket, "actor", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(r"\xe9 (actor 1)")


def test_the_exit_codes_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Each code with what it means."""
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    listed = [line.split()[0] for line in out.partition("exit codes:")[2].splitlines() if line[2:3].isdigit()]
    assert listed == ["0", "1", "2", "3", "130", "141"]
