"""The way of the actors' data keys from older epochs to the latest, a bounded step at a time.

The steps go through all actors in the order of their ids. New actors come in the latest epoch and with higher ids, so
who has come to the end has seen every one that was older. Nothing of this is on the disk but the epoch of each actor:
after a crash the way begins anew, and those that are through are passed by.
"""

import sqlite3

from statekeep.daemon.store.keys import KeyRing, WrongKey
from statekeep.daemon.store.schema import Column, Table


class Rotation:
    """A rotation under way."""

    def __init__(self, connection: sqlite3.Connection, ring: KeyRing, left: int) -> None:
        self._connection = connection
        self._ring = ring
        self._cursor = 0
        self.left = left
        """Actors whose data keys are in an older epoch."""
        self.stuck = 0
        """Of those, the ones passed by because their data keys fail authentication: erase them, or restore a copy."""
        self.through = False
        """Whether every actor has been looked at."""

    def step(self, limit: int) -> bool:
        """Wrap the data keys of the next ``limit`` actors anew, if of an older epoch; whether all have been seen."""
        query = "SELECT id, epoch, data_key FROM actors WHERE id > ? ORDER BY id LIMIT ?"
        rows = self._connection.execute(query, (self._cursor, limit)).fetchall()
        rewrapped = []
        for actor, epoch, wrapped in rows:
            if epoch < self._ring.epoch:
                try:
                    anew = self._ring.rewrap(wrapped, Table.ACTORS, Column.DATA_KEY, actor)
                except WrongKey:
                    self.stuck += 1
                else:
                    rewrapped.append((self._ring.epoch, anew, actor))
        self._connection.executemany("UPDATE actors SET epoch = ?, data_key = ? WHERE id = ?", rewrapped)
        self.left -= len(rewrapped)
        if rows:
            self._cursor = rows[-1][0]
        if len(rows) < limit:
            # An actor that was erased on the way was counted, too.
            self.left = self.stuck
            self.through = True
        return self.through
