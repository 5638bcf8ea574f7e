"""The C evaluator is its specification in Python, for every trie and every path."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statekeep.daemon.routing import evaluator
from statekeep.daemon.routing.evaluator import Malformed
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.paths import ANY_ONE, ANY_RUN, MAX_TOKENS, Path, Relation
from statekeep.daemon.routing.replaying import STUCK, UNKNOWN

SYMBOLS = 6
TOKENS = st.sampled_from([0, 0, 1, 1, 2, 3, ANY_ONE, ANY_RUN])


@st.composite
def tries(draw: st.DrawFn, longest: int = 60) -> Histories:
    """A trie that is neither all one long history nor all short ones."""
    trie = Histories(str)
    for _ in range(draw(st.integers(0, longest))):
        back = draw(st.sampled_from([1, 1, 1, 2, 5, 20]))
        node, symbol = max(0, len(trie) - back), draw(st.integers(0, SYMBOLS - 1))
        if trie.child(node, symbol) is None:
            trie.grow(node, symbol)
    return trie


class SmallTable:
    """A transition table that computes a cell when it is asked for one, from a function of random values."""

    def __init__(self, entries: Sequence[int]) -> None:
        self.entries = entries
        self.rows = len(entries) // SYMBOLS
        self.width = 1
        self.initial = 0
        self.cells = array("I", [UNKNOWN] * self.rows)
        self.column_of = array("I")
        self.asked: list[tuple[int, int]] = []

    def next(self, configuration: int, symbol: int, /) -> int:
        self.asked.append((configuration, symbol))
        if symbol >= len(self.column_of):
            self.column_of.extend([UNKNOWN] * (symbol + 1 - len(self.column_of)))
        if self.column_of[symbol] == UNKNOWN:
            self.column_of[symbol] = column = sum(column != UNKNOWN for column in self.column_of)
            if column == self.width:
                self.widen()
        entry = self.entries[configuration * SYMBOLS + symbol]
        self.cells[configuration * self.width + self.column_of[symbol]] = entry
        return entry

    def widen(self) -> None:
        """One column more, so that every cell moves: what was lent of the table must have been given back."""
        wider = array("I")
        for row in range(self.rows):
            wider += self.cells[row * self.width : (row + 1) * self.width]
            wider.append(UNKNOWN)
        self.width += 1
        self.cells[:] = wider


@st.composite
def tables(draw: st.DrawFn) -> SmallTable:
    """A table in which most cells are handled, some are not, and some never end."""
    rows = draw(st.integers(1, 4))
    handled = st.integers(0, rows - 1).map(lambda after: after << 1 | 1)
    entry = st.one_of(handled, handled, handled, st.just(UNKNOWN), st.just(STUCK))
    entries = draw(st.lists(entry, min_size=rows * SYMBOLS, max_size=rows * SYMBOLS))
    unhandled = [row << 1 for row in range(rows) for _ in range(SYMBOLS)]
    return SmallTable([unhandled[i] if entry == UNKNOWN else entry for i, entry in enumerate(entries)])


def landing(table: SmallTable, symbols: Sequence[int]) -> tuple[int, int]:
    """The replay, one event after the other."""
    configuration, skipped = table.initial, 0
    for symbol in symbols:
        entry = table.entries[configuration * SYMBOLS + symbol]
        if entry == STUCK:
            return STUCK, skipped
        configuration, skipped = entry >> 1, skipped + (entry & 1 == 0)
    return configuration, skipped


@settings(max_examples=300)
@given(tries(), st.lists(TOKENS, max_size=6))
def test_relations_are_those_of_the_specification(trie: Histories, tokens: list[int]) -> None:
    """For every node, ``relate`` says what ``Path.relation`` says about the events of that node."""
    path = Path(tuple(tokens), hash=0)
    expected = [path.relation(trie.symbols(node)) for node in range(len(trie))]
    assert list(evaluator.relate(trie, path)) == expected


@settings(max_examples=40)
@given(st.data(), st.sampled_from([63, 64, 65, 127, 128, 129, 192, MAX_TOKENS]))
def test_relations_hold_across_words(data: st.DataObject, length: int) -> None:
    """Long paths, whose states take several words, are judged like short ones, from each node to the next."""
    tokens = data.draw(st.lists(st.sampled_from([0, 0, 1, 1, ANY_ONE, ANY_RUN]), min_size=length, max_size=length))
    path, trie, node = Path(tuple(tokens), hash=0), Histories(str), 0
    for token in tokens:
        trie.grow(node, 2)
        node = trie.grow(node, max(token, 0))
    states = [path.start]
    for parent, symbol in zip(trie.parent[1:], trie.symbol[1:], strict=True):
        states.append(path.advance(states[parent], symbol))
    assert path.judge(states[node]) is Relation.MATCH
    assert list(evaluator.relate(trie, path)) == list(map(path.judge, states))


def test_a_crafted_collision_does_not_match() -> None:
    """A history with the fingerprint of the path, but other events, has diverged."""
    names = ["SUBMIT_INFO", "PAY_FEE", "ILTYOMESBXK", "OZYCHAGHJYC"]
    trie = Histories(names.__getitem__)
    real, crafted = trie.grow(trie.grow(0, 0), 1), trie.grow(trie.grow(0, 2), 3)
    path = Path.parse(["SUBMIT_INFO", "PAY_FEE"], names.index)
    assert trie.fingerprint[crafted] == path.hash
    relations = evaluator.relate(trie, path)
    assert relations[real] == Relation.MATCH
    assert relations[crafted] == Relation.DIVERGED


@settings(max_examples=300)
@given(tries(), tables(), st.data())
def test_landings_are_a_fold_over_the_events(trie: Histories, table: SmallTable, data: st.DataObject) -> None:
    """Every wanted history lands where its events lead one by one, and a cell is asked for once at most."""
    wanted = bytes(data.draw(st.lists(st.sampled_from([0, 0, 1]), min_size=len(trie), max_size=len(trie))))
    landings = evaluator.replay(trie, wanted, table)
    for node in range(len(trie)):
        if wanted[node]:
            found = landings.configuration[node], landings.skipped[node]
            assert found == landing(table, trie.symbols(node))
    assert len(table.asked) == len(set(table.asked))


def test_only_what_is_wanted_is_replayed() -> None:
    """Cells that only unwanted histories need are not computed, and the caller's mask stays as it was."""
    trie = Histories(str)
    trie.extend(array("I", [0, 0, 1, 2]), array("I", [0, 1, 2, 3]))
    table, wanted = SmallTable([0 << 1 | 1] * SYMBOLS), bytearray([0, 0, 0, 1, 0])
    evaluator.replay(trie, wanted, table)
    assert table.asked == [(0, 0), (0, 2)]
    assert wanted == bytearray([0, 0, 0, 1, 0])


