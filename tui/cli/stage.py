"""Where a demonstration speaks: it measures what it does, and checks each claim before it makes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from statekeep.tui.cli.blocks import Block, Column, Command, Line, Rows, Span, indented, line
from statekeep.tui.cli.output import show

T = TypeVar("T")


class FalseClaim(Exception):
    """What the demonstration was about to claim is not so."""


class Stage:
    """Scenes with a number and a title, and in them sentences, views and claims."""

    def __init__(self) -> None:
        self.scenes = 0
        self.claims = 0
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def scene(self, title: str) -> None:
        self.scenes += 1
        show([Line(), line(Span(f"{self.scenes}  {title}", "strong"))])

    def say(self, text: str) -> None:
        show([line(text, indent=3)])

    def type(self, command: Sequence[str]) -> None:
        """Show the command that does by hand what comes next."""
        show([Command(command, prompt="$ ", style="quiet", indent=3)])

    def view(self, blocks: Iterable[Block]) -> None:
        show(indented(blocks, 3))

    def claim(self, sentence: str, *, seen: object, expected: object) -> None:
        """Say ``sentence``, if what was seen is what it says. Raises ``FalseClaim``."""
        if seen != expected:
            raise FalseClaim(f"{sentence} But where {expected!r} was expected, there is {seen!r}.")
        self.claims += 1
        show([Rows((Column("", whole=True), Column("")), [(Span("✓", "good"), sentence)], indent=3)])


def timed(action: Callable[[], T]) -> tuple[T, float]:
    """Return what ``action`` returns, and the seconds that it took."""
    began = time.monotonic()
    result = action()
    return result, time.monotonic() - began
