"""What a path says about a history: the specification of the relation, in plain Python.

A path accepts some histories: each token takes one event, ``"*"`` whatever event comes, and ``"**"`` any run of events,
also none. A path and a history h are in one of three relations:

    match     some beginning of h is accepted        permanent: more events don't undo it
    diverged  no continuation of h can be accepted   permanent
    pending   anything else: not yet, but possible   a deferral, not a decision

A path of k tokens other than ``"**"`` has the positions 0 to k: how many of them have taken their event. A state is the
set of positions that a history can have led to, as the bits of an integer; the start is position 0 alone. An event
moves position p to p + 1 where token p takes it, and also leaves p where a ``"**"`` stands before token p. Position k,
once reached, is never left. So position k in the state is a match. And since from every position some events lead to
k, the empty state is the one that diverged.

The evaluator does the same for all histories at once; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, reduce
from typing import Final

from statekeep.daemon.routing.fingerprint import fingerprint

ANY_ONE: Final = -1
"""Stands for ``"*"`` among symbols."""

ANY_RUN: Final = -2
"""Stands for ``"**"`` among symbols."""

OTHER: Final = -3
"""A symbol that no path names."""

_WILDCARDS: Final = {"*": ANY_ONE, "**": ANY_RUN}

MAX_TOKENS: Final = 256
"""A path says how a migration is chosen; one that needs more events than this was not written by a person."""

State = int
"""A set of positions: bit p is position p."""


class Relation(IntEnum):
    """How a history stands to a path. ``MATCH`` and ``DIVERGED`` are permanent."""

    PENDING = 0
    MATCH = 1
    DIVERGED = 2


class PathTooLong(ValueError):
    """The path has more than ``MAX_TOKENS`` tokens."""


@dataclass(frozen=True)
class Path:
    """A path over symbols, ``ANY_ONE`` and ``ANY_RUN``, as it was given."""

    tokens: tuple[int, ...]
    hash: int
    """The fingerprint of the token texts: names the path on record, as a history's names the history."""

    def __post_init__(self) -> None:
        _check_length(self.tokens)

    @classmethod
    def parse(cls, texts: Sequence[str], symbol_of: Callable[[str], int]) -> Path:
        """The path that a caller wrote: ``symbol_of`` gives the symbol of an event type."""
        _check_length(texts)  # before any of its event types becomes a symbol
        tokens = tuple(_WILDCARDS[text] if text in _WILDCARDS else symbol_of(text) for text in texts)
        return cls(tokens, fingerprint(texts))

    @cached_property
    def taking(self) -> tuple[int, ...]:
        """The tokens that take one event each: token p leads from position p to p + 1."""
        return tuple(token for token in self.tokens if token != ANY_RUN)

    @cached_property
    def stays(self) -> State:
        """The positions that an event may leave where they are."""
        position, stays = 0, 0
        for token in self.tokens:
            if token == ANY_RUN:
                stays |= 1 << position
            else:
                position += 1
        return stays | 1 << position

    @cached_property
    def _positions(self) -> dict[int, State]:
        """Positions by the token that leads on from them."""
        positions: dict[int, State] = {}
        for position, token in enumerate(self.taking):
            positions[token] = positions.get(token, 0) | 1 << position
        return positions

    @property
    def takes_any(self) -> State:
        """The positions whose token takes every event."""
        return self._positions.get(ANY_ONE, 0)

    def takes(self, symbol: int) -> State:
        """The positions whose token takes an event of this symbol."""
        return self._positions.get(symbol, 0) | self.takes_any

    @property
    def start(self) -> State:
        """The state of the empty history."""
        return 1

    def advance(self, state: State, symbol: int) -> State:
        """The state of a history in ``state`` after one more event."""
        return (state & self.takes(symbol)) << 1 | state & self.stays

    def judge(self, state: State) -> Relation:
        if state >> len(self.taking) & 1:
            return Relation.MATCH
        return Relation.PENDING if state else Relation.DIVERGED

    def relation(self, symbols: Iterable[int]) -> Relation:
        """The relation to the history of these symbols, oldest first."""
        return self.judge(reduce(self.advance, symbols, self.start))


def _check_length(tokens: Sequence[object]) -> None:
    if len(tokens) > MAX_TOKENS:
        raise PathTooLong(f"a path has at most {MAX_TOKENS} tokens, this one {len(tokens)}")
