"""What is written to the store, and the store as a whole.

Writes are collected and reach SQLite together: ``commit`` makes all that came since the last one durable, or none of
it. Reads see what was collected before them.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from statekeep.daemon.store import erasure, evidence
from statekeep.daemon.store.anchor import NOTHING, Anchor, Seen
from statekeep.daemon.store.audit import Audit, recount
from statekeep.daemon.store.backup import Moment, moment
from statekeep.daemon.store.erasure import SyncFailed
from statekeep.daemon.store.evidence import Evidence
from statekeep.daemon.store.keys import WrongKey
from statekeep.daemon.store.reading import PATCHED, Catalogue, Records
from statekeep.daemon.store.rows import (
    ActorRow,
    BackupRow,
    CohortRow,
    DecisionRow,
    DeploymentRow,
    EventRow,
    Patched,
    RepeatRow,
    RouteRow,
    Sizes,
    TombstoneRow,
    VersionRow,
)
from statekeep.daemon.store.schema import Column, Table
from statekeep.daemon.store.shipping import Shipping
from statekeep.daemon.store.soundness import DamagedStore
from statekeep.daemon.store.vault import KEY_TABLES, Vault

StorageError = sqlite3.Error
"""What a read or a write raises when the disk, or SQLite, refuses it."""

SQLITE_VERSION = sqlite3.sqlite_version

_NOT_SYNCED = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, evidence.Totals]).decode

_FORGOTTEN = "scope = ? AND number <= ?"

_STATEMENTS = {
    "names": "INSERT INTO names VALUES (?, ?)",
    "versions": "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "routes": "INSERT INTO routes VALUES (?, ?, ?, ?)",
    "closings": "UPDATE routes SET closed = ? WHERE child = ?",
    "deployments": "INSERT INTO deployments VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "ends": "UPDATE deployments SET done = 1 WHERE position = ?",
    "configurations": "INSERT INTO configurations VALUES (?, ?, ?, ?)",
    "histories": "INSERT INTO histories VALUES (?, ?, ?)",
    "cohorts": "INSERT INTO cohorts VALUES (?, ?, ?, ?, ?, ?)",
    "moves": """
        UPDATE cohorts SET version = ?, configuration = ?, waiting = ?, rescued = ?
        WHERE id IN (SELECT value FROM json_each(?))
    """,
    "actors": "INSERT INTO actors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "contexts": "UPDATE actors SET context = ? WHERE id = ?",
    "events": "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
    "decisions": "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)",
    "judged": "INSERT INTO decisions SELECT ?, value, ?, ?, ?, ?, ? FROM json_each(?)",
    "repeats": "INSERT INTO repeats VALUES (?, ?, ?, ?)",
    "backups": "INSERT OR REPLACE INTO backups VALUES (?, ?, ?, ?, ?)",
    "forgotten": f"DELETE FROM repeats WHERE {_FORGOTTEN}",  # noqa: S608 - text from above
}
"""In the order in which rows refer to each other."""

_COUNTED = evidence.TABLES.keys() - {"actors"}
"""Tables whose rows the evidence counts as they are inserted; it hears of actors and events when they are added."""

_CHANGES = {"closings": ("routes", 1), "ends": ("deployments", 0), "contexts": ("actors", 1), "backups": ("backups", 0)}
"""What changes rows of which table, and where its values hold the row's number."""

# Not OR REPLACE, which would delete the row first: that takes twice the time.
_ROOT = "INSERT INTO root VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET totals = excluded.totals"

_MOVE_ACTOR = "UPDATE actors SET cohort = ?, last = ?, code = ? WHERE id = ?"


