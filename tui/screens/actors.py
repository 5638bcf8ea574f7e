"""All actors, or those that pass a filter: however many there are, only those that are seen are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from statekeep.protocol.records import Actor
from statekeep.tui import filters, look, messages, paging
from statekeep.tui.asking import build, takes
from statekeep.tui.cli.blocks import Cell, Column, Span, line
from statekeep.tui.cli.exports import export
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.wording import count, state
from statekeep.tui.feed import World
from statekeep.tui.paging import PAGE, Source
from statekeep.tui.screens.room import Room
from statekeep.tui.widgets.chrome import Field
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks

EMPTY: Final = """No actor passes the filter.
/ changes it; with none, every actor is shown. The first is spawned with:
    statekeep spawn VERSION --key NAME"""

COLUMNS: Final = [
    Column("id", number=True),
    Column("key"),
    Column("version", whole=True),
    Column("state"),
    Column("status", whole=True),
    Column("events", number=True),
]


class ActorsRoom(Room):
    """The table of actors."""

    HELP = """A filter is made of words such as version:loan-v1 state:awaiting_docs rescue:yes; a word alone is a state.
Tab completes. The daemon filters, and gives the rows that are seen: a million are no more trouble than ten."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "order", "Sort", show=False)]

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._filter = filters.parse(text)
        self._source: Source | None = None
        self._latest_first = False

    def body(self) -> ComposeResult:
        field = Field(
            self._complete, value=self._filter.text, placeholder="version:loan-v1 state:awaiting_docs", id="filter"
        )
        field.border_title = "Filter"
        yield field
        table = Table(COLUMNS, row, empty=EMPTY, id="actors", classes="box")
        table.border_title = "Actors"
        yield table
        yield Static(id="line", classes="statusline")

    async def _complete(self, text: str) -> list[str]:
        return filters.completions(text, self.keeper.world.versions if self.keeper.world else [])

    @property
    def crumb(self) -> str:
        return f"Actors {self._filter.text}".rstrip()

    @property
    def subject(self) -> str | None:
        item = self.query_one("#actors", Table).item
        return None if item is None else item.key or str(item.id)

    @property
    def command(self) -> list[str]:
        words = ["actors"]
        for name, value in self._filter.fields:
            if name == "rescue":
                words.append("--needs-rescue" if value else "--no-needs-rescue")
            else:
                words += [f"--{name}", value]
        return words

    @property
    def document(self) -> tuple[str, str] | None:
        item = self.query_one("#actors", Table).item
        return (
            None if item is None else (f"actor-{item.id}.json", msgspec.json.format(msgspec.json.encode(item)).decode())
        )

    def see(self, world: World) -> None:
        if not world.changed:
            return
        table = self.query_one("#actors", Table)
        total = world.status.actors if not self._filter.fields else filters.population(world.versions, self._filter)
        if total is None and takes("count", *self._filter.request()):
            self.bring("total", lambda: self.keeper.client.call(build("count", **self._filter.request())))
        fresh = self._source is None
        self._source = self._make_source(total)
        if fresh:
            table.forget(total if total is not None else PAGE)
        for number in table.renew():
            self.page_of(table, self._source, number)
        self._tell(table)

    def _make_source(self, total: int | None) -> Source:
        fields = self._filter.request()
        if self._latest_first:
            fields["order"] = "updated"
        return paging.actors(self.keeper.client, fields, total)

    def _tell(self, table: Table) -> None:
        about = "" if self._source is None or self._source.exact else " or more"
        where = f"{count(table.cursor + 1)} of {count(table.total)}{about}" if table.total else "none"
        order = "latest first" if self._latest_first else "by id"
        self.query_one("#line", Static).update(blocks([line(Span(f" {where}, {order}", "quiet"))]))

    def on_page_wanted(self, message: messages.PageWanted) -> None:
        if self._source is not None:
            self.page_of(message.table, self._source, message.number)

    def page_filled(self, table: Table) -> None:
        self._tell(table)

    def on_row_moved(self, message: messages.RowMoved) -> None:
        self._tell(message.table)

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        self.keeper.open("actor", actor=message.item.id)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self._filter = filters.parse(event.value)
        except filters.Unusable as problem:
            self.notify(str(problem), severity="error")
            return
        self._show_anew()
        self.query_one("#actors", Table).focus()

    def _show_anew(self) -> None:
        self._source = None
        self.tell_top_line()
        if self.keeper.world is not None:
            self.query_one("#actors", Table).cursor = 0
            self.see(self.keeper.world._replace(changed=True))

    def action_filter(self) -> None:
        self.query_one("#filter").focus()

    def action_order(self) -> None:
        if not takes("actors", "order"):
            self.notify("This daemon gives actors by id only.", severity="warning")
            return
        self._latest_first = not self._latest_first
        self._show_anew()

    def action_export(self) -> None:
        if self.app.is_web:
            self.notify("A browser can't export; `statekeep tui` in a terminal can.", severity="warning")
            return
        self.bring("export", self._export)

    async def _export(self) -> list[Actor]:
        source = paging.actors(self.keeper.client, self._filter.request(), None)
        found: list[Actor] = []
        number = 0
        while rows := await source.page(number):
            found += rows
            number += 1
            if len(rows) < PAGE:
                break
        return found

    def on_came(self, message: messages.Came) -> None:
        if message.what == "total":
            # The daemon has counted who passes: now the whole list can be scrolled.
            self._source = self._make_source(message.value.actors)
            self.query_one("#actors", Table).resize_rows(message.value.actors)
        else:
            self._write(message.value)

    def _write(self, found: list[Actor]) -> None:
        file = Path("actors.csv").resolve()
        try:
            export(Actor, found, str(file), "csv")
        except UnusableInput as problem:
            self.notify(f"{problem} {problem.advice}", severity="error")
        else:
            self.notify(f"{count(len(found), 'actor')} written to {file}")


def row(actor: Actor) -> Sequence[Cell | Sequence[Cell]]:
    """An actor as a line of a table."""
    sign, style = look.STATUSES[actor.status]
    return (
        count(actor.id),
        Span(actor.key, "strong") if actor.key else Span("-", "quiet"),
        actor.version,
        state(actor.state),
        Span("! needs rescue", "bad") if actor.needs_rescue else Span(f"{sign} {actor.status}", style),
        count(actor.events),
    )
