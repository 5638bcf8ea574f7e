"""The versions: what each is made of, how it differs from its parent, and what its route takes over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static, TabbedContent, TabPane

from statekeep.protocol.messages import Close, Definition, Paths
from statekeep.protocol.records import Change, DefinitionText, PathNode, PathPage, Version
from statekeep.tui import look, messages
from statekeep.tui.cli import plans
from statekeep.tui.cli.blocks import Block, Cell, Column, Line, Span, facts, line
from statekeep.tui.cli.wording import count, moment, path, printable, state
from statekeep.tui.documents import Document
from statekeep.tui.feed import World
from statekeep.tui.outline import chart_lines
from statekeep.tui.screens.dialogs import Confirm
from statekeep.tui.screens.overview import NO_VERSIONS, forest
from statekeep.tui.screens.room import Room
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks, spans

TABS = ("route", "outline", "changes", "mermaid", "json")


class Sheet(NamedTuple):
    """A version's definition in all its forms."""

    version: str
    outline: list[Line]
    changes: list[Change]
    mermaid: str
    text: str


class VersionsRoom(Room):
    """The forest on the left, the chosen version on the right."""

    CRUMB = "Versions"
    HELP = """Moving through the versions shows what each is: its route, its chart, what it changes, and as text.
c closes a route: it takes nobody over any more. d writes a new version below it."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "tab(-1)", "Tab before", show=False, id="tab-before"),
        Binding("right_square_bracket,tab", "tab(1)", "Next tab", key_display="tab", id="next-tab"),
        Binding("d", "deploy", "Deploy below", id="deploy-below"),
        Binding("p", "paths", "Paths", id="paths-of"),
        Binding("c", "close", "Close route", show=False, id="close"),
    ]

    def __init__(self, version: str | None = None) -> None:
        super().__init__()
        self._wanted = version
        self._sheet: Sheet | None = None

    def body(self) -> ComposeResult:
        with Horizontal(classes="sides"):
            columns = [Column("version", whole=True), Column("actors", number=True), Column("path")]
            table = Table(columns, _row, empty=NO_VERSIONS, id="versions", classes="side box")
            table.border_title = "Versions"
            yield table
            with TabbedContent(classes="main", id="tabs"):
                for name in TABS:
                    with TabPane(name.title(), id=f"{name}-tab"), VerticalScroll(classes="scroll"):
                        yield Static(id=name)

    @property
    def _chosen(self) -> Version | None:
        item = self.query_one(Table).item
        return item[1] if item else None

    @property
    def subject(self) -> str | None:
        return self._chosen.version if self._chosen else None

    @property
    def command(self) -> list[str] | None:
        return ["show", self.subject] if self.subject else None

    @property
    def document(self) -> Document | None:
        return Document(f"{self._sheet.version}.json", self._sheet.text) if self._sheet else None

    def see(self, world: World) -> None:
        if not world.changed:
            return
        table = self.query_one(Table)
        rows = list(forest(world.versions))
        table.show(rows)
        if self._wanted is not None:
            names = [version.version for _, version in rows]
            table.cursor = names.index(self._wanted) if self._wanted in names else 0
            self._wanted = None
        self._tell()

    def on_row_moved(self) -> None:
        self._tell()

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        self.keeper.open("actors", text=f"version:{message.item[1].version}")

    def _tell(self) -> None:
        version = self._chosen
        if version is None:
            return
        self.query_one("#route", Static).update(blocks(_route(version)))
        if self._sheet is None or self._sheet.version != version.version:
            self.bring("sheet", lambda: self._draw(version))

    async def _draw(self, version: Version) -> Sheet:
        own = await self.keeper.client.call(Definition(version.version))
        parent = await self.keeper.client.call(Definition(version.parent)) if version.parent else None
        return sheet(own, parent)

    def on_came(self, message: messages.Came) -> None:
        if message.what == "histories":
            self._confirm_close(*message.value)
            return
        if message.what == "closed":
            self.notify(spans(*plans.closed(message.value).spans).plain)
            self.keeper.look_again()
            return
        self._sheet = found = message.value
        self.query_one("#outline", Static).update(blocks(found.outline))
        changes = [plans.change_line(change)._replace(indent=0) for change in found.changes]
        none = line(Span("It has the states and transitions of its parent, or no parent.", "quiet"))
        self.query_one("#changes", Static).update(blocks(changes or [none]))
        self.query_one("#mermaid", Static).update(Content(printable(found.mermaid)))
        self.query_one("#json", Static).update(Content(printable(found.text)))

    def action_tab(self, step: int) -> None:
        tabs = self.query_one("#tabs", TabbedContent)
        names = [f"{name}-tab" for name in TABS]
        tabs.active = names[(names.index(tabs.active) + step) % len(names)]

    def action_deploy(self) -> None:
        self.keeper.open("deploy", parent=self.subject)

    def action_paths(self) -> None:
        self.keeper.open("paths", version=self.subject)

    def action_close(self) -> None:
        version = self._chosen
        if version is None or not self.keeper.allowed("Closing a route", Close.role):
            return
        if version.parent is None or version.closed:
            self.notify(f"{version.version} has no open route.", severity="warning")
            return
        tree = Paths(version.parent, depth=max(1, min(len(version.path), 64)), limit=1_000)

        async def histories() -> tuple[Version, PathPage]:
            return version, await self.keeper.client.call(tree)

        self.bring("histories", histories)

    def _confirm_close(self, version: Version, histories: PathPage) -> None:
        def close(sure: bool | None) -> None:
            if sure:
                self.ask("closed", Close(version.version))

        may = undecided(version.path, histories.nodes)
        more = "" if histories.next is None else " or more"
        who = f"{count(may, 'actor')}{more} of {version.parent} may still match its path"
        told = f"{version.version} will take nobody over any more. {who}; later siblings will judge them."
        none = f"{version.version} will take nobody over any more. Nobody is waiting for it."
        self.app.push_screen(
            Confirm("Close a route", spans(told if may or more else none), "Close it", word=version.version), close
        )


def undecided(path: Sequence[str], nodes: Iterable[PathNode]) -> int:
    """How many actors in a tree of histories may still come to match a path, and have not yet."""
    runs = path.index("**") if "**" in path else len(path)
    number = 0
    for node in nodes:
        so_far = len(node.path)
        if so_far > runs or any(token not in ("*", event) for token, event in zip(path, node.path, strict=False)):
            continue
        if so_far < runs:
            number += node.here
        elif runs < len(path):
            number += node.actors  # behind a run of events nobody ever diverges
    return number


def sheet(own: DefinitionText, parent: DefinitionText | None) -> Sheet:
    """A definition in all its forms."""
    # Charts are the daemon's room; they are loaded with the first version that is looked at.
    from statekeep.daemon.statecharts import diff, load, mermaid  # noqa: PLC0415

    chart = load(own.definition, guards=own.guards)
    older = load(parent.definition, guards=parent.guards) if parent else None
    return Sheet(
        own.version,
        list(chart_lines(chart)),
        diff(older, chart) if older else [],
        mermaid(chart),
        json.dumps(own.definition, indent=2, ensure_ascii=False),
    )


def _row(item: tuple[str, Version]) -> Sequence[Cell | Sequence[Cell]]:
    guide, version = item
    route = path(version.path) if version.parent else "-"
    return (
        [Span(guide, "quiet"), Span(version.version, "strong")],
        count(version.active + version.finished),
        Span(f"✗ {route}", "quiet") if version.closed else route,
    )


def _route(version: Version) -> Iterator[Block]:
    pairs: list[Any] = [("version", Span(version.version, "strong"))]
    if version.parent:
        state_of_route = Span("✗ closed", "quiet") if version.closed else Span("● open", "good")
        pairs += [("parent", version.parent), ("path", path(version.path)), ("hash", version.path_hash)]
        pairs += [
            ("route", state_of_route),
            ("landing", version.landing if isinstance(version.landing, str) else "by a map of states"),
        ]
    pairs += [("guards", version.guards), ("deployed", moment(version.time)), ("active", count(version.active))]
    pairs += [("finished", count(version.finished))]
    if version.needs_rescue:
        pairs.append(("rescue", Span(f"! {count(version.needs_rescue, 'actor')}", "bad")))
    yield facts(*pairs, indent=0)
    yield line()
    largest = max((row.actors for row in version.states), default=0)
    for row in sorted(version.states, key=lambda row: -row.actors):
        if row.actors:
            sign, style = look.STATUSES[row.status]
            bar = f"{look.bar(row.actors, largest, 16):<16}"
            yield line(Span(f"{sign} {bar} ", style), f"{count(row.actors):>9}  {state(row.state)}")
