"""The table by which histories are found: as large as it has to be, and never made larger all at once."""

from __future__ import annotations

from array import array

import pytest

from statekeep.daemon.routing import children
from statekeep.daemon.routing.evaluator import ChildTable, Malformed, Trie
from statekeep.daemon.routing.histories import Histories


def line(nodes: int) -> Histories:
    """A trie of one long history, of so many events."""
    trie = Histories(str)
    trie.extend(array("I", range(nodes)), array("I", bytes(4 * nodes)))
    return trie


@pytest.mark.parametrize(("nodes", "room"), [(1, 1_024), (682, 1_024), (683, 2_048), (5_461, 8_192), (5_462, 16_384)])
def test_a_table_is_at_most_two_thirds_full_at_the_start(nodes: int, room: int) -> None:
    """It has the least room of which the nodes, with the empty history, take no more than two thirds."""
    trie, taken = line(nodes - 1), list[int]()

    class Noted(ChildTable):
        def __init__(self, room: int, seed: int) -> None:
            taken.append(room)
            super().__init__(room, seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(children, "ChildTable", Noted)
        children.Children(trie)
    assert taken == [room]


def test_a_larger_table_is_filled_a_little_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No history waits for more than a thousand others to move; and all have moved before the table is full."""
    trie, steps = line(20_000), list[tuple[int, int, int]]()
    adopt = ChildTable.adopt

    def noted(table: ChildTable, histories: Trie, first: int, end: int) -> None:
        steps.append((table.room, first, end))
        adopt(table, histories, first, end)

    monkeypatch.setattr(ChildTable, "adopt", noted)
    for node in range(20_000, 60_000):
        assert trie.grow(node, 0) == node + 1
    assert {room for room, _, _ in steps} == {65_536, 131_072}
    assert max(end - first for _, first, end in steps) <= 1_024
    for larger in (65_536, 131_072):
        moved = [(first, end) for room, first, end in steps if room == larger]
        assert [first for first, _ in moved] == [1, *(end for _, end in moved[:-1])], "each where the one before ended"
        assert moved[-1][1] < larger / 2 * 3 / 4
    assert all(trie.child(node, 0) == node + 1 for node in range(60_000))


def test_a_table_that_is_full_says_so() -> None:
    """A node for which there is no slot is an error, not a slot of another."""
    trie, table = line(7), ChildTable(4, seed=1)
    table.adopt(trie, 1, 5)
    with pytest.raises(ValueError, match="4 slots are all taken before node 5"):
        table.adopt(trie, 5, 8)
    assert [table.find(trie, node, 0) for node in range(7)] == [1, 2, 3, 4, 0, 0, 0]


def test_a_history_that_comes_twice_is_named() -> None:
    """Columns that hold the same parent and symbol twice are malformed at the second of them."""
    trie = Histories(str)
    with pytest.raises(Malformed) as raised:
        trie.extend(array("I", [0, 0, 1, 1]), array("I", [0, 1, 2, 2]))
    assert raised.value.position == 4
