"""What ``o`` opens, and with what."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from statekeep.daemon.engine import Engine
from statekeep.tui import app
from statekeep.tui.documents import Document, opener
from tests.tui.stage import Stage, loans, play

TEXT, FILE = Document("a.json", "{}"), Path("loan.json")
GOOD = '{"initial": "a", "states": {"a": {}}}'


@pytest.mark.parametrize(
    ("environ", "text", "file"),
    [
        ({}, ["less"], ["vi"]),
        ({"EDITOR": "code --wait"}, ["code", "--wait"], ["code", "--wait"]),
        ({"EDITOR": "nano", "PAGER": "less -R"}, ["less", "-R"], ["nano"]),
        ({"EDITOR": "nano", "VISUAL": "emacs"}, ["emacs"], ["emacs"]),
    ],
)
def test_a_text_is_read_and_a_file_is_edited(environ: dict[str, str], text: list[str], file: list[str]) -> None:
    """The pager is for what can't be changed here, the editor for the user's own file."""
    assert (opener(TEXT, environ), opener(FILE, environ)) == (text, file)


def test_a_terminal_that_can_not_be_left_says_so(engine: Engine) -> None:
    """As in a browser: the screen stays, with the reason; where there is nothing to open, that is said."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "o")
        assert "Nothing else can be opened on this terminal" in stage.said
        await stage.press("5", "escape", "o")
        assert "There is nothing here to open" in stage.said

    play(engine, scene)


def test_a_file_that_was_edited_is_previewed_anew(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The editor gets the definition itself, not a copy of it."""
    monkeypatch.chdir(tmp_path)
    Path("new.json").write_text('{"initial": "nowhere"}')
    words = [sys.executable, "-c", f"import sys; open(sys.argv[1], 'w').write({GOOD!r})"]
    monkeypatch.setattr(app, "opener", lambda _: words)
    monkeypatch.setattr(app.StatekeepApp, "suspend", lambda _: nullcontext())

    async def scene(stage: Stage) -> None:
        await stage.press("5")
        await stage.type("new.json")
        assert "Preview of new" not in stage.text
        await stage.press("escape", "o")
        assert "Preview of new" in stage.text

    play(engine, scene)
