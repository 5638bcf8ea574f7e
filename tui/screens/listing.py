"""A screen over a long list: it brings the pages that are seen, says where one is, and writes all of it to a file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.messages import PageRequest
from statekeep.protocol.operations import following
from statekeep.protocol.records import DecisionPage, Record
from statekeep.tui import messages
from statekeep.tui.asking import Asks
from statekeep.tui.cli.blocks import Span, line
from statekeep.tui.cli.exports import export, format_of
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.wording import UNSOUND, count, left_out
from statekeep.tui.filters import Filter, Unusable
from statekeep.tui.paging import PAGE, Source
from statekeep.tui.screens.room import Room
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks


class Listing(Room):
    """A room whose table is a source's; the source is made anew when the world has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.source: Source | None = None

    @property
    def table(self) -> Table:
        """Where the list is shown."""
        return self.query_one(Table)

    def draw(self, source: Source, total: int | None) -> None:
        """Show a source, of which ``total`` rows are known; what was there stays until its rows come."""
        fresh, self.source = self.source is None, source
        if fresh:
            self.workers.cancel_group(self, "pages")
            self.table.cursor = 0
            self.table.forget(PAGE if total is None else total)
        for number in self.table.renew():
            self._bring_page(source, number)

    def _bring_page(self, source: Source, number: int) -> None:
        table = self.table

        async def work() -> None:
            try:
                items = await source.page(number)
            except StatekeepError as error:
                self.post_message(messages.Refused(error))
            else:
                self.post_message(messages.PageCame(table, number, items, source.total))

        self.run_worker(work, group="pages")  # type: ignore[arg-type]  # it returns None

    def on_page_wanted(self, message: messages.PageWanted) -> None:
        if self.source is not None:
            self._bring_page(self.source, message.number)

    def on_page_came(self, message: messages.PageCame) -> None:
        message.table.fill(message.number, message.items, message.total)
        self.tell_place()

    def on_row_moved(self) -> None:
        self.tell_place()

    def tell_place(self) -> None:
        """Say where one is in the list, if there is a line for that."""
        more = "" if self.source is None or self.source.exact else " or more"
        where = f"{count(self.table.cursor + 1)} of {count(self.table.total)}{more}" if self.table.total else "none"
        about = "" if self.table.item is None else f"; {self.told(self.table.item)}"
        for place in self.query("#line").results(Static):
            place.update(blocks([line(Span(f" {where}{self.manner}{about}", "quiet"))]))

    @property
    def manner(self) -> str:
        """In which order, or how, the list is shown."""
        return ""

    def told(self, item: Any) -> str:
        """What is said of the row of the cursor: where rows tell how long ago, when."""
        del item
        return ""


class Filtered(Listing):
    """A list with a filter above it, which can be exported."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "export", "Export", show=False, id="export")]
    KIND: ClassVar[type[Record]]
    """What the rows are."""
    FILE: ClassVar[str]
    """The name of the file that is proposed for them."""

    def __init__(self, wanted: Filter) -> None:
        super().__init__()
        self.filter = wanted

    def read(self, text: str) -> Filter:
        """A filter as it was typed. Raises ``Unusable``."""
        raise NotImplementedError

    def requests(self) -> tuple[PageRequest[Any], str]:
        """The request for all that passes the filter, and the name of the rows in its pages."""
        raise NotImplementedError

    def show_anew(self) -> None:
        """Show the list from its beginning: it is another one."""
        self.source = None
        self.tell_top_line()
        if self.keeper.world is not None:
            self.see(self.keeper.world._replace(changed=True))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self.filter = self.read(event.value)
        except Unusable as problem:
            self.notify(str(problem), severity="error")
            return
        self.show_anew()
        self.table.focus()

    def action_filter(self) -> None:
        self.query_one("#filter").focus()

    def action_export(self) -> None:
        from statekeep.tui.screens.dialogs import Ask  # noqa: PLC0415 - when it is wanted

        if self.app.is_web:
            self.notify("A browser can't export; `statekeep tui` in a terminal can.", severity="warning")
            return
        told = "All that passes the filter, as .csv or as .jsonl. A file of that name is replaced."
        self.app.push_screen(Ask("Export", told, self.FILE, "Write it"), self._export)

    def _export(self, name: str | None) -> None:
        if name:
            file = Path(name).expanduser().resolve()
            request, rows = self.requests()
            self.notify(
                "Written as it comes; the screens go on meanwhile.", title=f"Exporting to {file.name}", timeout=3
            )
            self.bring("exported", lambda: written(self.keeper.client, request, rows, self.KIND, file))

    def exported(self, done: Written | UnusableInput) -> None:
        """Say what came of an export, and who is not in it."""
        if isinstance(done, UnusableInput):
            self.notify(f"{done} {done.advice}", severity="error")
            return
        self.notify(f"{count(done.rows, 'row')} written to {done.file}")
        if done.lacking:
            self.notify("\n".join(done.lacking), title=done.file.name, severity="warning")


class Written(NamedTuple):
    """What came of an export."""

    file: Path
    rows: int
    lacking: Sequence[str]
    """What is to be said of those who are not in it."""


async def written(
    client: Asks, request: PageRequest[Any], rows: str, kind: type[Record], file: Path
) -> Written | UnusableInput:
    """Write all pages to a file as they come, or say why not. Raises what asking raises."""
    loop, number, erased, damaged, unsound = asyncio.get_running_loop(), 0, 0, 0, False

    def records() -> Iterator[Record]:
        nonlocal number, erased, damaged, unsound
        after: PageRequest[Any] | None = request
        while after is not None:
            page = asyncio.run_coroutine_threadsafe(client.call(after), loop).result()
            number += len(getattr(page, rows))
            if isinstance(page, DecisionPage):
                erased, damaged = erased + len(page.erased), damaged + len(page.damaged)
            else:
                unsound = unsound or page.damaged
            yield from getattr(page, rows)
            after = following(after, page)

    try:
        form = format_of(str(file), None)
        await asyncio.to_thread(export, kind, records(), str(file), form)
    except UnusableInput as problem:
        return problem
    return Written(file, number, [*left_out(erased, damaged), *[UNSOUND] * unsound])
