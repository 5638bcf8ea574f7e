"""All versions with their populations, the last changes of the routes, and how the daemon is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from statekeep.protocol.records import Deployment, Version
from statekeep.tui import look, messages, tiles
from statekeep.tui.cli import wording
from statekeep.tui.cli.blocks import Cell, Column, Span
from statekeep.tui.cli.wording import count
from statekeep.tui.feed import World
from statekeep.tui.screens.room import WIDE, Room
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks

BAR: Final = 18
"""Columns of the bar of the most populated version; on a narrow terminal half of them."""

SPACIOUS: Final = 150
"""Columns from which on outcomes are told by name."""

NO_VERSIONS: Final = """No version is deployed yet.
Press 5 to deploy the first, or type in a shell:
    statekeep deploy loan-v1.json --id loan-v1"""

NO_CHANGES: Final = """No version has been deployed below another yet.
Press 5: the preview shows who would move before anybody does."""


class Overview(Room):
    """The first screen."""

    CRUMB = "Overview"
    HELP = """The forest of versions: each under its parent, with the path that its route takes over.
The bar is its population: █ active, ▒ finished, ! in need of rescue. Enter shows its actors.
Below are the last deploys and closes, how far each has come, and what it decided about how many:
→ migrated, ≠ diverged, … pending, ‖ blocked, = kept, ■ final, ! rescue."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "versions", "Definition", id="definition"),
        Binding("p", "paths", "Paths", id="paths-of"),
        Binding("d", "deploy", "Deploy below", id="deploy-below"),
    ]

    def body(self) -> ComposeResult:
        with Horizontal(id="tiles"):
            for name in ("actors", "activity", "daemon", "store"):
                tile = Static(id=name, classes="tile")
                tile.border_title = name.title()
                yield tile
        columns = [
            Column("version", whole=True),
            Column("path"),
            Column("population", whole=True),
            Column("active", number=True),
            Column("done", number=True),
            Column("rescue", number=True),
            Column("states", spare=True),
        ]
        versions = Table(columns, self._version, empty=NO_VERSIONS, id="versions", classes="box")
        versions.border_title = "Versions"
        yield versions
        columns = [
            Column("when", whole=True),
            Column("change", whole=True),
            Column("route", whole=True),
            Column("path", spare=True),
            Column("progress", whole=True),
            Column("outcomes"),
        ]
        changes = Table(columns, self._change, empty=NO_CHANGES, id="changes", classes="box")
        changes.border_title = "Changes of the routes"
        yield changes

    @property
    def _chosen(self) -> Version | None:
        item = self.query_one("#versions", Table).item
        return item[1] if item else None

    @property
    def subject(self) -> str | None:
        return self._chosen.version if self._chosen else None

    @property
    def command(self) -> list[str]:
        return ["versions"]

    def see(self, world: World) -> None:
        self._tiles(world)
        if not world.changed:
            return
        self._largest = max((one.active + one.finished for one in world.versions), default=0)
        self.query_one("#versions", Table).show(list(forest(world.versions)))
        self.query_one("#changes", Table).show(world.deployments[::-1][:200])

    def on_resize(self) -> None:
        """Bars are as wide as there is room for."""
        if self.keeper.world is not None:
            self.see(self.keeper.world._replace(changed=True))

    def _tiles(self, world: World) -> None:
        told = {
            "actors": tiles.actors(world),
            "activity": tiles.activity(world, self._width("activity")),
            "daemon": tiles.daemon(world, self._width("daemon")),
            "store": tiles.store(world, self._width("store")),
        }
        for name, lines in told.items():
            self.query_one(f"#{name}", Static).update(blocks(lines))

    def _width(self, tile: str) -> int:
        return self.query_one(f"#{tile}").content_size.width

    def _version(self, item: tuple[str, Version]) -> Sequence[Cell | Sequence[Cell]]:
        guide, version = item
        path = wording.path(version.path) if version.parent else "-"
        populated = sorted((row for row in version.states if row.actors), key=lambda row: -row.actors)
        return [
            [Span(guide, "quiet"), Span(version.version, "strong")],
            Span(f"✗ closed: {path}", "quiet") if version.closed else path,
            population(version, self._largest, BAR if self.size.width >= WIDE else BAR // 2) or [Span("-", "quiet")],
            count(version.active),
            Span(count(version.finished), "quiet"),
            Span(count(version.needs_rescue), "bad" if version.needs_rescue else "quiet"),
            ", ".join(f"{wording.state(row.state)} {count(row.actors)}" for row in populated),
        ]

    def _change(self, change: Deployment) -> Sequence[Cell | Sequence[Cell]]:
        done = change.swept == change.cohorts
        bar = f"{look.bar(change.swept, change.cohorts, 6):<6} {look.percent(change.swept, change.cohorts)}"
        return (
            Span(wording.ago(time.time() - change.time / 1000), "quiet"),
            change.kind,
            f"{change.parent} → {change.version}",
            wording.path(change.path) if change.kind == "deploy" else "takes nobody over any more",
            Span("✓ done", "good") if done else Span(bar, "waiting"),
            list(outcomes(change, named=self.size.width >= SPACIOUS)) or Span("-", "quiet"),
        )

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        if message.table.id == "versions":
            self.keeper.open("actors", text=f"version:{message.item[1].version}")
        else:
            self.keeper.open("decisions", text=f"route:{message.item.version}")

    def action_versions(self) -> None:
        self.keeper.open("versions", version=self.subject)

    def action_paths(self) -> None:
        self.keeper.open("paths", version=self.subject)

    def action_deploy(self) -> None:
        self.keeper.open("deploy", parent=self.subject)


def forest(versions: Sequence[Version], parent: str | None = None, trunk: str = "") -> Iterator[tuple[str, Version]]:
    """Versions, each under its parent, with the lines that lead to it."""
    siblings = [version for version in versions if version.parent == parent]
    for version in siblings:
        last = version is siblings[-1]
        guide = trunk + ("└─ " if last else "├─ ") if parent is not None else ""
        yield guide, version
        below = trunk + ("   " if last else "│  ") if parent is not None else ""
        yield from forest(versions, version.version, below)


def outcomes(change: Deployment, *, named: bool) -> Iterator[Span]:
    """How many actors had which outcome, each with its sign and, if there is room, its name."""
    for name in look.in_order(change.counts):
        shown = look.outcome(name)
        yield Span(shown.text if named else look.OUTCOMES.get(name, "·"), shown.style)
        yield Span(f" {look.short(change.counts[name])}  ")


def population(version: Version, largest: int, width: int) -> list[Span]:
    """A version's actors as a bar, on the scale of the most populated one."""
    everybody = version.active + version.finished
    if not everybody:
        return []
    well = version.active - version.needs_rescue
    parts: Any = [(well, "█", "good"), (version.finished, "▒", "quiet"), (version.needs_rescue, "!", "bad")]
    return look.stacked(parts, everybody, max(1, round(width * everybody / max(1, largest))))
