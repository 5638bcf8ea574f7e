"""The way down the trie: which history follows another by one more event.

A hash table in C; and while it is replaced by one twice as large, two of them. To fill that takes a third of a second
at five million histories, for which no event waits: a few nodes move with every so many that come, until all have.

Which histories there are is up to callers, who might seek out those that meet in one slot. The slots therefore hang on
a random seed, and nothing else does: what is found is decided by the trie's columns.
"""

from __future__ import annotations

from secrets import randbits
from typing import Final

from statekeep.daemon.routing.evaluator import ChildTable, Trie

_SMALLEST: Final = 1_024
"""Slots of a table: a page of memory."""

_EVERY: Final = 64
_MOVED: Final = 1_024
"""Nodes that move when ``_EVERY`` more have come, in about 0.05 ms. So a table that was two thirds full when the next
was begun is replaced before it is three quarters full."""


class Children:
    """Finds the nodes of a trie. It is given to each call, so that none of the two holds the other."""

    def __init__(self, trie: Trie) -> None:
        """Raises ``Malformed`` if a history comes twice."""
        self._seed, room = randbits(64), _SMALLEST
        while _is_full(room, len(trie)):
            room *= 2
        self._table = ChildTable(room, self._seed)
        self._table.adopt(trie, 1, len(trie))
        self._next: ChildTable | None = None
        self._moved = 0
        """Nodes before this one are in the next table."""

    def find(self, trie: Trie, parent: int, symbol: int) -> int:
        """The child of ``parent`` by ``symbol``; 0, which is nobody's child, if there is none."""
        return self._table.find(trie, parent, symbol)

    def enter(self, trie: Trie, parent: int, symbol: int) -> int:
        """The child of ``parent`` by ``symbol``; if there is none, the trie's next node, which becomes it."""
        new = len(trie.parent)
        if new % _EVERY == 0 and _is_full(self._table.room, new):
            self._move(trie)
        return self._table.find(trie, parent, symbol, new)

    def _move(self, trie: Trie) -> None:
        if self._next is None:
            self._next, self._moved = ChildTable(2 * self._table.room, self._seed), 1
        end = min(self._moved + _MOVED, len(trie))
        self._next.adopt(trie, self._moved, end)
        self._moved = end
        if end == len(trie):
            self._table, self._next = self._next, None


def _is_full(room: int, nodes: int) -> bool:
    return 3 * nodes > 2 * room
