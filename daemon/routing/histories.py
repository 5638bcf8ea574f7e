"""The trie of histories: one node for each distinct sequence of processed events.

Node 0 is the empty history. Every other node is its parent followed by one symbol, and stands behind its parent, so
that one pass over the columns from front to back meets each history after all its beginnings. Nodes are never removed
and never change: a node's number is its history for good.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from itertools import chain

from statekeep.daemon.routing import evaluator
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
        self._children: dict[int, int] = {}
        """``parent << 32 | symbol`` -> node: a million of these take half the memory of pairs."""

    def __len__(self) -> int:
        return len(self.parent)

    def child(self, node: int, symbol: int) -> int | None:
        """The history of ``node`` and then ``symbol``, if it has occurred."""
        return self._children.get(node << 32 | symbol)

    def grow(self, node: int, symbol: int) -> int:
        """Add the history of ``node`` and then ``symbol``, which must not be there yet."""
        key, new = node << 32 | symbol, len(self.parent)
        if key in self._children:
            raise ValueError(f"history {node} already has a child for symbol {symbol}")
        after = evaluator.continued(self.fingerprint[node], self._event_type(symbol))
        self.depth.append(self.depth[node] + 1)
        self.fingerprint.append(after)
        self.symbol.append(symbol)
        self.parent.append(node)
        self._children[key] = new
        return new

    def symbols(self, node: int) -> list[int]:
        """The events of a history, oldest first."""
        symbols = []
        while node:
            symbols.append(self.symbol[node])
            node = self.parent[node]
        symbols.reverse()
        return symbols

    def extend(self, rows: Iterable[tuple[int, int]]) -> None:
        """Add many histories at once, each its parent and its symbol.

        Raises ``ValueError``, and adds none, if a parent does not stand before its child or a history comes twice.
        """
        first, flat = len(self), array("I", chain.from_iterable(rows))
        names = {symbol: self._event_type(symbol) for symbol in set(flat[1::2])}
        self.parent += flat[0::2]
        self.symbol += flat[1::2]
        try:
            keys = evaluator.derive(self, first, names)
        except evaluator.Malformed:
            self._truncate(first)
            raise
        self._children.update(zip(keys, range(first, len(self)), strict=True))
        if len(self._children) != len(self) - 1:
            self._truncate(first)
            raise ValueError("a history comes twice")

    def _truncate(self, count: int) -> None:
        for column in (self.parent, self.symbol, self.depth, self.fingerprint):
            del column[count:]
        keys = (parent << 32 | symbol for parent, symbol in zip(self.parent[1:], self.symbol[1:], strict=True))
        self._children = dict(zip(keys, range(1, count), strict=True))
