"""The form in which a new version is written down. It tells each change, as a draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Checkbox, Input, Label, Static

from statekeep.tui.drafts import Draft
from statekeep.tui.messages import DraftChanged
from statekeep.tui.widgets.chrome import Field, Find, Tick

EXPLAINED: Final = {
    "file": "the definition; tab completes",
    "version": "a name that no version has yet",
    "parent": "the version it takes actors over from",
    "path": "tab takes what they really did next",
    "landing": "replay, strict, or a map of states",
    "once": "space ticks",
}
"""What is wanted in each field."""


class VersionForm(VerticalScroll):
    """File, name, parent, path and landing of a version; ``find`` completes them, by field."""

    def __init__(self, draft: Draft, find: Mapping[str, Find]) -> None:
        super().__init__(id="form", classes="box")
        self._draft = draft
        self._find = find
        self._named_for_file = ""
        self.border_title = "New version"

    def compose(self) -> ComposeResult:
        for label, field in self._fields():
            with Horizontal(classes="line"):
                yield Label(label, classes="label")
                yield field
            if label == "path":
                yield Static(id="next", classes="note")
        yield Tick("once: nobody who matches later", id="once", compact=True)

    def _fields(self) -> Iterator[tuple[str, Field]]:
        find, draft = self._find, self._draft
        yield "file", Field(find["file"], id="file", placeholder="the definition, a JSON file")
        yield "name", Field(id="version", placeholder="of the new version")
        yield "parent", Field(find["parent"], id="parent", value=draft.parent, placeholder="whose actors it takes over")
        yield "path", Field(find["path"], id="path", value=draft.path, placeholder="how their histories begin")
        yield "landing", Field(find["landing"], id="landing", placeholder="replay, strict or old=new")

    def tell_next(self, told: Content) -> None:
        """Say what the actors did next, under the path."""
        self.query_one("#next", Static).update(told)

    @on(events.DescendantFocus)
    def _explain(self) -> None:
        """Say what is wanted where the keys go now."""
        focused = self.screen.focused
        self.border_subtitle = EXPLAINED.get((focused and focused.id) or "", "")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        # The name follows the file until somebody chooses another one.
        name = self.query_one("#version", Input)
        if event.input.id == "file" and name.value == self._named_for_file:
            self._named_for_file = name.value = Path(event.value).stem
        self._change(event.input.id, event.value)

    @on(Checkbox.Changed)
    def _ticked(self, event: Checkbox.Changed) -> None:
        event.stop()
        self._change(event.checkbox.id, event.value)

    def _change(self, field: str | None, value: object) -> None:
        self._draft = self._draft._replace(**cast("Any", {field: value}))
        self.post_message(DraftChanged(self._draft))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()
