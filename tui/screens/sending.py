"""Sending an event: one of those that the actor takes now, with a payload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static, TextArea


class Compose(ModalScreen[tuple[str, Any] | None]):
    """Gives the event and its payload; None if it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave it", show=False),
        Binding("ctrl+s,ctrl+enter", "send", "Send", id="send-it"),
    ]

    def __init__(self, actor: str, accepts: Sequence[str]) -> None:
        super().__init__()
        self._actor = actor
        self._accepts = accepts

    def compose(self) -> ComposeResult:
        with Vertical(id="compose") as box:
            box.border_title = f"Send to {self._actor}"
            box.border_subtitle = "enter chooses, ctrl+s sends, esc leaves"
            yield OptionList(*self._accepts, id="events", compact=True)
            yield Input(placeholder="event", compact=True, id="event")
            yield TextArea("", language=None, id="payload", placeholder="payload as JSON, if it has one")
            yield Static(id="problem")
            with Horizontal(id="buttons"):
                yield Button("Send", variant="primary", id="go")
                yield Button("Leave it", id="leave")

    def on_mount(self) -> None:
        events = self.query_one("#events", OptionList)
        events.highlighted = 0
        events.focus()

    @on(OptionList.OptionHighlighted)
    def _chosen(self, event: OptionList.OptionHighlighted) -> None:
        # A wildcard is no event type: it says where to begin.
        text = str(event.option.prompt)
        self.query_one("#event", Input).value = text.removesuffix("*")

    @on(OptionList.OptionSelected)
    def _taken(self) -> None:
        self.query_one("#payload").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go":
            self.action_send()
        else:
            self.dismiss(None)

    def action_send(self) -> None:
        name = self.query_one("#event", Input).value
        text = self.query_one("#payload", TextArea).text.strip()
        problem = self.query_one("#problem", Static)
        if not name:
            problem.update("Name the event.")
            return
        try:
            payload = json.loads(text) if text else None
        except ValueError as wrong:
            problem.update(f"The payload is not JSON: {wrong}")
            return
        self.dismiss((name, payload))
