"""Whether the integers of a store lead somewhere.

A sealed value authenticates itself when it is opened; an integer does not. What memory is laid out by, and indexed
with, is looked at before the store is loaded: one scan of each table, a quarter of a second for a million rows. Whether
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
        id BETWEEN 1 AND (SELECT count(*) FROM histories)
        AND parent BETWEEN 0 AND id - 1 AND typeof(parent) = 'integer'
        AND symbol BETWEEN 0 AND (SELECT count(*) FROM names) - 1 AND typeof(symbol) = 'integer'
    """,
    ("cohorts", "id"): """
        id BETWEEN 1 AND (SELECT count(*) FROM cohorts)
        AND version IN (SELECT id FROM versions)
        AND history BETWEEN 0 AND (SELECT count(*) FROM histories) AND typeof(history) = 'integer'
        AND (version, configuration) IN (SELECT version, number FROM configurations)
        AND (waiting = 0 OR waiting IN (SELECT child FROM routes))
        AND (rescued = 0 OR rescued IN (SELECT child FROM routes))
    """,
    ("actors", "id"): """
        id BETWEEN 1 AND (SELECT seq FROM sqlite_sequence WHERE name = 'actors')
        AND cohort BETWEEN 1 AND (SELECT count(*) FROM cohorts) AND typeof(cohort) = 'integer'
        AND last > 0 AND typeof(last) = 'integer'
    """,
    ("tombstones", "actor"): """
        actor > 0 AND actor NOT IN (SELECT id FROM actors)
        AND position > 0 AND typeof(position) = 'integer'
        AND (spawned_on = 0 OR spawned_on IN (SELECT id FROM versions))
    """,
    ("decisions", "route, cohort, position"): """
        route IN (SELECT child FROM routes)
        AND cohort BETWEEN 1 AND (SELECT count(*) FROM cohorts) AND typeof(cohort) = 'integer'
        AND outcome BETWEEN 1 AND 7 AND typeof(outcome) = 'integer'
        AND ((SELECT parent FROM routes WHERE child = route), before) IN (SELECT version, number FROM configurations)
        AND (landing IS NULL OR (route, landing) IN (SELECT version, number FROM configurations))
    """,
}
"""What holds of every row, by table and its key. An id up to the number of rows means: numbered without a gap."""

# Not NOT: a rule that NULL leaves undecided is broken too.
_BROKEN = "SELECT {key} FROM {table} WHERE ({rules}) IS NOT TRUE LIMIT 1"


def check(connection: sqlite3.Connection, unread: Collection[str] = ()) -> None:
    """Raise ``DamagedStore`` for the first row that breaks the rules of its table, but for the tables ``unread``."""
    for (table, key), rules in _SOUND.items():
        if table in unread:
            continue
        row = connection.execute(_BROKEN.format(key=key, table=table, rules=rules)).fetchone()
        if row is not None:
            number = ", ".join(map(str, row))
            raise DamagedStore(
                f"the store is damaged: table {table}, row {number} leads to what is not there; put back a copy of it"
            )
