"""What a route would decide about histories that are given as text."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.routing.paths import PathTooLong
from statekeep.daemon.routing.rehearsal import Rehearsal
from statekeep.daemon.routing.replaying import STUCK
from tests.engine.worlds import relation


class Counting:
    """A table whose configuration counts the events ``a``; ``b`` is not handled, and ``c`` never ends."""

    initial = 0
    width = 0
    cells = array("I")
    column_of = array("I")

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._event_type = rehearsal.event_type

    def next(self, configuration: int, symbol: int, /) -> int:
        return {"a": configuration + 1 << 1 | 1, "b": configuration << 1, "c": STUCK}[self._event_type(symbol)]


def judged(path: Sequence[str], history: Sequence[str], *, strict: bool = False) -> tuple[object, ...]:
    """What is decided about a history."""
    rehearsal = Rehearsal(path, strict=strict)
    return tuple(rehearsal.judge(history, Counting(rehearsal)))


@pytest.mark.parametrize(
    ("history", "replay", "strict"),
    [
        ("", ("pending", None, [], True), "pending"),
        ("b", ("diverged", None, [], True), "diverged"),
        ("aa", ("migrated", 2, [], True), "migrated"),
        ("abab", ("migrated", 2, ["b", "b"], True), "rescue"),
        ("abc", ("rescue", None, ["b"], False), "rescue"),
    ],
)
def test_each_outcome(history: str, replay: tuple[object, ...], strict: str) -> None:
    """With the landing of those who migrate, and what a landing skips, whether it is refused or not."""
    assert judged("a", list(history)) == replay
    assert judged("a", list(history), strict=True)[0] == strict


@given(st.lists(st.sampled_from(["a", "b", "*", "**"]), max_size=4), st.lists(st.sampled_from("ab"), max_size=5))
def test_the_relation_decides(path: list[str], history: list[str]) -> None:
    """The outcome is the relation of the history to the path, where every landing is taken."""
    outcome = {"match": "migrated", "diverged": "diverged", "pending": "pending"}[relation(path, history)]
    assert judged(path, history)[0] == outcome


def test_a_path_that_is_too_long_is_refused() -> None:
    """As a deploy would."""
    with pytest.raises(PathTooLong):
        Rehearsal(["a"] * 257, strict=False)
