"""What was decided, about whom, and why: by route or by actor, in a time, or as it is made."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from statekeep.protocol.messages import Decisions, PageRequest
from statekeep.protocol.records import Decision
from statekeep.tui import filters, look, messages
from statekeep.tui.cli.blocks import Cell, Column, Span
from statekeep.tui.cli.wording import ago, count, state
from statekeep.tui.documents import Document
from statekeep.tui.feed import World
from statekeep.tui.filters import Filter
from statekeep.tui.following import Followed
from statekeep.tui.paging import Walked
from statekeep.tui.screens.listing import Filtered
from statekeep.tui.widgets.chrome import Field
from statekeep.tui.widgets.table import Table

COLUMNS: Final = [
    Column("when", whole=True),
    Column("actor"),
    Column("route"),
    Column("outcome", whole=True),
    Column("state → landing"),
    Column("events", number=True),
    Column("skipped", number=True),
]

EMPTY: Final = """No such decision.
The filter names a route or an actor: route:loan-v2 outcome:pending since:2h, or actor:alice."""

LATELY: Final = 300
"""Seconds from which on decisions are shown when following begins."""


class DecisionsRoom(Filtered):
    """The log of decisions."""

    CRUMB = "Decisions"
    HELP = """Decisions are about one route, actor by actor, or about one actor, in their order.
since:2h and until:2026-03-01T12:00 bound when they were made; about a route the last word of that time counts.
f follows: those of the last minutes and each new one, in the order in which they are made, the last one in sight.
e exports all that passes the filter, as CSV or JSON lines. Enter shows the actor."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "follow", "Follow"), Binding("e", "export", "Export")]
    KIND = Decision
    FILE = "decisions.csv"

    def __init__(self, text: str = "") -> None:
        super().__init__(self.read(text) if text else Filter())
        self._followed: Followed | None = None

    def body(self) -> ComposeResult:
        placeholder = "route:loan-v2 outcome:migrated since:2h"
        field = Field(self._complete, value=self.filter.text, placeholder=placeholder, id="filter")
        field.border_title = "Filter"
        yield field
        table = Table(COLUMNS, _row, empty=EMPTY, id="decisions", classes="box")
        table.border_title = "Decisions"
        yield table
        yield Static(id="line", classes="statusline")

    async def _complete(self, text: str) -> list[str]:
        return filters.complete_decisions(text, self.keeper.versions)

    @property
    def subject(self) -> str | None:
        item = self.table.item
        return None if item is None else item.key or str(item.actor)

    @property
    def command(self) -> list[str]:
        return ["decisions", *filters.options(self.filter, filters.DECISIONS)]

    @property
    def document(self) -> Document | None:
        item = self.table.item
        return None if item is None else Document.of("decision", item)

    @property
    def manner(self) -> str:
        return ", following" if self._followed else ""

    def see(self, world: World) -> None:
        if not self.filter.words and world.deployments:
            # Something is shown unasked: what was decided about the last route.
            self.filter = self.read(f"route:{world.deployments[-1].version}")
            self.query_one("#filter", Field).value = self.filter.text
        if self._followed is not None and (world.changed or self._followed.behind):
            self.bring("followed", self._followed.look)
        elif self._followed is None and world.changed and self.filter.words:
            self.draw(Walked(self.keeper.client, self._request, lambda page: page.decisions), None)

    def _request(self, cursor: int, limit: int) -> Decisions:
        return Decisions(**self.filter.request, cursor=cursor, limit=limit)

    def read(self, text: str) -> Filter:
        return filters.decisions(text)

    def requests(self) -> tuple[PageRequest[Any], str]:
        return self._request(0, 1_000), "decisions"

    def show_anew(self) -> None:
        if self._followed is not None:
            self._follow()
        super().show_anew()

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        self.keeper.open("actor", actor=message.item.actor)

    def action_follow(self) -> None:
        if self._followed is not None:
            self._followed = None
        else:
            self._follow()
        self.show_anew()

    def _follow(self) -> None:
        since = self.filter.request.get("since", int((time.time() - LATELY) * 1000))
        self._followed = Followed(self.keeper.client, self.filter.request, since)

    def on_came(self, message: messages.Came) -> None:
        if message.what == "exported":
            self.exported(message.value)
        elif self._followed is not None:
            self.table.show(message.value)
            self.table.action_jump(-1)
            self.tell_place()


def _row(made: Decision) -> Sequence[Cell | Sequence[Cell]]:
    landing = "" if made.landing is None else f" → {state(made.landing)}"
    return (
        Span(ago(time.time() - made.time / 1000), "quiet"),
        Span(made.key or str(made.actor), "strong"),
        made.route,
        look.outcome(made.outcome),
        state(made.state_before) + landing,
        count(made.events),
        count(made.skipped) if made.skipped else Span("-", "quiet"),
    )
