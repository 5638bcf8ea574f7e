"""What is said on a terminal, before it is known how: text with styles, facts, tables.

Commands and views make blocks and ``render`` draws them, so that what a command says can be read, and tested, without
a terminal, and ``--json`` never loads the library that draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

Style = Literal["", "strong", "quiet", "good", "waiting", "bad"]


class Span(NamedTuple):
    """A run of text in one style."""

    text: str
    style: Style = ""


Cell = str | Span


class Line(NamedTuple):
    """Spans beside each other; an empty line if there are none. ``indent`` is in columns."""

    spans: Sequence[Cell] = ()
    indent: int = 0


class Column(NamedTuple):
    """A column of a table. Numbers stand at its right edge; what is ``whole`` and short is not broken over lines.

    Where a line can't be broken, what is ``spare`` is cut before the others.
    """

    title: str
    number: bool = False
    whole: bool = False
    spare: bool = False


class Rows(NamedTuple):
    """A table. Columns without titles have no heading."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    indent: int = 0


class Command(NamedTuple):
    """A command line to be typed. Where it does not fit it goes on after a backslash, so that it can be copied."""

    words: Sequence[str]
    prompt: str = ""
    style: Style = "strong"
    indent: int = 0


Block = Line | Rows | Command


def line(*spans: Cell, indent: int = 0) -> Line:
    """A line of these spans."""
    return Line(spans, indent)


def facts(*pairs: tuple[str, Cell], indent: int = 2) -> Rows:
    """What is known about one thing, a line for each."""
    columns = (Column("", whole=True), Column(""))
    return Rows(columns, [(Span(label, "quiet"), value) for label, value in pairs], indent)


def indented(blocks: Iterable[Block], columns: int = 2) -> Iterator[Block]:
    """The same blocks further to the right."""
    for block in blocks:
        yield block._replace(indent=block.indent + columns)
