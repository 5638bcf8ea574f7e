"""The trie of histories: one node for each distinct sequence of processed events.

Node 0 is the empty history. Every other node is its parent followed by one symbol, and stands behind its parent, so
that one pass over the columns from front to back meets each history after all its beginnings. Nodes are never removed
and never change: a node's number is its history for good.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

from statekeep.daemon.routing import evaluator
from statekeep.daemon.routing.children import Children
from statekeep.daemon.routing.fingerprint import EMPTY


class Histories:
    """The trie, as columns that the evaluator reads in place.

    ``event_type`` names a symbol; it raises for one that it does not know.
    """

    def __init__(self, event_type: Callable[[int], str]) -> None:
        self.parent = array("I", [0])
        self.symbol = array("I", [0])
        self.depth = array("I", [0])
        """Events of the history."""
        self.fingerprint = array("Q", [EMPTY])
        self._event_type = event_type
        self._children = Children(self)

    def __len__(self) -> int:
        return len(self.parent)

    def child(self, node: int, symbol: int) -> int | None:
        """The history of ``node`` and then ``symbol``, if it has occurred."""
        return self._children.find(self, node, symbol) or None

    def grow(self, node: int, symbol: int) -> int:
        """The history of ``node`` and then ``symbol``, added if it has not occurred."""
        name, new = self._event_type(symbol), len(self.parent)
        found = self._children.enter(self, node, symbol)
        if found == new:
            self.fingerprint.append(evaluator.continued(self.fingerprint[node], name))
            self.depth.append(self.depth[node] + 1)
            self.symbol.append(symbol)
            self.parent.append(node)
        return found

    def symbols(self, node: int) -> list[int]:
        """The events of a history, oldest first."""
        symbols = []
        while node:
            symbols.append(self.symbol[node])
            node = self.parent[node]
        symbols.reverse()
        return symbols

    def extend(self, parent: array[int], symbol: array[int]) -> None:
        """Add many histories at once, by the columns of these.

        Raises ``ValueError``, and adds none, if a parent does not stand before its child or a history comes twice.
        """
        names, first = [self._event_type(number) for number in range(max(symbol, default=-1) + 1)], len(self)
        self.parent += parent
        self.symbol += symbol
        try:
            evaluator.derive(self, first, names)
            self._children = Children(self)
        except ValueError:
            self._truncate(first)
            raise

    def _truncate(self, count: int) -> None:
        for column in (self.parent, self.symbol, self.depth, self.fingerprint):
            del column[count:]
