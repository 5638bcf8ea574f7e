"""What every screen has: its place in the breadcrumbs, workers that bring messages, and what can be copied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.messages import Request
from statekeep.protocol.records import Record
from statekeep.tui import messages
from statekeep.tui.documents import Document
from statekeep.tui.feed import World
from statekeep.tui.widgets.chrome import TopLine
from statekeep.tui.widgets.keys import KeyLine
from statekeep.tui.widgets.table import Table

if TYPE_CHECKING:
    from statekeep.tui.app import StatekeepApp

R = TypeVar("R", bound=Record)


WIDE: Final = 110
"""Columns from which on a screen has two sides."""


class Room(Screen[None]):
    """A screen of the application. Those below it say what it shows with ``body``, and what it is about."""

    CRUMB = ""
    HELP = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False),
        Binding("y", "copy_subject", "Copy id", show=False),
        Binding("Y", "copy_command", "Copy as a command line", show=False),
        Binding("o", "open_document", "Open in $EDITOR or $PAGER", show=False),
        Binding("e", "export", "Export", show=False),
        Binding("slash", "filter", "Filter", show=False),
        Binding("r", "again", "Look again", show=False),
    ]

    def compose(self) -> ComposeResult:
        """The top line, the screen's own body, the keys."""
        yield TopLine()
        yield from self.body()
        yield KeyLine()

    def body(self) -> ComposeResult:
        """The widgets of the screen."""
        yield from ()

    @property
    def keeper(self) -> StatekeepApp:
        """The application, with its own type."""
        return cast("StatekeepApp", self.app)

    @property
    def crumb(self) -> str:
        """What the breadcrumbs call it."""
        return self.CRUMB

    @property
    def subject(self) -> str | None:
        """What ``y`` copies: an id, a name, a path."""
        return None

    @property
    def command(self) -> list[str] | None:
        """The command line that says the same, for ``Y``."""
        return None

    @property
    def document(self) -> Document | Path | None:
        """What ``o`` opens: a text to read, or a file that may be changed."""
        return None

    @property
    def place(self) -> Widget | None:
        """Where the keys go when nothing is typed: the main table."""
        return next(iter(self.query(Table)), None)

    @property
    def first(self) -> Widget | None:
        """Where the keys go at the beginning."""
        return self.place

    def on_mount(self) -> None:
        if self.first is not None:
            self.first.focus()

    def on_screen_resume(self) -> None:
        self.tell_top_line()
        if self.keeper.world is not None:
            self.see(self.keeper.world._replace(changed=True))

    def tell_top_line(self) -> None:
        """Show where one is and how the daemon is."""
        if self.is_mounted:
            self.query_one(TopLine).tell(self.keeper.crumbs, self.keeper.world, readonly=self.keeper.readonly)

    def see(self, world: World) -> None:
        """The daemon was looked at; show what has become of the screen's subject, if anything has changed."""

    def ask(self, what: str, request: Request[R]) -> None:
        """Ask the daemon one thing; ``Came(what, ...)`` brings the answer, the last one only."""
        self.bring(what, lambda: self.keeper.client.call(request))

    def bring(self, what: str, making: Callable[[], Awaitable[Any]]) -> None:
        """Let a worker make something; an earlier one that makes the same is given up."""

        async def work() -> None:
            try:
                value = await making()
            except StatekeepError as error:
                self.post_message(messages.Refused(error))
            else:
                self.post_message(messages.Came(what, value))

        self.run_worker(work, group=what, exclusive=True)  # type: ignore[arg-type]  # it returns None

    def action_back(self) -> None:
        if isinstance(self.focused, Input) and self.place is not None:
            self.place.focus()
        else:
            self.keeper.go_back()

    def action_copy_subject(self) -> None:
        self.keeper.copy(self.subject, "There is nothing here to copy.")

    def action_copy_command(self) -> None:
        self.keeper.copy_command(self.command)

    def action_open_document(self) -> None:
        self.keeper.open_document(self.document)

    def action_export(self) -> None:
        self.notify("This screen has no list to export; Actors and Decisions have.", severity="warning")

    def action_filter(self) -> None:
        self.notify("There is nothing to filter here; Actors and Decisions have a filter.", severity="warning")

    def action_again(self) -> None:
        self.keeper.look_again()
