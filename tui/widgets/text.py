"""The blocks that commands print, as content of a widget: so that both say the same in the same words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len
from textual.content import Content

from statekeep.tui.cli.blocks import Block, Cell, Line, Rows, Span, Style
from statekeep.tui.cli.wording import printable

STYLES: Final[dict[Style, str]] = {
    "": "",
    "strong": "bold",
    "quiet": "$foreground 60%",
    "good": "$text-success",
    "waiting": "$text-warning",
    "bad": "$text-error bold",
}


def spans(*cells: Cell) -> Content:
    """Spans beside each other."""
    return Content.assemble(*[_part(cell) for cell in cells])


def blocks(given: Iterable[Block | Content]) -> Content:
    """Blocks below each other; a table without headings is a list of facts."""
    return Content("\n").join(line for block in given for line in _lines(block))


def _lines(block: Block | Content) -> Iterable[Content]:
    if isinstance(block, Content):
        return [block]
    if isinstance(block, Line):
        return [spans(" " * block.indent, *block.spans)]
    if isinstance(block, Rows):
        return _rows(block)
    return [spans(" " * block.indent, Span(" ".join(block.words), block.style))]


def _rows(table: Rows) -> list[Content]:
    heads = [[Span(column.title, "quiet") for column in table.columns]] if any(c.title for c in table.columns) else []
    rows = [*heads, *table.rows]
    widths = [max(cell_len(_text(row[n])) for row in rows) for n in range(len(table.columns))] if rows else []
    lines = []
    for row in rows:
        cells: list[Cell] = [" " * table.indent]
        for column, width, cell in zip(table.columns, widths, row, strict=True):
            gap = " " * (width - cell_len(_text(cell)))
            cells += [gap, cell, "  "] if column.number else [cell, gap, "  "]
        lines.append(spans(*cells).rstrip())
    return lines


def _part(cell: Cell) -> tuple[str, str]:
    return (printable(cell.text), STYLES[cell.style]) if isinstance(cell, Span) else (printable(cell), "")


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Span) else cell
