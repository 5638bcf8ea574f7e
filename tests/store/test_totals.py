"""Totals: the same rows make the same, and one row that differs is named."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.store import open_store
from statekeep.daemon.store.heads import LARGEST, Heads
from statekeep.daemon.store.totals import MODULUS, Total
from statekeep.daemon.store.weights import Weights
from tests.engine.worlds import KEY
from tests.store.test_store import fill

ELEMENTS = st.dictionaries(st.integers(1, 2**40), st.integers(1, MODULUS - 1), max_size=8)


def total(elements: dict[int, int]) -> Total:
    """The total of elements by the numbers of their rows."""
    made = Total()
    for number, element in elements.items():
        made.add(number, element, 1)
    return made


@given(ELEMENTS, st.integers(1, 2**40), st.integers(1, MODULUS - 1))
def test_the_odd_one_is_named(elements: dict[int, int], number: int, element: int) -> None:
    """Changed, deleted or added; at rest as well."""
    rest = {n: e for n, e in elements.items() if n != number}
    before, after = total(rest | {number: element}), total(rest)
    for one in (before, Total(before.dump())):
        assert one != after
        assert one.odd_one(after) == after.odd_one(one) == number
        changed = total(rest | {number: element + 1})
        assert changed.odd_one(one) == number


@given(ELEMENTS)
def test_the_order_of_changes_does_not_matter(elements: dict[int, int]) -> None:
    """Nor what came and went meanwhile."""
    made = Total()
    for number, element in reversed(elements.items()):
        made.add(number + 1, element, 1)
        made.add(number, element, 1)
        made.add(number + 1, -element, -1)
    assert made == total(elements)
    assert Total(made.dump()) == made


def test_no_row_is_named_where_several_differ() -> None:
    """Elements are large secret numbers: a quotient of their sums is no small one."""
    one = total({5: 3**100, 6: 5**70})
    assert one.odd_one(total({5: 7**60, 6: 11**50})) > LARGEST
    assert one.odd_one(total({5: 3**100, 6: 5**70})) >= MODULUS


def test_heads_that_are_put_are_those_that_are_loaded() -> None:
    """Their elements too, in whatever steps they came; ids that are missing count nothing."""
    put, summed = Heads(KEY), Total()
    steps = [(1, 1, 5, b"a"), (3, 1, 6, b"b"), (1, 2, 7, b"c"), (9, 2, 8, b"d"), (9, 1, 9, b"e")]
    for actor, cohort, last, code in steps:
        summed.add(actor, put.put(actor, cohort, last, code * 16), 0)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE actors (id INTEGER PRIMARY KEY, cohort, last, code)")
    rows = [(1, 2, 7, b"c" * 16), (3, 1, 6, b"b" * 16), (9, 1, 9, b"e" * 16)]
    connection.executemany("INSERT INTO actors VALUES (?, ?, ?, ?)", rows)
    loaded = Heads(KEY)
    found = loaded.load(connection)
    connection.close()
    assert found.dump()[1:] == summed.dump()[1:]
    assert loaded.columns() == put.columns()
    cohorts, positions = loaded.columns()
    assert list(cohorts) == [0, 2, 0, 1, 0, 0, 0, 0, 0, 1]
    assert list(positions) == [0, 7, 0, 6, 0, 0, 0, 0, 0, 9]


@pytest.mark.parametrize("value", ["'x'", "1.5", "-1", "NULL", "x'00'", str(2**62)])
@pytest.mark.parametrize("column", ["cohort", "last", "code"])
def test_a_head_that_is_none_is_seen(path: Path, column: str, value: str, caplog: pytest.LogCaptureFixture) -> None:
    """Texts, fractions, numbers out of range: the actor is named in the log, and nothing else happens."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.commit()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE name = 'actors'")
    connection.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE actors SET {column} = {value} WHERE id = 1")  # noqa: S608
    connection.close()
    with caplog.at_level(logging.ERROR), open_store(path, KEY, now=0) as store:
        assert store._evidence.damaged == {1}
    assert "set back on the disk: 1;" in caplog.text


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_weights_are_the_same_one_by_one_and_together(numbers: list[int]) -> None:
    """And no two numbers have the same."""
    weights = Weights(KEY)
    assert list(weights.of(numbers)) == [weights.one(number) for number in numbers]
    assert len({weights.one(number) for number in numbers}) == len(set(numbers))
