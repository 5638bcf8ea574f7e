"""README and the pages of docs/ do what they say: their blocks are run in their order, and show what comes."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

from statekeep.daemon import config
from statekeep.daemon.logs import IDS
from statekeep.tui.cli.failures import Exit
from statekeep.tui.cli.parser import build as commands
from statekeep.tui.settings import Settings, read_settings
from tests.documents import PAGES, REFERENCES, ROOT, WRITTEN, Block, anchors, blocks, links, prose

README = ROOT / "README.md"
ON_PAGES = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
RUNNABLE = [page for page in PAGES if blocks(page)]
ADMINISTRATION = {
    *("systemctl", "journalctl", "systemd-creds", "systemd-sysusers", "systemd-tmpfiles", "systemd-analyze"),
    *("usermod", "gpasswd", "install", "make", "statekeep", "statekeepd"),
}
"""What the pages have the system's administrator call."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone after ``make demo``, as far as commands see one, of a user who has nothing of StateKeep yet."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".venv").symlink_to(sys.prefix)
    for room in ("tui", "examples", "systemd"):
        (clone / room).symlink_to(ROOT / room)
    for name in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"):
        directory = tmp_path / name.lower()
        directory.mkdir()
        monkeypatch.setenv(name, str(directory))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # each costs a shown test its time
    for name in [name for name in os.environ if name.startswith("STATEKEEP_")] + ["FORCE_COLOR", "COLUMNS"]:
        monkeypatch.delenv(name, raising=False)
    return clone


@contextmanager
def daemon(script: str, folder: Path) -> Iterator[None]:
    """Run a block that starts the daemon, in a terminal of its own as the pages say, until the end of the context."""
    # The daemon takes the shell's place, so that it is what the signal reaches.
    script = re.sub(r"^(?=statekeepd.*\Z)", "exec ", script, flags=re.MULTILINE)
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


def carried_out(block: Block, folder: Path, activate: str) -> str:
    """What a block of commands, a program or a test prints."""
    if block.language == "sh":
        command = ["bash", "-ec", activate + block.text]
    elif "def test_" in block.text:
        (folder / "test_shown.py").write_text(block.text)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "statekeep.testing"]
        command += ["--rootdir", ".", "test_shown.py"]
    else:
        command = [sys.executable, "-c", block.text]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), block.text + done.stdout + done.stderr
    return done.stdout


def squeezed(text: str) -> list[str]:
    """Lines without what aligns them."""
    return [" ".join(line.split()) for line in text.splitlines()]


