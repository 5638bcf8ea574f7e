"""The trie of histories."""

from array import array
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.routing.fingerprint import EMPTY, fingerprint
from statekeep.daemon.routing.histories import Histories

EVENT_TYPES = ["SUBMIT_INFO", "PAY_FEE", "WAIVE_FEE", "ÜBERWEISUNG", ""]
SYMBOLS = st.integers(0, len(EVENT_TYPES) - 1)


def empty() -> Histories:
    """A trie over EVENT_TYPES that holds only the empty history."""
    return Histories(EVENT_TYPES.__getitem__)


def grown(histories: list[list[int]]) -> Histories:
    """A trie of these histories and all their beginnings, grown one by one."""
    trie = empty()
    for history in histories:
        node = 0
        for symbol in history:
            node = trie.grow(node, symbol)
    return trie


def extend(trie: Histories, rows: list[tuple[int, int]]) -> None:
    """Extend the trie by histories that are each a parent and a symbol."""
    trie.extend(array("I", [parent for parent, _ in rows]), array("I", [symbol for _, symbol in rows]))


def columns(trie: Histories) -> list[list[int]]:
    """All that a trie holds of its nodes."""
    return [list(column) for column in (trie.parent, trie.symbol, trie.depth, trie.fingerprint)]


def test_it_begins_with_the_empty_history() -> None:
    """Node 0 is there from the start, of depth 0, and has no children."""
    trie = empty()
    assert len(trie) == 1
    assert columns(trie) == [[0], [0], [0], [EMPTY]]
    assert trie.symbols(0) == []
    assert trie.child(0, 0) is None


@given(st.lists(st.lists(SYMBOLS, max_size=6), max_size=12))
def test_every_history_is_one_node(histories: list[list[int]]) -> None:
    """A node is exactly one sequence of symbols, found again by its children and spelled out by ``symbols``."""
    trie = grown(histories)
    beginnings = {tuple(history[:end]) for history in histories for end in range(len(history) + 1)} | {()}
    assert sorted(tuple(trie.symbols(node)) for node in range(len(trie))) == sorted(beginnings)
    for node in range(1, len(trie)):
        assert trie.parent[node] < node
        assert trie.child(trie.parent[node], trie.symbol[node]) == node


@given(st.lists(st.lists(SYMBOLS, max_size=6), max_size=12))
def test_depth_and_fingerprint_are_those_of_the_events(histories: list[list[int]]) -> None:
    """Each node's depth counts its events, and its fingerprint is that of their types in turn."""
    trie = grown(histories)
    for node in range(len(trie)):
        events = trie.symbols(node)
        assert trie.depth[node] == len(events)
        assert trie.fingerprint[node] == fingerprint(EVENT_TYPES[symbol] for symbol in events)


@given(st.lists(st.lists(SYMBOLS, max_size=6), max_size=12), st.integers(0, 80))
def test_extending_equals_growing(histories: list[list[int]], share: int) -> None:
    """A trie filled in bulk, at once or behind what was there, is the trie that was grown node by node."""
    model, trie = grown(histories), empty()
    rows = list(zip(model.parent, model.symbol, strict=True))[1:]
    extend(trie, rows[:share])
    extend(trie, rows[share:])
    assert columns(trie) == columns(model)
    for node in range(1, len(trie)):
        assert trie.child(trie.parent[node], trie.symbol[node]) == node


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([(1, 2), (5, 0)], ValueError),
        ([(1, 2), (3, 0), (9, 0)], ValueError),
        ([(1, 2), (1, 2)], ValueError),
        ([(0, 0)], ValueError),
        ([(1, 2), (1, 99)], IndexError),
    ],
    ids=["its own parent", "a parent behind it", "twice", "there already", "unknown symbol"],
)
def test_a_refused_extension_adds_nothing(rows: list[tuple[int, int]], error: type[Exception]) -> None:
    """After rows that are no trie, the histories are what they were, and still grow."""
    trie = grown([[0, 1], [0, 2]])
    before = columns(trie)
    with pytest.raises(error):
        extend(trie, rows)
    assert columns(trie) == before
    assert trie.child(0, 0) == 1
    assert trie.child(1, 2) == 3
    assert trie.grow(2, 2) == 4


def test_a_history_is_grown_once() -> None:
    """Growing what is there gives it back and leaves the trie as it was."""
    trie = grown([[0, 1]])
    before = columns(trie)
    assert trie.grow(0, 0) == 1
    assert trie.grow(1, 1) == 2
    assert columns(trie) == before


@pytest.mark.parametrize("loaded", [0, 600, 5_000])
def test_every_child_is_found_as_the_trie_grows(loaded: int) -> None:
    """Whatever table the nodes are in, or on their way to, each is found by its parent and symbol, and no other."""
    trie, expected, random = Histories(str), dict[tuple[int, int], int](), Random(loaded)
    rows = [(node, 0) for node in range(loaded)]
    extend(trie, rows)
    expected.update({row: node for node, row in enumerate(rows, start=1)})
    for step in range(6_000):
        key = (random.randrange(len(trie)), random.randrange(3))
        assert trie.child(*key) == expected.get(key)
        assert trie.grow(*key) == expected.setdefault(key, len(expected) + 1)
        if step % 97 == 0:
            other = (random.randrange(len(trie)), random.randrange(3))
            assert trie.child(*other) == expected.get(other)
    assert [trie.child(*key) for key in expected] == list(expected.values())
    assert {(trie.parent[node], trie.symbol[node]): node for node in range(1, len(trie))} == expected


def test_an_unknown_symbol_grows_nothing() -> None:
    """The error of ``event_type`` passes, and no half of a node stays."""
    trie = grown([[0]])
    before = columns(trie)
    with pytest.raises(IndexError):
        trie.grow(1, 99)
    assert columns(trie) == before
    assert trie.child(1, 99) is None


def test_the_fingerprint_is_fnv_1a() -> None:
    """The published vectors of FNV-1a 64 hold, with the zero byte behind each event type."""
    assert fingerprint([]) == 0xCBF29CE484222325
    assert fingerprint(["a"]) == 0xAF63DC4C8601EC8C * 0x100000001B3 % 2**64
    assert fingerprint(["foobar"]) == 0x85944171F73967E8 * 0x100000001B3 % 2**64


def test_fingerprints_collide_and_histories_do_not() -> None:
    """Two histories with the same fingerprint are two nodes."""
    names = ["SUBMIT_INFO", "PAY_FEE", "ILTYOMESBXK", "OZYCHAGHJYC"]
    trie = Histories(names.__getitem__)
    real, crafted = trie.grow(trie.grow(0, 0), 1), trie.grow(trie.grow(0, 2), 3)
    assert trie.fingerprint[real] == trie.fingerprint[crafted] == 0x8E106E4DBC4C2635
    assert real != crafted
    assert trie.symbols(real) != trie.symbols(crafted)
