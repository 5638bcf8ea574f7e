"""A store whose integers lead nowhere is refused with the row that is at fault, before anything is made of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from statekeep.daemon.store import DamagedStore
from tests.engine.stories import LOAN, PAID, WAIVED, deploy, spawn
from tests.engine.worlds import engine_in


def tell(directory: Path) -> None:
    """Two loans, of which the one who paid has migrated, and one that nothing has happened to."""
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        spawn(engine, "loan-v1", *PAID)
        spawn(engine, "loan-v1", *WAIVED)
        deploy(engine, "loan-v2", LOAN, parent="loan-v1", path=PAID)
        deploy(engine, "other")
        spawn(engine, "other")


def test_a_sound_store_is_loaded(directory: Path) -> None:
    """Every rule holds of what the engine writes."""
    tell(directory)
    with engine_in(directory):
        pass


@pytest.mark.parametrize(
    ("damage", "row"),
    [
        ("UPDATE versions SET guards = 2 WHERE id = 2", "versions, row 2 "),
        ("UPDATE versions SET landing = 2 WHERE id = 2", "versions, row 2 "),
        ("DELETE FROM versions WHERE id = 1", "routes, row 2 "),
        ("DELETE FROM versions WHERE id = 2", "routes, row 2 "),
        ("DELETE FROM versions WHERE id = 3", "cohorts, row 5 "),
        ("UPDATE routes SET parent = 9", "routes, row 2 "),
        ("UPDATE routes SET parent = 2", "routes, row 2 "),
        ("UPDATE deployments SET route = 1", r"deployments, row \d+ "),
        ("UPDATE histories SET parent = 3 WHERE id = 3", "histories, row 3 "),
        ("UPDATE histories SET parent = -1 WHERE id = 1", "histories, row 1 "),
        ("UPDATE histories SET parent = 1.5 WHERE id = 3", "histories, row 3 "),
        ("UPDATE histories SET symbol = 3 WHERE id = 2", "histories, row 2 "),
        ("UPDATE histories SET symbol = 1.5 WHERE id = 2", "histories, row 2 "),
        ("UPDATE histories SET symbol = 1 WHERE id = 3", "histories, row 3 is there twice"),
        ("UPDATE histories SET symbol = 'x' WHERE id = 2", "histories, row 2 "),
        ("DELETE FROM histories WHERE id = 1", "histories, row 3 "),
        ("UPDATE cohorts SET version = 4 WHERE id = 2", "cohorts, row 2 "),
        ("UPDATE cohorts SET history = 4 WHERE id = 2", "cohorts, row 2 "),
        ("UPDATE cohorts SET history = 1.5 WHERE id = 2", "cohorts, row 2 "),
        ("UPDATE cohorts SET configuration = 99 WHERE id = 2", "cohorts, row 2 "),
        ("UPDATE cohorts SET waiting = 1 WHERE id = 1", "cohorts, row 1 "),
        ("UPDATE cohorts SET rescued = 1 WHERE id = 1", "cohorts, row 1 "),
        ("DELETE FROM cohorts WHERE id = 1", "cohorts, row 5 "),
        ("UPDATE actors SET cohort = 6 WHERE id = 2", "actors, row 2 "),
        ("UPDATE actors SET cohort = 0 WHERE id = 2", "actors, row 2 "),
        ("UPDATE actors SET cohort = -1 WHERE id = 1", "actors, row 1 "),
        ("UPDATE actors SET cohort = 'x' WHERE id = 1", "actors, row 1 "),
        ("UPDATE actors SET cohort = 1.5 WHERE id = 1", "actors, row 1 "),
        ("UPDATE actors SET last = -1 WHERE id = 1", "actors, row 1 "),
        ("UPDATE actors SET last = 1.5 WHERE id = 1", "actors, row 1 "),
        ("UPDATE actors SET last = 'x' WHERE id = 1", "actors, row 1 "),
        ("UPDATE actors SET id = 4 WHERE id = 3", "actors, row 4 "),
        ("DELETE FROM sqlite_sequence WHERE name = 'actors'", "actors, row 1 "),
        ("INSERT INTO tombstones VALUES (2, 9, 9, 1)", "tombstones, row 2 "),
        ("INSERT INTO tombstones VALUES (9, 0, 9, 1)", "tombstones, row 9 "),
        ("INSERT INTO tombstones VALUES (9, 9, 9, 4)", "tombstones, row 9 "),
        ("UPDATE decisions SET route = 1 WHERE cohort = 3", "decisions, row 1, 3, "),
        ("UPDATE decisions SET cohort = 6 WHERE cohort = 3", "decisions, row 2, 6, "),
        ("UPDATE decisions SET cohort = 3.5 WHERE cohort = 3", "decisions, row 2, 3.5, "),
        ("UPDATE decisions SET cohort = 'x' WHERE cohort = 3", "decisions, row 2, x, "),
        ("UPDATE decisions SET outcome = 8 WHERE cohort = 3", "decisions, row 2, 3, "),
        ("UPDATE decisions SET outcome = 1.5 WHERE cohort = 3", "decisions, row 2, 3, "),
        ("UPDATE decisions SET before = 99 WHERE cohort = 3", "decisions, row 2, 3, "),
        ("UPDATE decisions SET landing = 99 WHERE cohort = 3", "decisions, row 2, 3, "),
    ],
)
def test_a_row_that_leads_nowhere_is_named(directory: Path, damage: str, row: str) -> None:
    """Negative numbers, which Python would count from the end, fractions and texts as well as numbers out of range."""
    tell(directory)
    with closing(sqlite3.connect(directory / "store.db")) as connection, connection:
        assert connection.execute(damage).rowcount > 0, "nothing was damaged"
    with pytest.raises(DamagedStore, match=f"table {row}"), engine_in(directory):
        pass
