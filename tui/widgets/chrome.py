"""What stands around every screen: where one is, and how the daemon is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from textual import events
from textual.content import Content
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Checkbox, Input

from statekeep.tui import look
from statekeep.tui.feed import World


class TopLine(Widget):
    """``◆ StateKeep ▸ Actors ▸ alice`` on the left, the daemon on the right."""

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
            parts += [(" ▸ ", "$text-muted"), crumb]
        left = Content.assemble(*parts)
        if room < 12:
            return left.truncate(self.size.width, ellipsis=True, pad=True)
        return Content.assemble(left.truncate(room, ellipsis=True, pad=True), " ", self._right)


Find = Callable[[str], Awaitable[Sequence[str]]]
"""Finds whole values that begin as what is typed, the best first."""


class _Completing(Suggester):
    def __init__(self, find: Find) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._find = find

    async def get_suggestion(self, value: str) -> str | None:
        return next(iter(await self._find(value)), None) if value else None


class Field(Input):
    """A line of text with suggestions in grey, which tab takes; where there is none, tab goes on."""

    HELP = "Right arrow, or tab, takes what is suggested in grey; enter confirms; esc leaves."

    def __init__(self, find: Find | None = None, **kwargs: Any) -> None:
        super().__init__(suggester=_Completing(find) if find else None, compact=True, **kwargs)

    async def on_key(self, event: events.Key) -> None:
        if event.key == "tab" and self._suggestion and self._suggestion != self.value:
            event.stop()
            event.prevent_default()
            self.action_end()
            self.action_cursor_right()


class Tick(Checkbox):
    """A box whose tick is there or not, rather than bright or dark."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - the name is the base's
        """What stands in the box."""
        return "✓" if self.value else " "
