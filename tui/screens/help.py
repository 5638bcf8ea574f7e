"""The keys and what they do here; typing searches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, Static


class Help(ModalScreen[None]):
    """About the screen, the focused widget, and every key that works now."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark", "dismiss", "Close", show=False)]

    def __init__(self, about: Screen[Any], focused: Widget | None) -> None:
        super().__init__()
        self._about = about
        self._focused = focused
        self._lines: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="help") as box:
            box.border_title = f"Help: {getattr(self._about, 'crumb', 'this screen')}"
            box.border_subtitle = "esc closes"
            yield Input(placeholder="search the keys", compact=True, id="search")
            with VerticalScroll(can_focus=False):
                yield Static(id="text")

    def on_mount(self) -> None:
        self._lines = list(self._keys())
        self._show("")
        self.query_one("#search").focus()

    def _keys(self) -> Iterator[tuple[str, str]]:
        seen: set[tuple[str, str]] = set()
        nodes: list[Any] = [*(self._focused.ancestors_with_self if self._focused else [self._about]), self.app]
        for node in nodes:
            by_action: dict[str, list[str]] = {}
            for key, bindings in node._bindings.key_to_bindings.items():  # noqa: SLF001 - the only list of all of them
                for binding in bindings:
                    if binding.description:
                        by_action.setdefault(binding.description, []).append(self.app.get_key_display(binding) or key)
            for told, keys in by_action.items():
                line = (" ".join(dict.fromkeys(keys)), told)
                if line not in seen:
                    seen.add(line)
                    yield line

    def _show(self, wanted: str) -> None:
        parts: list[Any] = []
        for about in (self._about, self._focused):
            told = getattr(about, "HELP", None)
            if told and not wanted and isinstance(told, str):
                # A line that is broken within a sentence, for whoever reads the source, is broken anew here.
                parts += [re.sub(r"(?<![.:])\n", " ", told.strip()), "\n\n"]
        for keys, told in self._lines:
            if wanted.lower() in f"{keys} {told}".lower():
                parts += [(f"{keys:>16}  ", "bold $text-accent"), told, "\n"]
        self.query_one("#text", Static).update(Content.assemble(*parts) if parts else "No such key.")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value)
