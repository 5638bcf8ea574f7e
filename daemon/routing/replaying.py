"""The replay of one history on the transition table of one definition, event by event, in plain Python.

The evaluator does the same for all histories at once; a test holds the two together.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

STUCK: Final = 0xFFFFFFFE
"""The configuration of a history whose replay has a step that does not end, or of a state that a map can't land."""

KEPT: Final = 0xFFFFFFFD
"""The configuration of actors that the state map has stay where they are."""

UNKNOWN: Final = 0xFFFFFFFF
"""A cell that has not been computed, or a symbol without a column."""


class TransitionTable(Protocol):
    """The lazily filled transition table of one definition, in the layout that sk_table in evaluator.h describes."""

    cells: array[int]
    width: int
    column_of: array[int]
    initial: int

    def next(self, configuration: int, symbol: int, /) -> int:
        """The cell's entry; computes it on first use."""
        ...


class Jumps(Protocol):
    """The state map of a route, on the configurations of its parent and its child."""

    def landing(self, before: int, /) -> int:
        """Where actors in the configuration ``before`` land; ``STUCK`` or ``KEPT`` if they do not."""
        ...


class Replay(NamedTuple):
    """Where a history leads."""

    configuration: int
    """``STUCK`` if it does not end."""
    skipped: list[int]
    """The symbols of the events that the definition does not handle, as they came."""


def replay(table: TransitionTable, symbols: Iterable[int]) -> Replay:
    """Replay the history of these symbols, oldest first."""
    configuration, skipped = table.initial, list[int]()
    for symbol in symbols:
        entry = table.next(configuration, symbol)
        if entry == STUCK:
            return Replay(STUCK, skipped)
        configuration = entry >> 1
        if not entry & 1:
            skipped.append(symbol)
    return Replay(configuration, skipped)
