"""What was decided, about whom, and why: by route or by actor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from statekeep.protocol.messages import Decisions
from statekeep.protocol.records import Decision, Outcome
from statekeep.tui import look, messages
from statekeep.tui.cli.arguments import actor
from statekeep.tui.cli.blocks import Cell, Column, Span, line
from statekeep.tui.cli.exports import export
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.wording import ago, count, state
from statekeep.tui.feed import World
from statekeep.tui.paging import PAGE, Walked
from statekeep.tui.screens.room import Room
from statekeep.tui.widgets.chrome import Field
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks

COLUMNS = [
    Column("when", whole=True),
    Column("actor"),
    Column("route"),
    Column("outcome", whole=True),
    Column("state → landing"),
    Column("events", number=True),
    Column("skipped", number=True),
]

EMPTY = """No such decision.
The filter names a route or an actor: route:loan-v2 outcome:pending, or actor:alice."""

WORDS = ("route", "actor", "outcome")


class DecisionsRoom(Room):
    """The log of decisions."""

    CRUMB = "Decisions"
    HELP = """Decisions are about one route, actor by actor, or about one actor, in their order.
f follows: the last one stays in sight. e exports all of them to decisions.csv. Enter shows the actor."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow"),
        Binding("e", "export", "Export"),
    ]

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = text
        self._source: Walked | None = None
        self._following = False

    def body(self) -> ComposeResult:
        field = Field(self._complete, value=self._text, placeholder="route:loan-v2 outcome:migrated", id="filter")
        field.border_title = "Filter"
        yield field
        table = Table(COLUMNS, _row, empty=EMPTY, id="decisions", classes="box")
        table.border_title = "Decisions"
        yield table
        yield Static(id="line", classes="statusline")

    @property
    def subject(self) -> str | None:
        item = self.query_one(Table).item
        return None if item is None else item.key or str(item.actor)

    @property
    def command(self) -> list[str] | None:
        fields = _parse(self._text)
        words = ["decisions", *([str(fields["actor"])] if "actor" in fields else [])]
        for name in ("route", "outcome"):
            words += [f"--{name}", fields[name]] if name in fields else []
        return words

    @property
    def document(self) -> tuple[str, str] | None:
        item = self.query_one(Table).item
        return None if item is None else ("decision.json", msgspec.json.format(msgspec.json.encode(item)).decode())

    async def _complete(self, text: str) -> list[str]:
        *before, word = text.split(" ")
        name, colon, _ = word.partition(":")
        routes = (
            [version.version for version in self.keeper.world.versions if version.parent] if self.keeper.world else []
        )
        values = {"route": routes, "outcome": list(get_args(Outcome))}
        words = [f"{name}:{one}" for one in values.get(name, [])] if colon else [f"{one}:" for one in WORDS]
        return [" ".join([*before, one]) for one in words if word and one.startswith(word)]

    def see(self, world: World) -> None:
        if not self._text and world.deployments:
            # Something is shown unasked: what was decided about the last route.
            self._text = f"route:{world.deployments[-1].version}"
            self.query_one("#filter", Field).value = self._text
        if world.changed:
            self._ask(fresh=self._source is None)

    def _ask(self, *, fresh: bool) -> None:
        table = self.query_one(Table)
        if not self._text:
            table.forget(0)
            return
        try:
            fields = _parse(self._text)
        except ValueError as problem:
            self.notify(str(problem), severity="error")
            return
        self._source = Walked(
            self.keeper.client, lambda c, n: Decisions(**fields, cursor=c, limit=n), lambda p: p.decisions
        )
        if fresh:
            table.forget(PAGE)
        for number in table.renew():
            self.page_of(table, self._source, number)

    def on_page_wanted(self, message: messages.PageWanted) -> None:
        if self._source is not None:
            self.page_of(message.table, self._source, message.number)

    def page_filled(self, table: Table) -> None:
        if self._following:
            table.action_jump(-1)
        more = "" if self._source is None or self._source.exact else " or more"
        following = ", following" if self._following else ""
        text = f" {count(table.cursor + 1 if table.total else 0)} of {count(table.total)}{more}{following}"
        self.query_one("#line", Static).update(blocks([line(Span(text, "quiet"))]))

    def on_row_moved(self, message: messages.RowMoved) -> None:
        if not self._following:
            self.page_filled(message.table)

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        self.keeper.open("actor", actor=message.item.actor)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._text = event.value.strip()
        self._ask(fresh=True)
        self.query_one(Table).focus()

    def action_filter(self) -> None:
        self.query_one("#filter").focus()

    def action_follow(self) -> None:
        self._following = not self._following
        self.page_filled(self.query_one(Table))

    def action_export(self) -> None:
        if self.app.is_web:
            self.notify("A browser can't export; `statekeep tui` in a terminal can.", severity="warning")
            return
        self.bring("export", self._export)

    async def _export(self) -> list[Decision]:
        fields = _parse(self._text)
        made: list[Decision] = []
        cursor: int | None = 0
        while cursor is not None:
            page = await self.keeper.client.call(Decisions(**fields, cursor=cursor, limit=1000))
            made += page.decisions
            cursor = page.next
        return made

    def on_came(self, message: messages.Came) -> None:
        made: list[Decision] = message.value
        file = Path("decisions.csv").resolve()
        try:
            export(Decision, made, str(file), "csv")
        except UnusableInput as problem:
            self.notify(f"{problem} {problem.advice}", severity="error")
        else:
            self.notify(f"{count(len(made), 'decision')} written to {file}")


def _parse(text: str) -> dict[str, Any]:
    """The fields of the request. Raises ``ValueError``, which says what would be right."""
    fields: dict[str, Any] = {}
    for word in text.split():
        name, colon, value = word.partition(":")
        if not colon:
            name, value = "route", word
        if name not in WORDS or not value:
            raise ValueError(f"Use {', '.join(f'{one}:...' for one in WORDS)}.")
        if name == "outcome" and value not in get_args(Outcome):
            raise ValueError(f"outcome: is one of {', '.join(get_args(Outcome))}.")
        fields[name] = actor(value) if name == "actor" else value
    if ("route" in fields) == ("actor" in fields):
        raise ValueError("Decisions are about a route or about an actor: name one of them.")
    return fields


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
