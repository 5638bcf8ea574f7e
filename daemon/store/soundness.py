"""Whether the integers of a store lead somewhere.

A sealed value authenticates itself when it is opened; an integer does not. What memory is laid out by, and indexed
with, is looked at before the store is loaded: one scan of each table, 0.1 to 0.4 seconds for a million rows. Whether
integers lead to the *right* rows is for ``statekeep verify`` to find out.
"""

import sqlite3
from collections.abc import Collection


class DamagedStore(Exception):
    """A row of the store is not as it was written, or leads to something that is not there."""


class DamagedActor(Exception):
    """What is stored of an actor is not what was written. The others are not concerned."""

    def __init__(self, actor: int, position: int = 0) -> None:
        super().__init__(f"actor {actor} is damaged" + (f" at position {position}" if position else ""))
        self.actor = actor
        self.position = position
        """The event's; 0 for the actor's own row."""


_SOUND = {
    ("versions", "id"): "guards IN (0, 1) AND landing IN (0, 1, 2) AND (landing = 2) = (state_map IS NOT NULL)",
    ("routes", "child"): """
        child IN (SELECT id FROM versions) AND parent IN (SELECT id FROM versions) AND parent < child
    """,
    ("deployments", "position"): "route IN (SELECT child FROM routes)",
    ("histories", "id"): """
        parent BETWEEN 0 AND id - 1 AND symbol BETWEEN 0 AND (SELECT count(*) FROM names) - 1
        AND typeof(parent + symbol) = 'integer'
    """,
    ("cohorts", "id"): """
        history BETWEEN 0 AND (SELECT ifnull(max(id), 0) FROM histories) AND typeof(history) = 'integer'
        AND (version, configuration) IN (
            SELECT version, number FROM configurations WHERE version IN (SELECT id FROM versions)
        )
        AND (waiting = 0 OR waiting IN (SELECT child FROM routes))
        AND (rescued = 0 OR rescued IN (SELECT child FROM routes))
    """,
    ("actors", "id"): """
        cohort BETWEEN 1 AND (SELECT max(id) FROM cohorts) AND typeof(cohort) = 'integer'
        AND last > 0 AND typeof(last) = 'integer'
    """,
    ("tombstones", "actor"): """
        actor > 0 AND actor NOT IN (SELECT id FROM actors)
        AND position > 0 AND typeof(position) = 'integer'
        AND (spawned_on = 0 OR spawned_on IN (SELECT id FROM versions))
    """,
    ("decisions", "route, cohort, position"): """
        (route, before) IN (SELECT child, number FROM routes JOIN configurations ON version = parent)
        AND cohort BETWEEN 1 AND (SELECT max(id) FROM cohorts) AND outcome BETWEEN 1 AND 7
        AND typeof(cohort + outcome) = 'integer'
        AND (landing IS NULL OR (route, landing) IN (SELECT version, number FROM configurations))
    """,
}
"""What holds of every row, by table and its key.

What is not above a number is no text, and no sum with a fraction in it is an integer: one ``typeof`` serves for two.
"""

_NUMBERED = {
    "histories": "count(*) FROM histories",
    "cohorts": "count(*) FROM cohorts",
    "actors": "seq FROM sqlite_sequence WHERE name = 'actors'",
}
"""The highest id of a table. Up to the number of rows means: numbered from 1 without a gap."""

# Not NOT: a rule that NULL leaves undecided is broken too.
_BROKEN = "SELECT {key} FROM {table} WHERE ({rules}) IS NOT TRUE LIMIT 1"

# Of the ids alone: it is looked up, and no row is read.
_BEYOND = "SELECT id FROM {table} WHERE id < 1 OR id > ifnull((SELECT {highest}), 0) LIMIT 1"


def check(connection: sqlite3.Connection, unread: Collection[str] = ()) -> None:
    """Raise ``DamagedStore`` for the first row that breaks the rules of its table, but for the tables ``unread``."""
    for (table, key), rules in _SOUND.items():
        if table in unread:
            continue
        if table in _NUMBERED:
            _refuse(table, connection.execute(_BEYOND.format(table=table, highest=_NUMBERED[table])).fetchone())
        _refuse(table, connection.execute(_BROKEN.format(key=key, table=table, rules=rules)).fetchone())


def _refuse(table: str, row: tuple[object, ...] | None) -> None:
    if row is not None:
        number = ", ".join(map(str, row))
        raise DamagedStore(
            f"the store is damaged: table {table}, row {number} leads to what is not there; put back a copy of it"
        )
