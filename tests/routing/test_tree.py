"""Counting actors by history, and the tree over them, are what plain Python finds by looking at each cohort."""

from __future__ import annotations

from array import array
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.evaluator import Malformed, gather
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.rule import Standing

VERSION = 1


@st.composite
def tries(draw: st.DrawFn) -> Histories:
    """A trie of up to thirty histories over three symbols."""
    trie = Histories(str)
    for history in draw(st.lists(st.lists(st.integers(0, 2), max_size=5), max_size=30)):
        node = 0
        for symbol in history:
            child = trie.child(node, symbol)
            node = trie.grow(node, symbol) if child is None else child
    return trie


@st.composite
def cohorts(draw: st.DrawFn, histories: int) -> Cohorts:
    """Cohorts of two versions, some finished, some without actors, some alike."""
    columns, node, small = Cohorts(), st.integers(0, histories - 1), st.integers(0, 3)
    for version, history, actors, finished in draw(
        st.lists(st.tuples(st.integers(1, 2), node, small, st.booleans()), max_size=30)
    ):
        cohort = columns.add(history, Standing(version, int(finished)), finished=finished)
        columns.population[cohort] = actors
    return columns


def live(columns: Cohorts) -> dict[int, int]:
    """The live actors of ``VERSION`` by history."""
    found: Counter[int] = Counter()
    for cohort in range(1, len(columns) + 1):
        if columns.version(cohort) == VERSION and not columns.finished(cohort):
            found[columns.history[cohort]] += columns.population[cohort]
    return {node: actors for node, actors in found.items() if actors}


@given(st.data())
def test_actors_are_counted_by_history(data: st.DataObject) -> None:
    """Those of the version that have not finished; and the cohort that is named with them is one of theirs."""
    trie = data.draw(tries())
    columns = data.draw(cohorts(len(trie)))
    crowd = columns.live(VERSION, len(trie))
    assert {node: actors for node, actors in enumerate(crowd.actors) if actors} == live(columns)
    assert {node for node, cohort in enumerate(crowd.cohort) if cohort} == set(live(columns))
    for node, cohort in enumerate(crowd.cohort):
        if cohort:
            assert (columns.version(cohort), columns.history[cohort]) == (VERSION, node)
            assert columns.population[cohort]
            assert not columns.finished(cohort)


@given(st.data(), st.integers(0, 6))
def test_the_tree_is_what_leads_to_actors(data: st.DataObject, deepest: int) -> None:
    """Sums, children and the number of nodes down to a depth are those of the histories, each spelled out."""
    trie = data.draw(tries())
    columns = data.draw(cohorts(len(trie)))
    tree = gather(trie, columns.live(VERSION, len(trie)).actors, deepest)
    spelled = {tuple(trie.symbols(node)): actors for node, actors in live(columns).items()}
    for node in range(len(trie)):
        path = tuple(trie.symbols(node))
        below = {history: actors for history, actors in spelled.items() if history[: len(path)] == path}
        assert tree.actors[node] == sum(below.values())
        longer = {trie.child(node, history[len(path)]) for history in below if len(history) > len(path)}
        assert children(tree.child, tree.sibling, node) == [child for child in range(len(trie)) if child in longer]
        beginnings = {history[:end] for history in below for end in range(len(path), len(history) + 1)}
        assert tree.nodes[node] == sum(len(beginning) <= deepest for beginning in beginnings)


def children(child: array[int], sibling: array[int], node: int) -> list[int]:
    """The nodes on a list of children."""
    found, at = [], child[node]
    while at:
        found.append(at)
        at = sibling[at]
    return found


def test_a_history_that_is_no_node_is_refused() -> None:
    """The place that the message names is the cohort's."""
    columns = Cohorts()
    columns.population[columns.add(1, Standing(VERSION, 0), finished=False)] = 1
    with pytest.raises(Malformed, match="at 1"):
        columns.live(VERSION, 1)
