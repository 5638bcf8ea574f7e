"""What asks before something happens: a dialog with numbers, a word that has to be typed; and the command line."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from statekeep.tui import commands
from statekeep.tui.widgets.chrome import Field


class Confirm(ModalScreen[bool]):
    """Says what would happen; with a ``word``, that has to be typed first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", "Leave it", show=False)]

    def __init__(self, title: str, text: Content, verb: str, *, word: str | None = None) -> None:
        super().__init__()
        self._heading = title
        self._text = text
        self._verb = verb
        self._word = word

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="danger" if self._word else "") as dialog:
            dialog.border_title = self._heading
            yield Static(self._text, id="text")
            if self._word:
                yield Static(Content.assemble("Type ", (self._word, "bold"), " to go on:"), id="ask")
                yield Input(placeholder=self._word, compact=True, id="word")
            with Horizontal(id="buttons"):
                yield Button(
                    self._verb, variant="error" if self._word else "primary", id="go", disabled=bool(self._word)
                )
                yield Button("Leave it", id="leave")

    def on_mount(self) -> None:
        # Enter alone never does what can't be undone.
        self.query_one("#word" if self._word else "#go").focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.query_one("#go", Button).disabled = event.value != self._word

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.value == self._word:
            self.dismiss(True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "go")


class Ask(ModalScreen[str | None]):
    """Asks for one line of text; None if it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave it", show=False)]

    def __init__(self, title: str, told: str, value: str, verb: str) -> None:
        super().__init__()
        self._heading = title
        self._told = told
        self._value = value
        self._verb = verb

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._heading
            yield Static(self._told, id="text", markup=False)
            yield Input(self._value, compact=True, id="ask")
            with Horizontal(id="buttons"):
                yield Button(self._verb, variant="primary", id="go")
                yield Button("Leave it", id="leave")

    def on_mount(self) -> None:
        self.query_one("#ask").focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(self.query_one("#ask", Input).value if event.button.id == "go" else None)


class CommandLine(ModalScreen[str | None]):
    """A line at the bottom, as in an editor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave it", show=False)]

    def compose(self) -> ComposeResult:
        with Vertical(id="commandline"):
            yield Static(id="possible")
            with Horizontal():
                yield Static(":", id="colon")
                yield Field(self._complete, id="command")

    def on_mount(self) -> None:
        self.query_one("#command").focus()
        self._list("")

    async def _complete(self, text: str) -> list[str]:
        world = getattr(self.app, "world", None)
        return commands.completions(text, world.versions if world else [], sorted(self.app.available_themes))

    def _list(self, text: str) -> None:
        word = text.partition(" ")[0]
        listed = [(words, told) for words, told in commands.HELP.items() if words.startswith(word)]
        lines = [Content.assemble((f"{words:<32}", "bold"), (told, "$text-muted")) for words, told in listed]
        self.query_one("#possible", Static).update(Content("\n").join(lines))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._list(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)
