"""README does what it says: its commands are run in their order, and what it shows of their output is what comes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from statekeep.tui.cli.failures import Exit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone after ``make demo``, as far as README's commands see one, of a user who has nothing of StateKeep yet."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".venv").symlink_to(sys.prefix)
    (clone / "tui").symlink_to(ROOT / "tui")
    for name in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "HOME"):
        directory = tmp_path / name.lower()
        directory.mkdir()
        monkeypatch.setenv(name, str(directory))
    for name in ("STATEKEEP_SOCKET", "STATEKEEP_DATA", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return clone


@contextmanager
def daemon(script: str, folder: Path) -> Iterator[None]:
    """Run a block that starts the daemon, in a terminal of its own as README says, until the end of the context."""
    # The daemon takes the shell's place, so that it is what the signal reaches.
    script = script.replace("statekeepd\n", "exec statekeepd\n")
    with subprocess.Popen(["bash", "-ec", script], cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = []
        for line in process.stderr:
            said.append(line)
            if "listens at" in line:
                break
        else:
            pytest.fail("".join(said))
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert process.returncode == 0


def run(language: str, script: str, folder: Path, activate: str) -> str:
    """What a block of commands, or a program, prints."""
    command = ["bash", "-ec", activate + script] if language == "sh" else [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), script + done.stdout + done.stderr
    return done.stdout


def squeezed(text: str) -> list[str]:
    """Lines without what aligns them."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_story_happens_as_told(home: Path) -> None:
    """Every command works in its order, and every line that README shows is printed, in the order shown."""
    (first, starting), *rest = BLOCKS
    assert first == "sh"
    assert starting.endswith("\nstatekeepd\n")
    activate = ""
    printed: list[str] = []
    shown = 0
    with daemon(starting, home):
        for language, block in rest:
            if language == "text":
                lines = iter(printed)
                missing = [line for line in squeezed(block) if line not in lines]
                assert missing == [], "\n".join(printed)
                shown += 1
            else:
                printed = squeezed(run(language, block, home, activate))
                # What a terminal keeps from one block to the next.
                activate = activate or block.partition("\n")[0] + "\n"
    assert shown == sum(language == "text" for language, _ in BLOCKS)
    assert "state income_verify" in squeezed("".join(block for language, block in BLOCKS if language == "text"))


def test_the_two_commands_are_targets_of_make() -> None:
    """``make demo`` and ``make test`` are what README says first."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"^    make (\w+)", README, re.MULTILINE)
    assert named == ["demo", "test"]
    assert set(named) <= targets


def test_what_is_named_is_there() -> None:
    """Every file and folder of the repository that README names."""
    quoted = re.findall(r"`([\w./-]+)`", README)
    names = [name for name in quoted if re.fullmatch(r"[a-z][\w/-]*/|[\w/.-]+\.(md|py|json)|[A-Z]{6,}", name)]
    wanted = [name for name in names if name != "statekeep/"]  # that one is in the user's directories
    assert {"protocol/", "csrc/", "LICENSE", "protocol/README.md", "daemon/server.py"} <= set(wanted)
    assert [name for name in wanted if not (ROOT / name).exists()] == []


def test_every_exit_code_is_listed() -> None:
    """The codes of the command are those of its module."""
    table = README.partition("| `statekeep` ends with")[2].partition("| `statekeepd` ends")[0]
    listed = [int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for code in row.split(",")]
    assert listed == [code.value for code in Exit]
