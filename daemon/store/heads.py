"""Where every actor's chain of events ends: taken from the disk at the start, proved there, and believed from then on.

Of an actor it is the code of its last event, its cohort, and the position of that event: one number, times a weight
that is the actor's own and secret, is its element in the total of all heads.
"""

from __future__ import annotations

import sqlite3
import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from operator import mul
from typing import Any

from statekeep.daemon.store.totals import Total
from statekeep.daemon.store.weights import Weights

CACHED_WEIGHTS = 100_000
"""Weights that are kept; about 16 MB."""

LARGEST = 2**32
"""No actor's number is as large: the heads are an array."""

QUERY = "SELECT id, cohort, last, code FROM actors"

_HEAD = struct.Struct(">16sIQ")
_SIZE = _HEAD.size
_WORDS = _SIZE // 4
_NONE = bytes(_SIZE)

_number = int.from_bytes

_CHUNK = 4_096
"""Actors that are weighed together: one call of the cipher for all of them."""


class Heads:
    """All heads, by actor, 28 bytes each."""

    def __init__(self, key: bytes) -> None:
        self._weigh = Weights(key)
        self._heads = bytearray(_NONE)
        self.moved = False
        """Whether anything was put since the last commit."""
        self._weights: dict[int, int] = {}

    def columns(self) -> tuple[array[int], array[int]]:
        """Each actor's cohort, and the position of its last event, by id; 0 where there is no actor."""
        words = array("I", bytes(self._heads))
        cohorts, lasts = words[4::_WORDS], array("I", bytes(8 * (len(words) // _WORDS)))
        # The halves of the positions stay in their order until all bytes are swapped.
        lasts[0::2], lasts[1::2] = words[5::_WORDS], words[6::_WORDS]
        positions = array("Q", lasts.tobytes())
        if sys.byteorder == "little":
            cohorts.byteswap()
            positions.byteswap()
        return cohorts, positions

    def load(self, connection: sqlite3.Connection) -> Total:
        """Take over what is on the disk; its total."""
        self._heads, total, self.moved = bytearray(_NONE), Total(), False
        rows = connection.execute(f"{QUERY} ORDER BY id")
        while chunk := rows.fetchmany(_CHUNK):
            packed, actors = _pack(chunk), [row[0] for row in chunk]
            total.extend(actors, self._times(actors, packed))
            if actors[0] == len(self._heads) // _SIZE and actors[-1] - actors[0] == len(actors) - 1:
                self._heads += b"".join(packed)
                continue
            for actor, head in zip(actors, packed, strict=True):
                if 0 < actor < LARGEST:
                    self._heads += _NONE * (actor - len(self._heads) // _SIZE) + head
        return total

    def elements(self, rows: Sequence[Sequence[Any]]) -> list[int]:
        """What each row of ``QUERY`` is in the total."""
        return self._times([row[0] for row in rows], _pack(rows))

    def _times(self, actors: Sequence[int], heads: Iterable[bytes]) -> list[int]:
        return list(map(mul, map(_number, heads), self._weigh.of(actors)))

    def put(self, actor: int, cohort: int, last: int, code: bytes) -> int:
        """Let an actor's chain end elsewhere; by how much its element changes."""
        start, end = actor * _SIZE, (actor + 1) * _SIZE
        if start > len(self._heads):
            self._heads += bytes(start - len(self._heads))
        before, after = self._heads[start:end], _HEAD.pack(code, cohort, last)
        self._heads[start:end] = after
        self.moved = True
        weight = self._weights.get(actor)
        if weight is None:
            weight = self._weights[actor] = self._weigh.one(actor)
        return (_number(after) - _number(before)) * weight

    def there(self, actor: int) -> bool:
        """Whether there is such an actor."""
        return any(self._heads[actor * _SIZE : (actor + 1) * _SIZE])

    def remove(self, actor: int) -> int:
        """Forget an actor that is being erased; by how much its element changes."""
        return self.put(actor, 0, 0, bytes(16))

    def code(self, actor: int) -> bytearray:
        """The code of an actor's last event."""
        start = actor * _SIZE
        return self._heads[start : start + 16]

    def agree(self, actor: int, cohort: int, last: int, code: bytes) -> bool:
        """Whether this is where the actor's chain ends."""
        return self._heads[actor * _SIZE : (actor + 1) * _SIZE] == _head(cohort, last, code)

    def commit(self) -> None:
        """Keep what has been put since the last time."""
        self.moved = False
        if len(self._weights) > CACHED_WEIGHTS:
            self._weights.clear()


def _pack(rows: Sequence[Sequence[Any]]) -> list[bytes]:
    """The heads in rows of ``QUERY``."""
    _, cohorts, lasts, codes = zip(*rows, strict=True)
    try:
        return list(map(_HEAD.pack, codes, cohorts, lasts))
    except (struct.error, TypeError):
        return [_head(*row[1:]) for row in rows]


def _head(cohort: int, last: int, code: bytes) -> bytes:
    """A head from the disk; nothing, if what stands there is none."""
    try:
        return _HEAD.pack(code, cohort, last) if len(code) == 16 else _NONE
    except (struct.error, TypeError):
        return _NONE
