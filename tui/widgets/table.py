"""A table of any length: it holds the pages that were looked at last, and draws the lines that are seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from statekeep.tui import messages
from statekeep.tui.cli.blocks import Cell, Column, Span, Style
from statekeep.tui.cli.wording import printable
from statekeep.tui.paging import PAGE

Render = Callable[[Any], Sequence[Cell | Sequence[Cell]]]
"""The cells of a row; a cell may be several spans."""

_GAP: Final = 2
_WIDEST: Final = 60
"""Columns that a cell may ask for; the rest of the line is shared out to those that want more."""

_FEW: Final = 8
"""Columns that a spare cell keeps as long as others have more than they need."""

_KEPT: Final = 128
"""Pages: some ten thousand rows."""


class Table(ScrollView, can_focus=True):
    """Rows, one of which is the cursor's. Ask ``PageWanted`` of it, and give it what it wants with ``fill``."""

    HELP = "Arrows or j and k move, g and G go to the ends, ctrl+d and ctrl+u half a page; enter opens."
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--strong",
        "table--quiet",
        "table--good",
        "table--waiting",
        "table--bad",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="up"),
        Binding("g,home", "jump(0)", "First", show=False, id="first"),
        Binding("G,end", "jump(-1)", "Last", show=False, id="last"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="half-page-down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="half-page-up"),
        Binding("pagedown,space", "page(1)", "Page down", show=False, id="page-down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="page-up"),
        Binding("enter,l", "choose", "Open", show=False, id="choose"),
    ]
    cursor: reactive[int] = reactive(0, repaint=True)

    def __init__(
        self, columns: Sequence[Column], render: Render, *, empty: str = "Nothing here.", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.columns = columns
        self.total = 0
        self.empty = empty
        self._render_row = render
        self._pages: LRUCache[int, list[Any]] = LRUCache(_KEPT)
        self._wanted: set[int] = set()
        self._widths: list[int] = [cell_len(column.title) for column in columns]
        self._fitted: list[int] = list(self._widths)

    @property
    def item(self) -> Any:
        """What stands on the cursor's row; None if that is not known."""
        return self.at(self.cursor)

    def at(self, row: int) -> Any:
        """What stands on a row; None if that is not known."""
        page = self._pages.get(row // PAGE)
        return page[row % PAGE] if page and row % PAGE < len(page) else None

    def show(self, items: Sequence[Any]) -> None:
        """Show just these rows, and keep the cursor where it was if there is such a row."""
        self.forget(len(items))
        self._widths = [cell_len(column.title) for column in self.columns]
        for number in range((len(items) + PAGE - 1) // PAGE):
            self.fill(number, items[number * PAGE : (number + 1) * PAGE], len(items))

    def forget(self, total: int) -> None:
        """Hold no rows, of which there are ``total``; the visible ones are wanted anew."""
        self._pages.clear()
        self._wanted.clear()
        self.resize_rows(total)

    def renew(self) -> list[int]:
        """The pages that are seen, to be asked for again while the old ones are still shown."""
        self._wanted.clear()
        top = max(0, self.scroll_offset.y)
        last = max(0, min(self.total, top + max(1, self.size.height)) - 1)
        seen = range(top // PAGE, last // PAGE + 1)
        for number in list(self._pages.keys()):
            if number not in seen:
                self._pages.discard(number)
        return list(seen)

    def fill(self, number: int, items: Sequence[Any], total: int) -> None:
        """Take the rows of a page."""
        before = self.item
        self._wanted.discard(number)
        self._pages.discard(number)  # what is there already would stay
        self._pages[number] = list(items)
        for item in items:
            if item is None:
                continue
            for column, cell in enumerate(self._render_row(item)):
                width = min(_WIDEST, cell_len(_plain(cell)))
                self._widths[column] = max(self._widths[column], width)
        self.resize_rows(total)
        if self.item is not before:
            self._tell(messages.RowMoved, self.item)

    def resize_rows(self, total: int) -> None:
        """There are so many rows now."""
        self.total = total
        self._fit()
        self.virtual_size = Size(self.size.width, total + 1)
        self.cursor = max(0, min(self.cursor, total - 1))
        self.refresh()

    def _fit(self) -> None:
        """Share out the width: what can be cut gives way, the spare to a few letters, then the widest first."""
        room = self.scrollable_content_region.width - 1 - _GAP * (len(self.columns) - 1)
        widths = list(self._widths)
        giving = [number for number, column in enumerate(self.columns) if not (column.whole or column.number)]
        for number in giving if sum(widths) > room else ():
            if self.columns[number].spare:
                widths[number] = max(min(widths[number], _FEW), widths[number] - (sum(widths) - room))
        while sum(widths) > room and giving and max(widths[number] for number in giving) > 4:
            widest = max(giving, key=lambda number: widths[number])
            widths[widest] -= 1
        self._fitted = widths

    def on_resize(self, event: events.Resize) -> None:
        self._fit()
        self.virtual_size = Size(event.size.width, self.total + 1)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if not self.total:
            return self._message(y, width)
        if y == 0:
            return self._strip([column.title for column in self.columns], "table--header", width, " ")
        row = self.scroll_offset.y + y - 1
        if row >= self.total:
            return Strip.blank(width, self.rich_style)
        item = self.at(row)
        if row // PAGE not in self._pages and row // PAGE not in self._wanted:
            self._wanted.add(row // PAGE)
            # Not from here: who draws, the screen, would count as the sender, and the message would end there.
            self.call_next(self._tell, messages.PageWanted, row // PAGE)
        at_cursor = row == self.cursor and self.has_focus
        style = "table--cursor" if at_cursor else ""
        cells = self._render_row(item) if item is not None else [Span("·", "quiet")]
        return self._strip(cells, style, width, "▌" if at_cursor else " ")

    def _message(self, y: int, width: int) -> Strip:
        lines = self.empty.splitlines()
        text = f" {lines[y - 1]}" if 1 <= y <= len(lines) else ""
        style = self._style("table--quiet")
        return Strip([Segment(set_cell_size(text, width), style)], width)

    def _strip(self, cells: Sequence[Cell | Sequence[Cell]], component: str, width: int, mark: str) -> Strip:
        over = self._style(component) if component else None
        segments = [Segment(mark, over or self._style("table--strong"))]
        for number, cell in enumerate(cells):
            segments += self._cell(cell, number, over)
            segments.append(Segment(" " * _GAP, over or self.rich_style))
        return Strip(segments).adjust_cell_length(width, over or self.rich_style).crop(0, width)

    def _cell(self, cell: Cell | Sequence[Cell], number: int, over: RichStyle | None) -> list[Segment]:
        room = self._fitted[number]
        spans = [cell] if isinstance(cell, str | Span) else list(cell)
        used = sum(cell_len(printable(_plain(span))) for span in spans)
        made: list[Segment] = []
        if self.columns[number].number and used < room:
            made.append(Segment(" " * (room - used), over or self.rich_style))
            room = used
        for span in spans:
            text = printable(_plain(span))
            style = self._style(_component(span))
            if (
                over
            ):  # the row's colour lies behind the cells' own, where the terminal's colours are known to go together
                style = over if self.app.current_theme.ansi else style + RichStyle(bgcolor=over.bgcolor, bold=True)
            if cell_len(text) > room:
                text = set_cell_size(text, max(0, room - 1)) + "…" if room else ""
            made.append(Segment(text, style))
            room -= cell_len(text)
        if room > 0:
            made.append(Segment(" " * room, over or self.rich_style))
        return made

    def _tell(self, kind: Callable[..., Message], about: Any) -> None:
        self.post_message(kind(self, about))

    def _style(self, component: str) -> RichStyle:
        return self.get_component_rich_style(component) if component else self.rich_style

    def watch_cursor(self, before: int, now: int) -> None:
        height = max(1, self.scrollable_content_region.height - 1)
        top = self.scroll_offset.y
        if now < top:
            self.scroll_to(y=now, animate=False, force=True)
        elif now >= top + height:
            self.scroll_to(y=now - height + 1, animate=False, force=True)
        if before != now:
            self._tell(messages.RowMoved, self.item)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        if event.y == 0 or not self.total:
            return
        self.cursor = min(self.total - 1, self.scroll_offset.y + event.y - 1)
        if event.chain == 2:
            self.action_choose()

    def action_move(self, rows: int) -> None:
        self.cursor = max(0, min(self.total - 1, self.cursor + rows))

    def action_jump(self, row: int) -> None:
        self.cursor = max(0, self.total - 1 if row < 0 else row)

    def action_page(self, pages: float) -> None:
        self.action_move(int(pages * max(2, self.size.height - 1)))

    def action_choose(self) -> None:
        if self.item is not None:
            self._tell(messages.RowChosen, self.item)


def _plain(cell: Cell | Sequence[Cell]) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Span):
        return cell.text
    return "".join(_plain(span) for span in cell)


def _component(cell: Cell) -> str:
    style: Style = cell.style if isinstance(cell, Span) else ""
    return f"table--{style}" if style else ""