def missing(shown: str, printed: list[str]) -> list[str]:
    """The lines that a page shows and that are not among the printed ones, after the line that was shown before."""
    lines = iter(printed)
    patterns = {line: re.escape(line).replace("…", ".*") for line in squeezed(shown)}
    return [shown for shown, pattern in patterns.items() if not any(re.fullmatch(pattern, line) for line in lines)]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_happens_as_told(page: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command works in its order, and every line that the page shows is printed, in the order shown.

    A page that does not start the daemon itself is for readers who have one running, and the commands at hand.
    """
    found = [block for block in blocks(page) if block.label != "system"]
    activate = ""
    printed: list[str] = []
    with ExitStack() as running:
        if not any(block.starts_the_daemon for block in found):
            monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
            running.enter_context(daemon("statekeepd\n", home))
        for block in found:
            if block.starts_the_daemon:
                running.enter_context(daemon(block.text, home))
            elif block.label:
                (home / block.label).write_text(block.text)
            elif block.language == "text":
                assert missing(block.text, printed) == [], "\n".join(printed)
            else:
                printed = squeezed(carried_out(block, home, activate))
                # What a terminal keeps from one block to the next.
                if block.text.startswith(". "):
                    activate = block.text.partition("\n")[0] + "\n"


@ON_PAGES
def test_every_block_is_of_a_kind_that_is_tested(page: Path) -> None:
    """Blocks of other languages, or without one, would be promises that nobody keeps."""
    fences = len(re.findall(r"^```", page.read_text(), re.MULTILINE))
    assert fences == 2 * len(blocks(page))
    kinds = {block.language for block in blocks(page) if not block.label}
    assert kinds <= {"sh", "text", "python"}
    assert {block.label for block in blocks(page) if block.language == "sh"} <= {"", "system"}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_indented_is_no_command(page: Path) -> None:
    """Drawings are indented, what make does, and the screens, which need a terminal; commands are in blocks."""
    lines = set(re.findall(r"^    (\S.*)", prose(page), re.MULTILINE)) - {"statekeep tui"}
    words = {line.split()[0] for line in lines}
    assert {"statekeep", "statekeepd", "pip", "sudo", "systemctl", "curl", "python"}.isdisjoint(words)


@ON_PAGES
def test_an_administrator_is_told_of_programs_and_units_that_are_there(page: Path) -> None:
    """Blocks for a system are sound shell; they call known programs, and name units, options and targets of ours."""
    units = {unit.name for unit in (ROOT / "systemd").rglob("statekeep*.*")}
    for block in blocks(page):
        if block.label != "system":
            continue
        assert subprocess.run(["bash", "-n", "-c", block.text], check=False).returncode == 0
        commands = block.text.replace("\\\n", " ").splitlines()
        assert {line.split()[0] for line in commands if line and not line.startswith("#")} <= ADMINISTRATION
        assert set(re.findall(r"\bstatekeep[\w-]*\.(?:service|socket|timer)\b", block.text)) <= units
        for target in re.findall(r"^make (\w+)", block.text, re.MULTILINE):
            assert target in targets()


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The names of all commands and options below a parser."""
    for action in parser._actions:
        yield from action.option_strings
        for name, choice in action.choices.items() if isinstance(action.choices, dict) else ():
            yield name
            yield from options(choice.filled())


@cache
def options_of_the_daemon() -> frozenset[str]:
    """What ``statekeepd --help`` lists."""
    command = [sys.executable, "-m", "statekeep.daemon", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return frozenset(re.findall(r"--[a-z-]+", told))


@ON_PAGES
def test_commands_and_options_that_are_told_of_are_there(page: Path) -> None:
    """Those in the sentences and tables too, which nothing runs."""
    known = {*options(commands()), *options_of_the_daemon()}
    text = prose(page)
    assert set(re.findall(r"`statekeep ([a-z][\w-]*)", text)) - known == set()
    assert set(re.findall(r"`(?:statekeepd? (?:[\w -]+ )?)?(--[a-z][\w-]*)", text)) - known == set()


def test_configurations_are_sound() -> None:
    """Each that a page shows as a file would be taken by the daemon."""
    shown = [block for page in PAGES for block in blocks(page) if block.label == "statekeep.toml"]
    assert shown
    for block in shown:
        config.check(block.text, block.label)


def test_settings_of_the_screens_are_sound(tmp_path: Path) -> None:
    """Those that a page shows as a file would be taken."""
    shown = [block for page in PAGES for block in blocks(page) if block.label == "tui.toml"]
    assert shown
    (tmp_path / "statekeep").mkdir()
    for block in shown:
        (tmp_path / "statekeep/tui.toml").write_text(block.text)
        assert read_settings({"XDG_CONFIG_HOME": str(tmp_path)}) != Settings()


def targets() -> set[str]:
    """What make makes."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_two_commands_are_targets_of_make() -> None:
    """``make demo`` and ``make test`` are what README says first."""
    named = re.findall(r"^    make (\w+)", README.read_text(), re.MULTILINE)
    assert named == ["demo", "test"]
    assert set(named) <= targets()


def test_the_readme_is_short() -> None:
    """What is longer than a visitor's patience stands in docs/."""
    assert len(README.read_text().splitlines()) < 150


def beside(page: Path, name: str) -> Path:
    """What a relative link means; a page that is a link itself keeps its name."""
    return Path(os.path.normpath(page.parent / name))


@pytest.mark.parametrize("page", REFERENCES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file of the repository, and to a heading in it."""
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = beside(page, name) if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_linked() -> None:
    """From README, over at most the tables of contents of docs/, every page is reached."""
    seen: set[Path] = set()
    queue = [README]
    while queue:
        page = queue.pop()
        if page not in seen:
            seen.add(page)
            queue += [beside(page, link.partition("#")[0]) for link in links(page) if ".md" in link]
    assert [str(page.relative_to(ROOT)) for page in REFERENCES if page not in seen] == []


@pytest.mark.parametrize("page", REFERENCES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_named_is_there(page: Path) -> None:
    """Every file and folder of the repository that a page names."""
    quoted = re.findall(r"`([\w./-]+)`", prose(page))
    rooms = ("protocol/", "daemon/", "tui/", "csrc/", "tests/", "docs/", "examples/", "src/", "systemd/")
    wanted = {name for name in quoted if name.startswith(rooms)} - {"daemon/x.py"}  # anybody's file
    assert {name for name in wanted if not (ROOT / name).exists()} == set()


def test_every_exit_code_is_listed() -> None:
    """The codes of the command are those of its module."""
    page = (ROOT / "docs/reference/files.md").read_text()
    table = page.partition("| `statekeep` ends with")[2].partition("| `statekeepd` ends")[0]
    listed = [int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for code in row.split(",")]
    assert listed == [code.value for code in Exit]


def test_every_message_id_is_listed() -> None:
    """With what it means, in the words of the code."""
    page = (ROOT / "docs/reference/files.md").read_text()
    assert dict(re.findall(r"^\| `([0-9a-f]{32})` \| (.+) \|$", page, re.MULTILINE)) == IDS
