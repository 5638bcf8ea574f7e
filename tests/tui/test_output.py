"""The same answer as a table, as JSON, as JSON lines, as CSV, or not at all; and the pager."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from statekeep.protocol.messages import AnyRequest
from statekeep.protocol.records import Record
from tests.tui import records
from tests.tui.conftest import STATEKEEP, Asked, Run
from tests.tui.test_commands import COMMANDS, IDS


@pytest.mark.parametrize(("words", "request_", "answer", "shown"), COMMANDS, ids=IDS)
def test_every_answer_has_every_form(
    run: Run, daemon: Asked, words: list[str], request_: AnyRequest, answer: Record, shown: list[str]
) -> None:
    """Each line of JSON lines is an object, and each of CSV has as many cells as the first has titles."""
    daemon.answers(answer)
    lines = run(*words, "--output", "jsonl")
    assert (lines.code, lines.err) == (0, "")
    objects = [json.loads(text) for text in lines.out.splitlines()]
    table = run("--output", "csv", *words)
    assert (table.code, table.err) == (0, "")
    titles, *rows = csv.reader(io.StringIO(table.out))
    assert len(rows) == len(objects) > 0
    assert {len(row) for row in rows} == {len(titles)}
    assert all(set(found) <= set(titles) for found in objects)


def test_a_list_is_a_line_for_each_of_its_records(run: Run, daemon: Asked) -> None:
    """Of a page as of an answer that comes whole."""
    daemon.answers(records.ACTORS)
    assert [row[1] for row in csv.reader(io.StringIO(run("actors", "--output", "csv").out))] == ["key", "alice", "bob"]
    daemon.answers(records.VERSIONS)
    versions = run("versions", "--output", "jsonl").out.splitlines()
    assert [json.loads(text)["version"] for text in versions] == [each.version for each in records.VERSIONS.versions]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize(("words", "answer"), [("actors", records.ACTORS), ("versions", records.VERSIONS)])
def test_an_unsound_store_is_told_beside_the_data(
    run: Run, daemon: Asked, words: str, answer: Record, form: str
) -> None:
    """Lines of records have no place for it; a sound store has nothing to tell."""
    daemon.answers(answer)
    assert run(words, "--output", form).err == ""
    daemon.answers(msgspec.structs.replace(answer, damaged=True))
    assert run(words, "--output", form).err.startswith("damaged: the actors on the disk")


def test_pages_have_one_heading(run: Run, daemon: Asked) -> None:
    """However many of them there are."""
    daemon.answers(msgspec.structs.replace(records.ACTORS, next=2), records.ACTORS)
    rows = list(csv.reader(io.StringIO(run("actors", "--all", "--output", "csv").out)))
    assert [row[1] for row in rows] == ["key", "alice", "bob", "alice", "bob"]


def test_that_there_is_more_is_said_beside_the_data(run: Run, daemon: Asked) -> None:
    """A page of CSV would look complete."""
    daemon.answers(msgspec.structs.replace(records.ACTORS, next=2))
    assert "--cursor 2" in run("actors", "--output", "csv").err
    assert run("actors", "--output", "csv", "--quiet").err == ""


def test_quiet_leaves_only_failures(run: Run, daemon: Asked) -> None:
    """And the exit code; a form for programs was asked for and is given."""
    daemon.answers(records.ALICE)
    assert run("--quiet", "actor", "alice") == (0, "", "")
    assert json.loads(run("--quiet", "actor", "alice", "--json").out)["key"] == "alice"
    code, out, err = run("--quiet", "config", "check", "/nowhere")
    assert (code, out) == (2, "")
    assert "/nowhere" in err


def on_a_terminal(daemon: Asked, *words: str, **environment: str) -> tuple[int, str]:
    """What a command writes to a terminal of 80 columns, and how it ends."""
    master, slave = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment}
    command = [*STATEKEEP, "--socket", daemon.socket, *words]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=variables)
    os.close(slave)
    written = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # a terminal that nobody has any more
            break
        if not chunk:
            break
        written += chunk
    os.close(master)
    return process.wait(), written.decode()


PAGER = """\
import sys
text = sys.stdin.read()
print("PAGED", len(text.splitlines()), "alice" in text, "\\x1b[" in text)
"""


@pytest.fixture
def pager(tmp_path: Path) -> str:
    """A pager that tells what it got."""
    path = tmp_path / "pager.py"
    path.write_text(PAGER)
    return f"{sys.executable} {path}"


def test_a_list_on_a_terminal_is_paged_with_its_colours(daemon: Asked, pager: str) -> None:
    """The pager decides whether it is long."""
    daemon.answers(records.ACTORS)
    code, out = on_a_terminal(daemon, "actors", PAGER=pager)
    assert code == 0
    assert out.split() == ["PAGED", "3", "True", "True"]


@pytest.mark.parametrize("words", [["actors", "--no-pager"], ["actors", "--json"], ["send", "alice", "A"]])
def test_nothing_else_is_paged(daemon: Asked, pager: str, words: list[str]) -> None:
    """Not what is for programs, what does something, or what is told not to be."""
    daemon.answers(records.SENT if "send" in words else records.ACTORS)
    code, out = on_a_terminal(daemon, *words, PAGER=pager)
    assert code == 0
    assert "PAGED" not in out
    assert "alice" in out


def test_leaving_the_pager_early_is_no_failure(daemon: Asked) -> None:
    """``true`` reads nothing at all."""
    daemon.answers(records.ACTORS)
    assert on_a_terminal(daemon, "actors", PAGER="true") == (0, "")


def test_no_color_holds_on_a_terminal(daemon: Asked) -> None:
    """As https://no-color.org/ has it: set, and not empty."""
    daemon.answers(records.ACTORS)
    assert "\x1b[1;31m" in on_a_terminal(daemon, "actors", PAGER="cat")[1]
    assert "\x1b[1;31m" not in on_a_terminal(daemon, "actors", PAGER="cat", NO_COLOR="1")[1]
