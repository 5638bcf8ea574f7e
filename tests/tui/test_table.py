"""The table holds what is seen, however long it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult

from statekeep.tui import messages
from statekeep.tui.cli.blocks import Cell, Column, Span
from statekeep.tui.paging import PAGE
from statekeep.tui.widgets.table import Table
from tests.tui.stage import screen_text

MILLION = 1_000_000


class Alone(App[None]):
    """A table, and a daemon that gives what it wants."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total = total
        self.asked: list[int] = []

    def compose(self) -> ComposeResult:
        columns = [Column("id", number=True), Column("key", whole=True), Column("words")]
        yield Table(columns, _row)

    def on_mount(self) -> None:
        self.query_one(Table).forget(self.total)
        self.query_one(Table).focus()

    def on_page_wanted(self, message: messages.PageWanted) -> None:
        self.asked.append(message.number)
        first = message.number * PAGE
        message.table.fill(message.number, range(first, min(first + PAGE, self.total)), self.total)


def _row(number: int) -> Sequence[Cell]:
    return str(number), Span(f"key-{number}", "strong"), "words " * 20 + "\x1b[2J"


async def _press(app: Alone, *keys: str) -> str:
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        return screen_text(app)


def test_a_million_rows_are_twelve_lines() -> None:
    """Mounted at once; the end is a key away; of ten thousand pages three were asked for."""
    app = Alone(MILLION)
    text = asyncio.run(_press(app, "G", "k", "g", "ctrl+d", "G"))
    assert "key-999999" in text
    assert set(app.asked) <= {0, MILLION // PAGE - 1}


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [(("j", "j", "k"), 1), (("G",), 499), (("G", "g"), 0), (("k",), 0), (("G", "j"), 499), (("space", "pageup"), 0)],
)
def test_the_cursor_stays_in_the_table(keys: tuple[str, ...], cursor: int) -> None:
    """Keys of vim and of everybody else."""
    app = Alone(500)
    text = asyncio.run(_press(app, *keys))
    assert f" key-{cursor} " in next(line for line in text.splitlines() if line.startswith("▌"))


def test_what_does_not_fit_is_cut_with_a_mark() -> None:
    """Keys stay whole and words give way; nothing that a terminal would obey reaches it."""
    text = asyncio.run(_press(Alone(3)))
    assert "key-2" in text
    assert "…" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 60


def test_new_rows_take_the_place_of_the_old() -> None:
    """A page that comes again is what is seen."""

    async def twice() -> str:
        app = Alone(3)
        async with app.run_test(size=(60, 12)) as pilot:
            await pilot.pause()
            app.query_one(Table).fill(0, [7, 8, 9], 3)
            await pilot.pause()
            return screen_text(app)

    text = asyncio.run(twice())
    assert "key-9" in text
    assert "key-1" not in text


def test_nothing_to_show_says_so() -> None:
    """An empty table is not a blank one."""
    assert "Nothing here." in asyncio.run(_press(Alone(0), "j", "G", "enter"))
