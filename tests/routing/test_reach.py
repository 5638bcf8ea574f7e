"""Which routes no history can reach."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statekeep.daemon.routing.paths import Path, Relation
from statekeep.daemon.routing.reach import unreachable
from tests.routing.patterns import path

HISTORIES: list[list[int]] = [list(history) for length in range(7) for history in product((0, 1, 3), repeat=length)]
"""Every history of at most six events over two that paths name and one that none names.

Paths of three tokens are decided within them: three events for the heads of the siblings, and three for the new path.
"""

PATH = st.lists(st.sampled_from(["a", "b", "*", "**"]), max_size=3)


def is_reached(texts: list[str], earlier: list[list[str]]) -> bool:
    """Whether some history matches the path and diverged from all the earlier ones, by trying them all."""
    new, others = path(texts), [path(other) for other in earlier]

    def reaches(history: list[int]) -> bool:
        return new.relation(history) is Relation.MATCH and all(
            other.relation(history) is Relation.DIVERGED for other in others
        )

    return any(map(reaches, HISTORIES))


@pytest.mark.parametrize(
    ("texts", "earlier", "in_the_way"),
    [
        (["a"], [], None),
        (["a", "b"], [["a"]], 0),
        (["a"], [["a", "b"]], None),
        (["a"], [["a"]], 0),
        (["a"], [[]], 0),
        (["**", "a"], [["b"], ["**", "b"]], 1),
        (["**", "a"], [["b"], ["b", "a"]], None),
        (["**", "a"], [["*", "a"]], None),
        (["*"], [["a"], ["b"]], None),
        (["*", "a"], [["b"], ["*", "a"]], 1),
        (["a", "*"], [["*", "b"]], None),
        (["a", "b"], [["*", "*", "*"]], 0),
        ([], [["a"]], None),
        ([], [["*"]], 0),
        (["a", "**", "b"], [["a", "c"]], None),
        (["a", "c", "**"], [["b"], ["a", "**", "b"]], 1),
    ],
)
def test_the_sibling_in_the_way(texts: list[str], earlier: list[list[str]], in_the_way: int | None) -> None:
    """The first sibling that takes or holds everything is named; one that leaves some history over is not."""
    assert unreachable(path(texts), [path(other) for other in earlier]) == in_the_way


@settings(max_examples=300)
@given(PATH, st.lists(PATH, max_size=2))
def test_it_is_exact(texts: list[str], earlier: list[list[str]]) -> None:
    """A route is refused exactly when no history reaches it, and the sibling named is enough to keep them all away."""
    found = unreachable(path(texts), [path(other) for other in earlier])
    assert (found is None) == is_reached(texts, earlier)
    assert found is None or not is_reached(texts, [earlier[found]])


def test_many_long_siblings_are_judged_in_one_look() -> None:
    """A thousand siblings with paths of 256 tokens, none of them in the way but the last."""
    siblings = [Path((*range(255), 1000 + n), hash=0) for n in range(1000)]
    assert unreachable(Path(tuple(range(256)), hash=0), siblings) is None
    assert unreachable(Path((*range(255), 1999), hash=0), siblings) == 999
