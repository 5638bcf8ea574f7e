"""The actors behind a line of a plan, each with where it is and where it would be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult

from statekeep.protocol.messages import PreviewActors
from statekeep.protocol.records import PlannedActor, PlanRow
from statekeep.tui import look, messages
from statekeep.tui.cli.blocks import Cell, Column, Span
from statekeep.tui.cli.wording import count, state
from statekeep.tui.drafts import Draft
from statekeep.tui.feed import World
from statekeep.tui.paging import Numbered
from statekeep.tui.screens.listing import Listing
from statekeep.tui.widgets.table import Table

COLUMNS = [
    Column("id", number=True),
    Column("key"),
    Column("now"),
    Column("then"),
    Column("events", number=True),
    Column("skipped", number=True),
]


class Planned(Listing):
    """A line of a plan, actor by actor."""

    HELP = "Who would share this outcome: where each is now, and where it would be then. Enter shows the actor."

    def __init__(self, draft: Draft, row: PlanRow) -> None:
        super().__init__()
        self._draft = draft
        self._row = row

    def body(self) -> ComposeResult:
        table = Table(COLUMNS, self._line, empty="Nobody any more: the world has changed.", id="actors", classes="box")
        table.border_title = f"{self._row.outcome}: {count(self._row.actors, 'actor')}"
        yield table

    @property
    def crumb(self) -> str:
        return look.outcome(self._row.outcome).text

    @property
    def subject(self) -> str | None:
        item = self.table.item
        return None if item is None else item.actor.key or str(item.actor.id)

    @property
    def command(self) -> list[str]:
        return [*self._draft.command(None), "--actors", self._row.outcome]

    def see(self, world: World) -> None:
        if world.changed:
            client, total = self.keeper.client, self._row.actors
            self.draw(Numbered(client, self._request, lambda page: page.actors, total), total)

    def _request(self, skip: int, limit: int) -> PreviewActors:
        return self._draft.actors(self._row, skip, limit)

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        self.keeper.open("actor", actor=message.item.actor.id)

    def _line(self, item: PlannedActor) -> Sequence[Cell | Sequence[Cell]]:
        actor = item.actor
        before: Any = [state(actor.state), Span(f" on {actor.version}", "quiet")]
        after: Any = Span("stays", "quiet")
        if item.landing is not None:
            after = [Span(state(item.landing), "good"), Span(f" on {self._draft.version}", "quiet")]
        return (
            count(actor.id),
            Span(actor.key or "-", "strong"),
            before,
            after,
            count(actor.events),
            count(item.skipped) if item.skipped else Span("-", "quiet"),
        )
