"""Random paths and histories, and the relation as it is defined, by trying."""

import re
from collections.abc import Sequence
from functools import cache
from itertools import product

from hypothesis import strategies as st

from statekeep.daemon.routing.paths import Path, Relation

ALPHABET = "abcd"
"""Event types; symbol n is the n-th. No token names the last, so that it stands for all that a path does not name."""

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "a", "b", "*", "**"]), max_size=4)
HISTORY = st.lists(st.integers(0, len(ALPHABET) - 1), max_size=7)


def path(texts: Sequence[str]) -> Path:
    """The path over ALPHABET."""
    return Path.parse(texts, ALPHABET.index)


def accepts(texts: Sequence[str], events: str) -> bool:
    """Whether the path takes all of these events, from the first to the last."""
    expression = {"*": ".", "**": ".*"}
    return re.fullmatch("".join(expression.get(text, text) for text in texts), events) is not None


@cache
def runs(longest: int) -> list[str]:
    """Every run of at most so many events."""
    return ["".join(run) for length in range(longest + 1) for run in product(ALPHABET, repeat=length)]


def relation(texts: Sequence[str], symbols: Sequence[int]) -> Relation:
    """The definition, word for word. A path that can still be completed can be so by one event for each token."""
    events = "".join(ALPHABET[symbol] for symbol in symbols)
    if any(accepts(texts, events[:end]) for end in range(len(events) + 1)):
        return Relation.MATCH
    if any(accepts(texts, events + run) for run in runs(len(texts))):
        return Relation.PENDING
    return Relation.DIVERGED
