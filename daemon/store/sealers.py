"""What seals and opens the values of an actor: made from its data key, which is read when nobody remembers it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from statekeep.daemon.store.keys import KeyRing, Sealer, WrongKey
from statekeep.daemon.store.schema import Column, Table
from statekeep.daemon.store.soundness import DamagedActor


class Sealers:
    """One for each actor of a store; ``flush`` lets SQLite have the keys that are to be written."""

    def __init__(self, connection: sqlite3.Connection, ring: KeyRing, flush: Callable[[], None]) -> None:
        self._connection = connection
        self._flush = flush
        self.ring = ring

    def of(self, actor: int) -> Sealer:
        """That of an actor. Raises ``DamagedActor`` if it has gone, or its data key is not what was written."""
        sealer = self.ring.kept(actor)
        if sealer is None:
            self._flush()
            row = self._connection.execute("SELECT data_key FROM actors WHERE id = ?", (actor,)).fetchone()
            if row is None:
                raise DamagedActor(actor)
            try:
                sealer = self.ring.unwrap(row[0], Table.ACTORS, Column.DATA_KEY, actor)
            except WrongKey:
                raise DamagedActor(actor) from None
            self.ring.keep(actor, sealer)
        return sealer