def test_a_table_that_does_not_answer_is_not_asked_for_ever() -> None:
    """A cell that is still missing after it was asked for is an error that names it."""

    class Mute(SmallTable):
        def next(self, _configuration: int, _symbol: int, /) -> int:
            return UNKNOWN

    trie = Histories(str)
    trie.grow(0, 3)
    with pytest.raises(Malformed, match="no entry for configuration 0 and symbol 3"):
        evaluator.replay(trie, b"\1\1", Mute([1] * SYMBOLS))


def test_a_broken_trie_is_refused() -> None:
    """A parent that does not stand before its child is named, not followed."""
    trie = Histories(str)
    trie.extend(array("I", [0, 1, 2]), array("I", [0, 0, 0]))
    trie.parent[2] = 3
    with pytest.raises(Malformed, match="sk_relate: malformed input at 2"):
        evaluator.relate(trie, Path((0,), hash=0))
    with pytest.raises(Malformed, match="sk_mark: malformed input at 2"):
        evaluator.replay(trie, bytes(4), SmallTable([1] * SYMBOLS))


def test_the_mask_has_a_byte_for_each_history() -> None:
    """A mask of another length is refused before C sees it."""
    with pytest.raises(ValueError, match="2 bytes for 1 histories"):
        evaluator.replay(Histories(str), b"\1\1", SmallTable([1] * SYMBOLS))


def test_arrays_grow_again_after_every_call() -> None:
    """Nothing stays lent, also when the call raised."""
    trie = Histories(str)
    trie.grow(0, 0)
    evaluator.relate(trie, Path((0,), hash=0))
    evaluator.replay(trie, b"\1\1", SmallTable([1] * SYMBOLS))
    trie.parent[1] = 1
    with pytest.raises(Malformed):
        evaluator.relate(trie, Path((0,), hash=0))
    assert trie.grow(0, 1) == 2


@given(
    st.lists(st.integers(0, 9), max_size=50).map(lambda cohorts: array("I", cohorts)),
    st.binary(max_size=8),
    st.integers(0, 60),
    st.integers(0, 12),
)
def test_a_scan_finds_the_flagged_in_order(cohort_of: array[int], flags: bytes, start: int, limit: int) -> None:
    """A page holds the next indices whose cohort has a flag that is set, and no others."""
    flagged = [i for i in range(start, len(cohort_of)) if cohort_of[i] < len(flags) and flags[cohort_of[i]]]
    assert evaluator.scan(cohort_of, flags, start, limit) == flagged[:limit]
