"""Which ways the actors of a version have gone: the place to choose the path of the next version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from statekeep.protocol.errors import UnknownVersion
from statekeep.protocol.messages import Paths
from statekeep.protocol.records import PathNode, PathPage
from statekeep.tui import look, messages
from statekeep.tui.cli.arguments import path_text
from statekeep.tui.cli.blocks import Cell, Column, Span, line
from statekeep.tui.cli.wording import count, path, state
from statekeep.tui.feed import World
from statekeep.tui.screens.room import Room
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks

DEPTH = 3
"""Levels that are shown unasked; enter unfolds more."""

COLUMNS = [
    Column("history"),
    Column("actors", number=True),
    Column("share", whole=True),
    Column("here", number=True),
    Column("state"),
]

EMPTY = """No live actor of this version.
: paths NAME shows those of another one."""


class PathsRoom(Room):
    """The tree of the histories of one version's live actors."""

    HELP = """Each line is a beginning of histories: with how many actors, and how many stand just here.
Enter folds and unfolds. d begins a deploy for exactly the path under the cursor. n goes to the next version."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "deploy", "Deploy for this path", id="deploy-below"),
        Binding("n", "version(1)", "Next version", id="next-version"),
        Binding("N", "version(-1)", "Version before", show=False, id="version-before"),
    ]

    def __init__(self, version: str | None = None) -> None:
        super().__init__()
        self._version = version
        self._tree: dict[tuple[str, ...], PathNode] = {}
        self._folded: set[tuple[str, ...]] = set()
        self._everybody = 0

    def body(self) -> ComposeResult:
        table = Table(COLUMNS, self._line, empty=EMPTY, id="paths", classes="box")
        table.border_title = "Histories"
        yield table
        yield Static(id="line", classes="statusline")

    @property
    def crumb(self) -> str:
        return f"Paths {self._version or ''}".rstrip()

    @property
    def subject(self) -> str | None:
        node = self.query_one(Table).item
        return None if node is None else path_text(node.path)

    @property
    def command(self) -> list[str] | None:
        return ["paths", self._version] if self._version else None

    def see(self, world: World) -> None:
        if self._version is None and world.versions:
            self._version = max(world.versions, key=lambda version: version.active).version
            self.tell_top_line()
        if world.changed and self._version is not None:
            if world.version(self._version) is None:
                self.post_message(messages.Refused(UnknownVersion(self._version, [v.version for v in world.versions])))
                return
            self._ask([])

    def _ask(self, under: list[str]) -> None:
        assert self._version is not None
        self.ask("paths", Paths(self._version, under, depth=DEPTH, limit=1000))

    def on_came(self, message: messages.Came) -> None:
        page: PathPage = message.value
        top = tuple(page.nodes[0].path) if page.nodes else ()
        if not top:
            self._tree.clear()
            self._everybody = page.actors
        for node in page.nodes:
            self._tree[tuple(node.path)] = node
        self._draw()

    def _draw(self) -> None:
        table = self.query_one(Table)
        table.show(
            [node for key, node in sorted(self._tree.items(), key=lambda item: self._order(item[0])) if self._seen(key)]
        )
        self._tell()

    def _seen(self, key: tuple[str, ...]) -> bool:
        return not any(key[:length] in self._folded for length in range(len(key)))

    def _order(self, key: tuple[str, ...]) -> list[tuple[int, str]]:
        """Depth first, the most travelled first."""
        beginnings = [key[: length + 1] for length in range(len(key))]
        return [(-self._tree[one].actors if one in self._tree else 0, one[-1]) for one in beginnings]

    def _loaded(self, key: tuple[str, ...]) -> bool:
        return any(other[:-1] == key for other in self._tree if other)

    def _line(self, node: PathNode) -> Sequence[Cell | Sequence[Cell]]:
        key = tuple(node.path)
        sign = " " if not node.children else "▸" if key in self._folded or not self._loaded(key) else "▾"
        share = f"{look.bar(node.actors, self._everybody, 16):<16} {look.percent(node.actors, self._everybody):>5}"
        return (
            [Span("  " * len(key) + f"{sign} ", "quiet"), Span(key[-1] if key else "(spawned)", "strong")],
            count(node.actors),
            Span(share, "good"),
            count(node.here) if node.here else Span("-", "quiet"),
            "" if node.state is None else state(node.state),
        )

    def on_row_moved(self) -> None:
        self._tell()

    def _tell(self) -> None:
        node = self.query_one(Table).item
        parts: list[Any] = []
        if node is not None:
            whom = f"{count(node.actors, 'live actor')} of {self._version}"
            parts = [Span(" path ", "quiet"), Span(path(node.path), "strong"), Span(f" takes over {whom}", "quiet")]
        self.query_one("#line", Static).update(blocks([line(*parts)]))

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        key = tuple(message.item.path)
        if key in self._folded:
            self._folded.discard(key)
        elif message.item.children and not self._loaded(key):
            self._ask(list(key))
        elif message.item.children:
            self._folded.add(key)
        self._draw()

    def action_deploy(self) -> None:
        node = self.query_one(Table).item
        self.keeper.open("deploy", parent=self._version, path=path_text(node.path) if node else "")

    def action_version(self, step: int) -> None:
        names = [version.version for version in self.keeper.world.versions] if self.keeper.world else []
        if self._version in names:
            self._version = names[(names.index(self._version) + step) % len(names)]
            self._folded.clear()
            self._tree.clear()
            self.query_one(Table).cursor = 0
            self.tell_top_line()
            self._ask([])
