"""Blocks on a terminal and in a pipe."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from statekeep.tui.cli import happenings, plans, views
from statekeep.tui.cli.blocks import Block, Column, Command, Line, Rows, Span, facts, indented, line
from statekeep.tui.cli.render import show
from tests.tui.records import ACTORS, COUNTS, VERSIONS

LONG = "x" * 300
TABLE = Rows((Column("name"), Column("count", number=True)), [(LONG, "1"), (Span("b", "bad"), "1,203")])
COMMAND = Command(["statekeep", "deploy", "my loan.json", "--id", "loan-v2", "--parent", "loan-v1", "--path", "A,B"])


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A colour terminal of 40 columns."""
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm-256color"), ("COLUMNS", "40"), ("LINES", "25")):
        monkeypatch.setenv(name, value)


def uncoloured(text: str) -> str:
    """What is seen of it."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_pipe_gets_plain_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """No colours, nothing folded or cut however long, no blanks at the end of a line."""
    show([TABLE, line(Span("done", "good"))])
    header, first, second, done = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "count"]
    assert first == f"{LONG}      1"
    assert second == f"b{' ' * 299}  1,203"
    assert done == "done"


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_colours_and_no_line_is_wider(capsys: pytest.CaptureFixture[str]) -> None:
    """What does not fit is folded, so that nothing of it is lost."""
    show([TABLE])
    out = capsys.readouterr().out
    assert "\x1b[1;31mb" in out
    assert max(map(len, uncoloured(out).splitlines())) <= 40
    assert out.count("x") == len(LONG)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("name", "whole"), [("x" * 25, True), (LONG, False)])
def test_what_is_whole_is_folded_only_if_long(capsys: pytest.CaptureFixture[str], name: str, whole: bool) -> None:
    """Its neighbours make room for it; but of a name of any length nothing is lost."""
    show([Rows((Column("", whole=True), Column("")), [(name, "y" * 60)])])
    out = capsys.readouterr().out
    assert (name in out) is whole
    assert (out.count("x"), out.count("y")) == (len(name), 60)


@pytest.mark.usefixtures("terminal")
def test_no_color_is_obeyed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no colour is set on a terminal."""
    monkeypatch.setenv("NO_COLOR", "1")
    show([line(Span("a", "good"), Span("b", "waiting"))])
    assert capsys.readouterr().out == "ab\n"


def test_names_are_data(capsys: pytest.CaptureFixture[str]) -> None:
    """What looks like markup, an emoji code or an escape sequence is shown as it is."""
    show([line("[bold]a[/] :smile: \x1b[31m"), facts(("[red]", "[/]"))])
    assert capsys.readouterr().out == "[bold]a[/] :smile: \\x1b[31m\n  [red]  [/]\n"


def test_indented_blocks_keep_their_shape(capsys: pytest.CaptureFixture[str]) -> None:
    """Empty lines stay, and what was indented is indented further."""
    show(indented([line("a"), Line(), line("b", indent=2)], 3))
    assert capsys.readouterr().out == "   a\n\n     b\n"


def test_a_command_is_one_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Quoted for the shell."""
    show([COMMAND])
    assert capsys.readouterr().out == f"{shlex.join(COMMAND.words)}\n"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("width", range(38, 70))
def test_a_command_can_be_copied_from_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Folded with backslashes, it is still the same command, and an option stays with its value."""
    monkeypatch.setenv("COLUMNS", str(width))
    show([COMMAND._replace(indent=2)])
    shown = uncoloured(capsys.readouterr().out)
    assert len(shown.splitlines()) > 1
    assert max(map(len, shown.splitlines())) <= width
    assert all(row.endswith(" \\") for row in shown.splitlines()[:-1])
    assert shlex.split(shown.replace("\\\n", "")) == list(COMMAND.words)
    assert "--parent loan-v1" in shown


@pytest.mark.parametrize(
    ("view", "answer"), [(views.actors, ACTORS), (plans.versions, VERSIONS), (happenings.counts, COUNTS)]
)
def test_an_unsound_store_is_told_with_every_list(
    capsys: pytest.CaptureFixture[str], view: Callable[[Any], Iterable[Block]], answer: Any
) -> None:
    """Before the list, which may not be what was written; a sound one has no such line."""
    show(view(answer))
    assert "damaged" not in capsys.readouterr().out
    show(view(msgspec.structs.replace(answer, damaged=True)))
    assert capsys.readouterr().out.startswith("damaged: the actors on the disk are not what was written")
