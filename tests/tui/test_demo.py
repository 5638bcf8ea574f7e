"""The demo is true, ends with 1 when it is not, and leaves nothing behind unless asked to."""

from __future__ import annotations

import os
import signal
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from statekeep.protocol import Client
from statekeep.testing import StateKeep
from statekeep.tui.cli import loan, story
from statekeep.tui.cli.stage import FalseClaim, Stage
from statekeep.tui.cli.throwaway import ThrowawayDaemon
from tests.tui.conftest import STATEKEEP, Run

TOLD = [
    "✓  1,203 paid the fee and 847 had it waived: all are in awaiting_docs.",
    "✓  1,203 would migrate and 847 would stay.",
    "✓  Alice, who paid, is in income_verify on loan-v2.",
    "✓  Bob, whose fee was waived, is still in awaiting_docs.",
    "2 events, fingerprint 8e106e4dbc4c2635",
    "2 events, fingerprint 61fdd8cb17411e11",
    "SUBMIT_INFO, PAY_FEE, hash 8e106e4dbc4c2635",
    "The daemon got SIGKILL",
    "all 2,050 actors and each decision.",
    "✓  Not one of them contains applicantId, awaiting_docs or PAY_FEE.",
    "✓  loan-v2-buggy has taken over the 847 whose fee was waived",
    "✓  Exactly the 112 are back in awaiting_docs",
    "✓  Bob is approved.",
    "statekeep deploy",
]
"""What the story has to say, in this order."""


def test_the_demo_tells_the_loan_story(tmp_path: Path) -> None:
    """On a real daemon, with every claim in its order, and nothing of it is left."""
    done = subprocess.run(
        [*STATEKEEP, "demo"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    rest = done.stdout
    for text in TOLD:
        assert text in rest, done.stdout
        rest = rest.partition(text)[2]
    assert list(tmp_path.iterdir()) == []


def test_a_false_claim_ends_the_demo_with_1(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Were ``loan-v2`` as ``loan-v1`` is, Alice would not be where the story says; ``--keep`` keeps the evidence."""
    definition = loan.definition

    def unchanged(version: str) -> dict[str, Any]:
        return definition("loan-v1" if version == "loan-v2" else version)

    monkeypatch.setattr(loan, "definition", unchanged)
    code, out, err = run("demo", "--keep", str(tmp_path / "kept"))
    assert code == 1
    assert "Alice" in err
    assert "Alice, who paid" not in out
    daemon = ThrowawayDaemon(tmp_path / "kept")
    with daemon, Client(daemon.socket) as client:
        assert client.get("alice").state == "awaiting_docs"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """However it is ended, in the middle of the story, it takes its daemon and its directory along."""
    command = [*STATEKEEP, "demo"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, number, signal.SIG_DFL),  # noqa: PLW1509 - jobs in the background ignore SIGINT
    ) as demo:
        assert demo.stdout
        assert any("loan applications" in line for line in demo.stdout)
        demo.send_signal(signal.SIGSTOP)  # else it may be through before it is interrupted
        (directory,) = tmp_path.iterdir()
        with Client(directory / "statekeep.sock") as client:
            pid = client.status().pid
        demo.send_signal(number)
        demo.send_signal(signal.SIGCONT)
        _, err = demo.communicate()
    assert (demo.returncode, err) == (130, "")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_claim_is_checked_before_it_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    """What is false is not printed as if it were true, and both sides of the difference are named."""
    stage = Stage()
    stage.claim("One is one.", seen=1, expected=1)
    with pytest.raises(FalseClaim, match=r"One is two\. .*2.*1"):
        stage.claim("One is two.", seen=1, expected=2)
    assert capsys.readouterr().out == "   ✓  One is one.\n"
    assert stage.claims == 1


@pytest.mark.parametrize("content", [b"SQLite format 3 and PAY_FEE", b"nothing that is known"])
def test_a_word_on_the_disk_is_found(tmp_path: Path, content: bytes) -> None:
    """A word of the business in a file makes the claim false; so do files that are no store, where nothing could be."""
    daemon = ThrowawayDaemon(tmp_path)
    daemon.data.mkdir()
    (daemon.data / "store.db").write_bytes(content)
    with pytest.raises(FalseClaim):
        story.search(Stage(), daemon)


def test_the_demo_does_not_enter_a_directory_that_is_there(run: Run, tmp_path: Path) -> None:
    """It would search and kill what is not its own."""
    code, out, err = run("demo", "--keep", str(tmp_path))
    assert (code, out) == (2, "")
    assert "File exists" in err


def test_a_daemon_that_does_not_start_says_why(run: Run, tmp_path: Path) -> None:
    """The daemon's own last words are in the error; here no socket can have so long a path."""
    directory = tmp_path / ("x" * 120)
    code, _, err = run("demo", "--keep", str(directory))
    *_, last_words = (directory / "daemon.log").read_text().splitlines()
    assert code == 2
    assert f"ended with 78: {last_words}\n" in err


def test_a_demo_that_runs_on_is_stopped(run: Run, tmp_path: Path) -> None:
    """Its daemon answers until then; stopped twice, it says that there is none."""
    kept = tmp_path / "kept"
    command = [*STATEKEEP, "demo", "--running", "--keep", str(kept)]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert f"statekeep demo stop {kept}" in told.stdout
    with Client(kept / "statekeep.sock") as client:
        assert len(client.versions().versions) > 1
    assert run("demo", "stop", str(kept)).out.startswith("Stopped")
    assert not (kept / "statekeep.sock").exists()
    assert run("demo", "stop", str(kept)).out.startswith("No daemon runs")


def test_stop_leaves_other_daemons_alone(run: Run, statekeep: StateKeep) -> None:
    """A daemon whose store is not that of a demo in this directory."""
    code, _, err = run("demo", "stop", str(statekeep.socket.parent))
    assert code == 2
    assert "none of a demo's" in err


@pytest.mark.parametrize("words", [["stop"], ["--running"]])
def test_a_demo_has_to_be_somewhere(run: Run, words: list[str]) -> None:
    """Exit code 2, with the whole command."""
    code, _, err = run("demo", *words)
    assert code == 2
    assert "demo stop DIR" in err
