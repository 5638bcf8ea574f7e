"""The keys that work here, on the last line."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget


class KeyLine(Widget):
    """Keys and what they do; a click does it too. One widget for all of them: it changes with every focus."""

    def __init__(self) -> None:
        super().__init__()
        self._line = Content("")
        self._ends: list[tuple[int, str]] = []
        """The column behind each key and its words, and the key that a click there presses."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._renew)

    def _renew(self, screen: Screen[Any]) -> None:
        shown = {active.binding.action: active.binding for active in screen.active_bindings.values()}
        line, ends = Content(""), list[tuple[int, str]]()
        for group, bindings in groupby((one for one in shown.values() if one.show), lambda one: one.group):
            for binding in bindings:
                told = "" if group else f" {binding.description} "
                line += Content.assemble((f" {self.app.get_key_display(binding)}", "bold $text-accent"), told)
                ends.append((line.cell_length, binding.key))
            if group:
                line += Content.styled(f" {group.description} ", "$text-muted")
                ends.append((line.cell_length, ""))
        self._line, self._ends = line, ends
        self.refresh()

    def render(self) -> Content:
        return self._line

    def on_click(self, event: events.Click) -> None:
        key = next((key for end, key in self._ends if event.x < end), "")
        if key:
            self.app.simulate_key(key)
