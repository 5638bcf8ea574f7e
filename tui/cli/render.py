"""Draws blocks: with colours and folded to its width on a terminal, plain and never cut elsewhere."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from statekeep.tui.cli.blocks import Block, Cell, Command, Line, Rows, Span, Style
from statekeep.tui.cli.wording import printable

STYLES: Final[dict[Style, str]] = {
    "": "",
    "strong": "bold",
    "quiet": "dim",
    "good": "green",
    "waiting": "yellow",
    "bad": "bold red",
}

_UNBOUNDED: Final = 1_000_000
"""Columns of a pipe: more than any line has, since a cut or folded line is lost to grep."""

_SHORT: Final = 32
"""Columns of what is not folded: names that people give, times, fingerprints. A name may have 256."""


def show(blocks: Iterable[Block]) -> None:
    """Draw on stdout."""
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNBOUNDED
    with console.capture() as captured:
        for block in blocks:
            drawn = _draw(block, console.width - block.indent)
            console.print(Padding(drawn, (0, 0, 0, block.indent), expand=False))
    sys.stdout.write(re.sub(r" +$", "", captured.get(), flags=re.MULTILINE))
    sys.stdout.flush()


def _draw(block: Block, width: int) -> Text | Table:
    if isinstance(block, Line):
        return _line(block)
    return _table(block) if isinstance(block, Rows) else _command(block, width)


def _text(cell: Cell) -> Text:
    span = Span(cell) if isinstance(cell, str) else cell
    return Text(printable(span.text), style=STYLES[span.style])


def _line(block: Line) -> Text:
    # Padding swallows a text without any width, and with it an empty line.
    return Text.assemble(*map(_text, block.spans)) if block.spans else Text(" ")


def _table(block: Rows) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(c.title for c in block.columns))
    for place, column in enumerate(block.columns):
        whole = column.whole and all(_text(row[place]).cell_len <= _SHORT for row in block.rows)
        table.add_column(
            column.title,
            justify="right" if column.number else "left",
            no_wrap=column.number or whole,
            overflow="fold",
            header_style="dim",
        )
    for row in block.rows:
        table.add_row(*map(_text, row))
    return table


def _command(block: Command, width: int) -> Text:
    lines: list[str] = []
    last = block.prompt + shlex.quote(block.words[0])
    for unit in _units(block.words[1:]):
        # Two columns are left for the backslash.
        if len(last) + 1 + len(unit) > width - 2:
            lines.append(last)
            last = "   "
        last += f" {unit}"
    return _text(Span(" \\\n".join([*lines, last]), block.style))


def _units(words: Iterable[str]) -> Iterator[str]:
    """Words, and options with their values: what stays on one line."""
    unit: list[str] = []
    for word in words:
        if unit and (word.startswith("--") or not unit[0].startswith("--")):
            yield shlex.join(unit)
            unit = []
        unit.append(word)
    if unit:
        yield shlex.join(unit)
