"""What a clean stop keeps of memory, so that the next start need not make it from rows.

These are the histories and the cohorts: where no two actors have the same history, there are several of both for each
actor. What is not kept follows from them in a pass or two, as it does from rows.

With columns that were kept, the rows of these tables are not read at the start. Where somebody has changed one while
the daemon was down, the actors stand where they were left all the same, and ``verify`` tells of the row.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from itertools import chain
from typing import Final, TypeAlias

from statekeep.daemon.routing.cohorts import Columns
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.rule import Standing
from statekeep.daemon.store import Store

Kept: TypeAlias = "Mapping[str, array[int]]"
"""Columns by name: all of them, or none."""

TABLES: Final = ("histories", "cohorts")
"""Whose rows need not be read."""

WORTH_IT: Final = 100_000
"""Histories and cohorts together. To read the rows of fewer takes no longer than a fifth of a second."""


_NAMES: Final = {"parent", "symbol", "standing", "history", "standings"}


def take(store: Store) -> Kept:
    """What the last stop has kept, if nothing came after it."""
    kept = store.take_columns()
    return kept if kept.keys() == _NAMES else {}


def columns(histories: Histories, cohorts: Columns) -> Kept:
    """What is kept of these."""
    standings = ((at.version, at.configuration, at.waiting, at.rescued) for at in cohorts.standings)
    return {
        "parent": histories.parent[1:],
        "symbol": histories.symbol[1:],
        "standing": cohorts.standing,
        "history": cohorts.history,
        "standings": array("I", chain.from_iterable(standings)),
    }


def histories_of(kept: Kept) -> tuple[array[int], array[int]]:
    """The histories that were kept: their parents and their symbols."""
    return kept["parent"], kept["symbol"]


def cohorts_of(kept: Kept) -> Columns:
    """The cohorts that were kept."""
    numbers = iter(kept["standings"])
    standings = [Standing(*four) for four in zip(numbers, numbers, numbers, numbers, strict=True)]
    return Columns(kept["standing"], kept["history"], standings)
