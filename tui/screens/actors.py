"""All actors, or those that pass a filter: however many there are, only those that are seen are asked for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from statekeep.protocol.messages import Actors, CountRequest, PageRequest
from statekeep.protocol.records import Actor
from statekeep.tui import filters, look, messages, paging
from statekeep.tui.cli.blocks import Cell, Column, Span
from statekeep.tui.cli.wording import ago, count, state
from statekeep.tui.documents import Document
from statekeep.tui.feed import World
from statekeep.tui.filters import Filter
from statekeep.tui.screens.listing import Filtered
from statekeep.tui.widgets.chrome import Field
from statekeep.tui.widgets.table import Table

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
    Column("last", whole=True),
]


class ActorsRoom(Filtered):
    """The table of actors."""

    HELP = """A filter is made of words such as version:loan-v1 state:awaiting_docs rescue:yes; a word alone is a state.
In a state * is any one part of its path and ** any run; key:usr-* are all keys that begin so; since:2h and until:2h
bound the last event. Tab completes. The daemon filters, and gives the rows that are seen: a million are no more
trouble than ten."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "order", "Sort")]
    KIND = Actor
    FILE = "actors.csv"

    def __init__(self, text: str = "") -> None:
        super().__init__(filters.parse(text))
        self._latest_first = False

    def body(self) -> ComposeResult:
        field = Field(
            self._complete, value=self.filter.text, placeholder="version:loan-v1 state:awaiting_docs", id="filter"
        )
        field.border_title = "Filter"
        yield field
        table = Table(COLUMNS, row, empty=EMPTY, id="actors", classes="box")
        table.border_title = "Actors"
        yield table
        yield Static(id="line", classes="statusline")

    async def _complete(self, text: str) -> list[str]:
        return filters.completions(text, self.keeper.versions)

    @property
    def crumb(self) -> str:
        return f"Actors {self.filter.text}".rstrip()

    @property
    def subject(self) -> str | None:
        item = self.table.item
        return None if item is None else item.key or str(item.id)

    @property
    def command(self) -> list[str]:
        order = ["--order", "updated"] if self._latest_first else []
        return ["actors", *filters.options(self.filter, filters.ACTORS), *order]

    @property
    def document(self) -> Document | None:
        item = self.table.item
        return None if item is None else Document.of(f"actor-{item.id}", item)

    @property
    def manner(self) -> str:
        return ", latest first" if self._latest_first else ", by id"

    def see(self, world: World) -> None:
        if not world.changed:
            return
        total = world.status.actors if not self.filter.words else filters.population(world.versions, self.filter)
        if total is None and "key" not in self.filter.request:
            self.bring("total", lambda: self._count(self.filter))
        self.draw(self._make_source(total), total)
        self.tell_place()

    async def _count(self, wanted: Filter) -> tuple[Filter, int]:
        return wanted, (await self.keeper.client.call(CountRequest(**wanted.request))).actors

    def _fields(self) -> dict[str, Any]:
        return {**self.filter.request, **({"order": "updated"} if self._latest_first else {})}

    def _make_source(self, total: int | None) -> paging.Source:
        return paging.actors(self.keeper.client, self._fields(), total)

    def read(self, text: str) -> Filter:
        return filters.parse(text)

    def requests(self) -> tuple[PageRequest[Any], str]:
        return Actors(**self._fields(), limit=1_000), "actors"

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        self.keeper.open("actor", actor=message.item.id)

    def action_order(self) -> None:
        self._latest_first = not self._latest_first
        self.show_anew()

    def on_came(self, message: messages.Came) -> None:
        if message.what == "exported":
            self.exported(message.value)
            return
        wanted, total = message.value
        if wanted is self.filter:
            # The daemon has counted who passes: now the whole list can be scrolled.
            self.source = self._make_source(total)
            self.table.resize_rows(total)


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
        Span(ago(time.time() - actor.updated / 1000), "quiet"),
    )