class Store:
    """An open store; see ``open_store``. Not thread-safe: one engine owns it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        vault: Vault,
        erasures: erasure.Erasures,
        anchor: Anchor,
        descriptors: Sequence[int],
    ) -> None:
        """``descriptors`` are closed with the store, after the connection: the database's own, and the lock's."""
        self._connection = connection
        self.vault = vault
        self._ring = ring = vault.ring
        self.erasures = erasures
        self._anchor = anchor
        self._descriptors = descriptors
        self.shipping: Shipping | None = None
        (wrapped,) = connection.execute("SELECT data_key FROM store").fetchone()
        self._names = ring.unwrap(wrapped, Table.STORE, Column.DATA_KEY, 1)
        self._evidence = Evidence(connection, ring.derived(evidence.KEY_USE))
        self._seen, self._committed = self._root()
        if self._seen == NOTHING:
            # Its keys are all that a new store has, and nothing was before them.
            self._committed = self._evidence.begin(*KEY_TABLES)
        self._evidence.load(self._committed)
        vault.counting = lambda anew: self._evidence.rewriting(*KEY_TABLES, anew=anew)
        self.catalogue = Catalogue(connection, self._names, self._evidence)
        self.records = Records(connection, ring, self._flush, self._evidence)
        self._pending: dict[str, list[Sequence[Any]]] = {kind: [] for kind in _STATEMENTS}
        self._heads: dict[int, tuple[int, int, bytes]] = {}

    def ship(self, directory: Path, clock: Callable[[], int], keep: int) -> None:
        """Ship every commit to ``directory`` from now on, and keep it for so many milliseconds. Raises ``OSError``."""
        self.shipping = Shipping(self._connection, self.vault, directory, clock, keep)
        self.erasures.make_way.append(self.shipping.make_way)

    def moment(self) -> Moment:
        """Where the store stands."""
        return moment(self._connection)

    @property
    def path(self) -> Path:
        """The file of the database."""
        return Path(self._connection.execute("PRAGMA database_list").fetchone()[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self) -> bool:
        """Make everything written since the last commit durable; False when there was nothing.

        Raises ``StorageError`` when it could not; call ``rollback`` then. Raises ``SyncFailed`` when nobody can say.
        """
        self._flush()
        if not self._connection.in_transaction:
            return False
        try:
            self._commit_as(self._seen.commits + 1)
        except sqlite3.Error:
            if self.shipping is not None:
                self.shipping.doubt()
            raise
        self.erasures.committed()
        self._anchor.write(self._seen)
        return True

    def rollback(self) -> None:
        """Forget everything written since the last commit."""
        changed = self._evidence.heads.moved or any(self._pending.values())
        # A transaction that did not fit on the disk, SQLite has taken back by itself.
        changed = changed or self._connection.in_transaction or self._evidence.dump() != self._committed
        self._discard()
        self.vault.load()
        if changed:
            self._evidence.load(self._committed)

    def rewrap_next(self, limit: int, now: int) -> None:
        """Take a rotation under way past the next ``limit`` actors."""
        # Those that are about to be written may be of the epoch before.
        self._flush()
        self.vault.go_on(limit, now)

    def _discard(self) -> None:
        for rows in self._pending.values():
            rows.clear()
        self._heads.clear()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self.erasures.taken_back()

    def sizes(self) -> Sizes:
        """How large its files are, and how much they may grow."""
        (file,) = [name for _, database, name in self._connection.execute("PRAGMA database_list") if database == "main"]
        wal, disk = Path(f"{file}-wal"), os.statvfs(file)
        log = wal.stat().st_size if wal.exists() else 0
        return Sizes(Path(file).stat().st_size, log, disk.f_bavail * disk.f_frsize)

    def meet_anchor(self, *, accept_rollback: bool) -> None:
        """Compare the store with its anchor, and let the anchor follow it from now on.

        Raises ``RolledBack`` if the store is not what the anchor has seen, unless that is accepted.
        """
        seen = self._seen
        if self._anchor.meet(seen, accept=accept_rollback):
            if seen.commits or self._anchor.after(seen) > 1:
                # A number that no copy of the store has: what was left behind can't come back as the newer one.
                self._begin()
                self._commit_as(self._anchor.after(seen))
            self._anchor.make(self._seen)

    def audit(self) -> Audit:
        """A look at every row beside what the evidence says of the tables. It ends with another one or a rollback."""
        return Audit(self._connection, self._evidence, self._flush)

    def change_schema(self, change: Callable[[], object]) -> None:
        """Let ``change`` bring the tables into another form, and commit it with the evidence of that form.

        Raises ``DamagedStore``, and changes nothing, if the store is not as it was written.
        """
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master")} | {evidence.HEADS}
        before = Audit(
            self._connection, self._evidence, self._flush, (*filter(tables.__contains__, self._evidence.totals),)
        )
        before.run()
        if findings := before.findings():
            raise DamagedStore(f"the store is damaged: {findings[0]}; put back a copy of the store")
        self._begin()
        change()
        recount(self._connection, self._evidence)
        self.commit()

    def close(self) -> None:
        """Close the store and let go of its lock. What was not committed is lost."""
        self._discard()
        for let_go in self.erasures.make_way:
            let_go()
        if self.shipping is not None:
            self.shipping.close()
        self._connection.close()
        self._anchor.close()
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _flush(self) -> None:
        execute = self._connection.executemany
        for kind, rows in self._pending.items():
            if rows:
                self._begin()
                if kind == "forgotten":
                    self._forget_repeats(rows)
                elif kind in _CHANGES:
                    table, number = _CHANGES[kind]
                    with self._evidence.changing(table, {row[number] for row in rows}):
                        execute(_STATEMENTS[kind], rows)
                else:
                    if kind == "actors":
                        # Their spawns, which their codes are of, came after them.
                        rows[:] = [(*row, self._evidence.heads.code(row[0])) for row in rows]
                    execute(_STATEMENTS[kind], rows)
                    if kind in _COUNTED:
                        self._evidence.add(kind, rows)
                rows.clear()
        if self._heads:
            self._begin()
            execute(_MOVE_ACTOR, [(cohort, last, code, actor) for actor, (cohort, last, code) in self._heads.items()])
            self._heads.clear()

    def _forget_repeats(self, rows: Sequence[Sequence[Any]]) -> None:
        for values in rows:
            self._evidence.leaving("repeats", _FORGOTTEN, values)
            self._connection.execute(_STATEMENTS["forgotten"], values)

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def _commit_as(self, commits: int) -> None:
        """Commit, as the commit of this number, with the evidence of what it makes of the store."""
        totals = self._evidence.dump()
        root = self._names.seal(_encode((commits, totals)), Table.ROOT, Column.TOTALS, 1)
        self._connection.execute(_ROOT, (root,))
        try:
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode in _NOT_SYNCED:
                raise SyncFailed from failure
            raise
        self._evidence.commit()
        self._seen, self._committed = Seen(commits, root[-evidence.CODE :]), totals

    def _root(self) -> tuple[Seen, evidence.Totals]:
        """The last commit, and the evidence of it."""
        row = self._connection.execute("SELECT totals FROM root").fetchone()
        if row is None:
            return NOTHING, {}
        try:
            commits, totals = _decode(self._names.open(row[0], Table.ROOT, Column.TOTALS, 1))
        except WrongKey as fault:
            raise DamagedStore(f"the store is damaged: its evidence is not as it was written; {fault}") from None
        return Seen(commits, row[0][-evidence.CODE :]), totals

    def add_name(self, number: int, name: str) -> None:
        self._pending["names"].append((number, self._names.seal(name.encode(), Table.NAMES, Column.NAME, number)))

    def add_version(self, row: VersionRow) -> None:
        seal = self._names.seal
        name = seal(row.name.encode(), Table.VERSIONS, Column.NAME, row.id)
        # JSON, not MessagePack: a definition's text is kept as JSON would give it, in the order of its keys.
        definition = seal(msgspec.json.encode(row.definition), Table.VERSIONS, Column.DEFINITION, row.id)
        state_map = None
        if row.state_map is not None:
            state_map = seal(_encode(row.state_map), Table.VERSIONS, Column.STATE_MAP, row.id)
        plain = (row.semantics, row.guards, row.landing, row.position, row.time)
        self._pending["versions"].append((row.id, name, definition, *plain, state_map))

    def add_route(self, row: RouteRow) -> None:
        self._pending["routes"].append((row.child, row.parent, _encode(row.path), row.closed))

    def close_route(self, child: int, position: int) -> None:
        self._pending["closings"].append((position, child))

    def add_deployment(self, row: DeploymentRow) -> None:
        self._pending["deployments"].append((*row[:-1], _encode(row.counts)))

    def end_deployment(self, position: int) -> None:
        """Record that every cohort has been judged."""
        self._pending["ends"].append((position,))

    def add_configuration(self, version: int, number: int, configuration: object, *, finished: bool) -> None:
        """``configuration`` as the chart of the version dumps it."""
        place = (Table.CONFIGURATIONS, Column.CONFIGURATION, version << 32 | number)
        sealed = self._names.seal(_encode(configuration), *place)
        self._pending["configurations"].append((version, number, sealed, int(finished)))

    def add_history(self, node: int, parent: int, symbol: int) -> None:
        self._pending["histories"].append((node, parent, symbol))

    def add_cohort(self, row: CohortRow) -> None:
        self._pending["cohorts"].append(row)

    def judge_cohorts(
        self, cohorts: Sequence[int], made: Sequence[DecisionRow], before: CohortRow, after: CohortRow
    ) -> None:
        """Record the same decisions about many cohorts, and that they stand elsewhere.

        The rows are of any one of them: the others agree in all but their number, and the history, which they keep.
        """
        self._evidence.judge(cohorts, made, before, after)
        numbers = msgspec.json.encode(cohorts).decode()
        for route, _, *decided in made:
            self._pending["judged"].append((route, *decided, numbers))
        if after != before:
            self._pending["moves"].append((after.version, after.configuration, after.waiting, after.rescued, numbers))

    def add_decisions(self, rows: Iterable[DecisionRow]) -> None:
        self._pending["decisions"].extend(rows)

    def add_actor(self, row: ActorRow) -> None:
        """A new actor with a data key of its own."""
        wrapped, sealer = self._ring.new_key(Table.ACTORS, Column.DATA_KEY, row.id)
        self._ring.keep(row.id, sealer)
        key_hash = key = context = None
        if row.key is not None:
            key_hash = self._ring.lookup_hash(row.key)
            key = sealer.seal(row.key.encode(), Table.ACTORS, Column.KEY, row.id)
        if row.context is not None:
            context = sealer.seal(_encode(row.context), Table.ACTORS, Column.CONTEXT, row.id)
        self._evidence.add("actors", [(row.id, row.spawned_on, key_hash, evidence.tag(context))])
        self._pending["actors"].append(
            (row.id, row.spawned_on, row.cohort, row.last, self._ring.epoch, wrapped, key_hash, key, context)
        )

    def add_event(self, actor: int, previous: int, row: EventRow) -> None:
        """An event, or with ``previous`` 0 a spawn, and with it where the actor now is."""
        payload = None
        if row.payload is not None:
            plain = _encode_patched(row.payload) if type(row.payload) is Patched else _encode(row.payload)
            payload = self.records.sealer(actor).seal(plain, Table.EVENTS, Column.PAYLOAD, row.position)
        code = self._evidence.extend(actor, previous, (row.cohort, row.position, row.time), payload)
        self._pending["events"].append((row.position, actor, previous, row.cohort, row.time, payload, code))
        if previous:
            self._heads[actor] = (row.cohort, row.position, code)

    def put_context(self, actor: int, context: object) -> None:
        """Let an actor have another context."""
        sealed = None
        if context is not None:
            sealed = self.records.sealer(actor).seal(_encode(context), Table.ACTORS, Column.CONTEXT, actor)
        self._pending["contexts"].append((sealed, actor))

    def add_repeat(self, row: RepeatRow) -> None:
        place = (Table.REPEATS, Column.ANSWER, row.scope << 32 | row.number)
        sealed = self.records.sealer(row.actor).seal(row.content + row.answer, *place)
        self._pending["repeats"].append((row.scope, row.key_hash, row.number, sealed))

    def put_backup(self, row: BackupRow) -> None:
        """Note the last backup."""
        self._pending["backups"].append((1, *row))

    def forget_repeats(self, actor: int, last: int) -> None:
        """Forget the answers of an actor up to the number ``last``."""
        self._pending["forgotten"].append((actor, last))

    def erase_actor(self, stone: TombstoneRow, events: int) -> None:
        """Delete all that is stored of an actor with so many events, its spawn included; the tombstone takes its place.

        Of an actor that is not there, the tombstone alone is stored. The erasure may be acknowledged when it is
        committed and ``erasures.finish`` has nothing against it.
        """
        self._flush()
        self._begin()
        self._ring.forget(stone.actor)
        self.erasures.begin(stone)
        erasure.delete(self._connection, self._evidence, stone.actor, events)
        self._connection.execute("INSERT INTO tombstones VALUES (?, ?, ?, ?)", stone)
        self._evidence.add("tombstones", [stone])


def _encode_patched(payload: Patched) -> bytes:
    """Both parts as an extension of MessagePack, which no payload of a caller can be."""
    return _encode(msgspec.msgpack.Ext(PATCHED, _encode(payload)))
