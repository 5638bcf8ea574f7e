"""What a clean stop keeps of memory, so that the next start need not make it from rows.

These are the histories and the cohorts: where no two actors have the same history, there are several for each actor.
What is not kept follows from them in one pass, as it does from rows.

With columns that were kept, the rows of these tables are not read at the start. Where somebody has changed one while
the daemon was down, the actors stand where they were left all the same, and ``verify`` tells of the row.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Final, TypeAlias

from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.store import Store

Kept: TypeAlias = "Mapping[str, array[int]]"
"""The columns by name; none of them, or all."""

TABLES: Final = ("histories", "cohorts")

_COHORTS: Final = ("version", "history", "configuration", "waiting", "rescued")

WORTH_IT: Final = 100_000
"""Histories and cohorts together. To read the rows of fewer takes no longer than a fifth of a second."""


def keep(store: Store, histories: Histories, cohorts: Cohorts) -> None:
    """Let the store keep them for the next start, if they are worth it."""
    if len(histories) + len(cohorts) >= WORTH_IT:
        columns = {"parent": histories.parent[1:], "symbol": histories.symbol[1:]}
        store.keep_columns(columns | {name: getattr(cohorts, name)[1:] for name in _COHORTS})
