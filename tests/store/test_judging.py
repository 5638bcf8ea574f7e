"""Decisions about many cohorts are written and counted at once, as if each had been by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from statekeep.daemon.store import CohortRow, DecisionRow, Store, open_store
from statekeep.daemon.store.audit import Audit
from tests.engine.worlds import KEY
from tests.store.test_store import fill

MOVED = [10, 12, 15]
BEFORE, AFTER = CohortRow(10, 1, 0, 0, 0, 0), CohortRow(10, 2, 0, 1, 0, 0)
MADE = [DecisionRow(2, 10, 8, 3, 0, None, 0), DecisionRow(2, 10, 9, 1, 0, 1, 4)]


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """Ten cohorts with histories of their own."""
    with open_store(path, KEY, now=0) as made:
        fill(made)
        for number in range(10, 20):
            made.writes.add_cohort(CohortRow(number, 1, number % 2, 0, 0, 0))
        made.commit()
        yield made


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What is on the disk."""
    with sqlite3.connect(path) as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_every_cohort_has_its_rows(store: Store, path: Path) -> None:
    """Those that were named, and no others; each keeps its history."""
    store.writes.judge_cohorts(MOVED, MADE, BEFORE, AFTER)
    store.commit()
    moved = rows(path, "SELECT id, version, history, configuration FROM cohorts WHERE version = 2")
    assert moved == [(number, 2, number % 2, 1) for number in MOVED]
    decided = rows(path, "SELECT * FROM decisions WHERE cohort >= 10 ORDER BY cohort, position")
    assert decided == [(2, number, *row[2:]) for number in MOVED for row in MADE]


@pytest.mark.parametrize("seen", range(40))
def test_the_evidence_is_that_of_the_rows(store: Store, seen: int) -> None:
    """Wherever an audit has come to meanwhile: what it has passed, and what is still to come."""
    audit = Audit(store._connection, store._evidence, store.writes.flush, ("cohorts", "decisions"))
    for _ in range(seen):
        if not audit.done:
            audit.step(1)
    store.writes.judge_cohorts(MOVED, MADE, BEFORE, AFTER)
    store.writes.judge_cohorts([11], MADE[:1], BEFORE, BEFORE)
    audit.run()
    assert audit.findings() == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE decisions SET outcome = 2 WHERE cohort = 12 AND position = 8", "table decisions, row 2, 12, 8 "),
        ("DELETE FROM decisions WHERE cohort = 15 AND position = 9", "table decisions, row 2, 15, 9 "),
        ("UPDATE decisions SET position = 7 WHERE cohort = 12 AND position = 8", "several not as they were"),
        ("UPDATE cohorts SET version = 1 WHERE id = 12", "table cohorts, row 12 "),
        ("UPDATE cohorts SET history = 1 WHERE id = 12", "table cohorts, row 12 "),
        ("UPDATE cohorts SET waiting = 'x' WHERE id = 12", "table cohorts, row 12 "),
        ("UPDATE cohorts SET waiting = 1 << 40 WHERE id = 12", "table cohorts, row 12 "),
        ("UPDATE cohorts SET history = 1 - history WHERE id IN (10, 15)", "table cohorts has 12 rows of 12, several"),
        ("UPDATE decisions SET cohort = 'x' WHERE cohort = 12 AND position = 8", "several not as they were"),
    ],
)
def test_a_row_that_is_changed_by_hand_is_missed(store: Store, change: str, named: str) -> None:
    """One by its name; it may hold what no daemon writes."""
    store.writes.judge_cohorts(MOVED, MADE, BEFORE, AFTER)
    store.commit()
    store._connection.execute(change)
    audit = store.audit()
    audit.run()
    (finding,) = audit.findings()
    assert named in str(finding)
