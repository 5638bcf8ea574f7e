"""No daemon: which socket was tried, why that failed, and what to do."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from statekeep.protocol.errors import StatekeepError
from statekeep.tui.widgets.chrome import TopLine
from statekeep.tui.widgets.keys import KeyLine


class Offline(Screen[None]):
    """Shown while the daemon can't be reached; it goes by itself when it can."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "again", "Try now")]

    def __init__(self, error: StatekeepError, socket: str) -> None:
        super().__init__()
        self._error = error
        self._socket = socket

    def compose(self) -> ComposeResult:
        yield TopLine()
        with Container(id="middle"):
            box = Static(id="offline")
            box.border_title = "No daemon"
            yield box
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(TopLine).tell(["No daemon"], None, readonly=False)
        self.tell(self._error)

    def tell(self, error: StatekeepError) -> None:
        """Show what the last attempt failed with."""
        self.query_one("#offline", Static).update(
            Content.assemble(
                ("tried   ", "$text-muted"),
                (self._socket, "bold"),
                ("\nfailed  ", "$text-muted"),
                (error.message, "$text-error"),
                ("\nto do   ", "$text-muted"),
                error.hint,
                ("\n\n  statekeepd", "bold $text-accent"),
                ("                   in another terminal\n", "$text-muted"),
                ("  statekeep tui --socket PATH", "bold $text-accent"),
                ("  for a daemon elsewhere\n\n", "$text-muted"),
                ("This screen goes by itself as soon as a daemon answers.", "$text-muted"),
            )
        )

    def action_again(self) -> None:
        self.app.look_again()  # type: ignore[attr-defined]  # it is always a StatekeepApp
