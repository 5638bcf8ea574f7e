"""The keys that work here, on the last line."""

from __future__ import annotations

from itertools import groupby

from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget


class KeyLine(Widget):
    """Keys and what they do; a click does it too. One widget for all of them: it changes with every focus."""

    def __init__(self) -> None:
        super().__init__()
        self._line = Content("")

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._renew)

    def _renew(self, screen: Screen[object]) -> None:
        shown = {active.binding.action: active for active in screen.active_bindings.values() if active.binding.show}
        parts: list[Content | tuple[str, str]] = []
        for group, several in groupby(shown.values(), lambda active: active.binding.group):
            for active in several:
                binding = active.binding
                key = (f" {self.app.get_key_display(binding)}", "bold $text-accent")
                told = "" if group else f" {binding.description} "
                click = Style.from_meta({"@click": f"app.simulate_key({binding.key!r})"})
                parts.append(Content.assemble(key, told).stylize(click))
            if group:
                parts.append((f" {group.description} ", "$text-muted"))
        self._line = Content.assemble(*parts)
        self.refresh()

    def render(self) -> Content:
        return self._line
