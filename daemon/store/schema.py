"""The schema, as migrations: each is applied with its record in one transaction.

On the disk are integers and sealed values, nothing else. A released migration is never edited; add another.
"""

from enum import IntEnum

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("statekeep")


def known() -> set[str]:
    """The names of all migrations of this StateKeep."""
    return {migration.name for migration in migrations.pending(Database(memory=True))}


class Table(IntEnum):
    """Numbers of tables in the data that binds a sealed value to its place. Never used again."""

    STORE = 1
    NAMES = 2
    VERSIONS = 3
    CONFIGURATIONS = 4
    ACTORS = 5
    EVENTS = 6
    REPEATS = 7
    KEY_SLOTS = 8
    KEY_ROOTS = 9
    ROOT = 16


class Column(IntEnum):
    """Numbers of columns, likewise."""

    DATA_KEY = 1
    NAME = 2
    DEFINITION = 3
    CONFIGURATION = 4
    KEY = 5
    CONTEXT = 6
    PAYLOAD = 7
    ANSWER = 8
    STATE_MAP = 9
    STORE_KEY = 10
    ROOT = 11
    TOTALS = 16


@migrations()
def first(db: Database) -> None:
    """``root`` is the evidence of all other tables; see ``store.evidence``.

    ``deployments`` are the changes of routes, deploys and closes; ``last_cohort`` was the last that was there,
    ``counts`` are the actors of each outcome as it began.

    ``events`` holds a row for each spawn (``previous`` 0) and each processed event; its position is its rowid.

    ``tombstones`` are what is left of erased actors.

    ``previous`` is the position of the actor's event before, so that a history is read without an index, which every
    event would have to pay for. ``cohort`` is the cohort that the event led to. ``code`` authenticates the event
    and all of its actor's before it; in ``actors`` it is that of the last event.

    ``repeats`` are the answers that were given under an idempotency key, by the actor that they were given about.
    Those about spawns have the ``scope`` 0 and as their ``number`` the actor's id.

    ``backups`` holds the last copy that somebody has taken away.

    ``key_roots`` has a row for each epoch, whose root is destroyed when it retires, and row 0 for the root that stays.
    """
    for statement in _FIRST.split(";"):
        if statement.strip():
            db.execute(statement)


_FIRST = """
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    database BLOB NOT NULL,
    created INTEGER NOT NULL,
    data_key BLOB NOT NULL
);
CREATE TABLE root (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    totals BLOB NOT NULL
);
CREATE TABLE key_slots (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    created INTEGER NOT NULL,
    salt BLOB NOT NULL,
    iterations INTEGER NOT NULL,
    lanes INTEGER NOT NULL,
    memory INTEGER NOT NULL,
    key_check BLOB NOT NULL,
    store_key BLOB NOT NULL
);
CREATE TABLE key_roots (
    id INTEGER PRIMARY KEY,
    created INTEGER NOT NULL,
    retired INTEGER NOT NULL,
    root BLOB
);
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL
);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL,
    definition BLOB NOT NULL,
    semantics INTEGER NOT NULL,
    guards INTEGER NOT NULL,
    landing INTEGER NOT NULL,
    position INTEGER NOT NULL,
    time INTEGER NOT NULL,
    state_map BLOB
);
CREATE TABLE routes (
    child INTEGER PRIMARY KEY REFERENCES versions,
    parent INTEGER NOT NULL REFERENCES versions,
    path BLOB NOT NULL,
    closed INTEGER NOT NULL
);
CREATE TABLE deployments (
    position INTEGER PRIMARY KEY,
    route INTEGER NOT NULL REFERENCES routes,
    closing INTEGER NOT NULL,
    time INTEGER NOT NULL,
    cohorts INTEGER NOT NULL,
    last_cohort INTEGER NOT NULL,
    done INTEGER NOT NULL,
    counts BLOB NOT NULL
);
CREATE TABLE configurations (
    version INTEGER NOT NULL REFERENCES versions,
    number INTEGER NOT NULL,
    configuration BLOB NOT NULL,
    finished INTEGER NOT NULL,
    PRIMARY KEY (version, number)
) WITHOUT ROWID;
CREATE TABLE histories (
    id INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL,
    symbol INTEGER NOT NULL
);
CREATE TABLE cohorts (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    history INTEGER NOT NULL,
    configuration INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    rescued INTEGER NOT NULL
);
CREATE TABLE actors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spawned_on INTEGER NOT NULL,
    cohort INTEGER NOT NULL,
    last INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    data_key BLOB NOT NULL,
    key_hash BLOB,
    key BLOB,
    context BLOB,
    code BLOB NOT NULL
);
CREATE UNIQUE INDEX actors_by_key ON actors (key_hash) WHERE key_hash IS NOT NULL;
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    actor INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    cohort INTEGER NOT NULL,
    time INTEGER NOT NULL,
    payload BLOB,
    code BLOB NOT NULL
);
CREATE TABLE tombstones (
    actor INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    time INTEGER NOT NULL,
    spawned_on INTEGER NOT NULL
);
CREATE TABLE repeats (
    scope INTEGER NOT NULL,
    key_hash BLOB NOT NULL,
    number INTEGER NOT NULL,
    answer BLOB NOT NULL,
    PRIMARY KEY (scope, key_hash)
) WITHOUT ROWID;
CREATE TABLE backups (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    time INTEGER NOT NULL,
    size INTEGER NOT NULL,
    verified INTEGER NOT NULL
);
CREATE INDEX repeated_spawns ON repeats (number) WHERE scope = 0;
CREATE TABLE decisions (
    route INTEGER NOT NULL,
    cohort INTEGER NOT NULL,
    position INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    before INTEGER NOT NULL,
    landing INTEGER,
    skipped INTEGER NOT NULL,
    PRIMARY KEY (route, cohort, position)
) WITHOUT ROWID
"""
