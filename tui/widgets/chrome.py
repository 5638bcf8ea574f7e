"""What stands around every screen: where one is, and how the daemon is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input
from textual.suggester import Suggester

from statekeep.tui import look
from statekeep.tui.feed import World


class TopLine(Widget):
    """``◆ StateKeep › Actors › alice`` on the left, the daemon on the right."""

    def __init__(self) -> None:
        super().__init__()
        self._crumbs: Sequence[str] = ()
        self._right = Content("")

    def tell(self, crumbs: Sequence[str], world: World | None, *, readonly: bool) -> None:
        """Show where one is and how the daemon is."""
        self._crumbs = crumbs
        parts: list[Any] = [(" read only ", "$text-warning"), "  "] if readonly else []
        if world is None:
            parts.append(("○ not connected ", "$text-error"))
        else:
            if world.sweeping:
                parts += [("◔ sweep under way", "$text-warning"), "  "]
            rate = world.rates[-1] if world.rates else 0
            parts += [(f"{look.short(rate)}/s", "$text-muted"), "  ", (f"{look.short(world.status.actors)} actors", "")]
            parts += ["  ", ("● connected ", "$text-success")]
        self._right = Content.assemble(*parts)
        self.refresh()

    def render(self) -> Content:
        room = self.size.width - self._right.cell_length - 1
        parts: list[Any] = [(" ◆ ", "$text-accent"), ("StateKeep", "bold")]
        for crumb in self._crumbs:
            parts += [(" › ", "$text-muted"), crumb]
        left = Content.assemble(*parts)
        if room < 12:
            return left.truncate(self.size.width, ellipsis=True, pad=True)
        return Content.assemble(left.truncate(room, ellipsis=True, pad=True), " ", self._right)


class Completing(Suggester):
    """Suggests the first of what a function finds."""

    def __init__(self, find: Any) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._find = find

    async def get_suggestion(self, value: str) -> str | None:
        found: Sequence[str] = self._find(value) if value else ()
        return found[0] if found else None


class Field(Input):
    """A line of text that tab completes while there is something to suggest; else tab goes on."""

    HELP = "Right arrow, or tab, takes what is suggested in grey; enter confirms; esc leaves."

    def __init__(self, find: Any = None, **kwargs: Any) -> None:
        super().__init__(suggester=Completing(find) if find else None, compact=True, **kwargs)

    async def on_key(self, event: Any) -> None:
        if event.key == "tab" and self._suggestion and self._suggestion != self.value:
            event.stop()
            event.prevent_default()
            self.action_end()
            self.action_cursor_right()
