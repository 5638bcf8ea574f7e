"""Lives of actors that were read just now: the pages of a long history are asked for one after the other.

Where an actor's events end, and how many changes of the routes there were, tells one state of a life from the next.
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

KEPT: Final = 20_000
"""Events of all lives that are kept; about 10 MB. The last life is kept, however long."""

T = TypeVar("T")


class _Kept(NamedTuple, Generic[T]):
    last: int
    changes: int
    life: list[T]


class Lives(Generic[T]):
    """What was made of the last few actors that were asked about."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept[T]] = {}

    def find(self, actor: int, last: int, changes: int) -> list[T] | None:
        """The life of an actor up to its event at ``last``, by so many changes of the routes, if it is kept."""
        kept = self._kept.get(actor)
        return kept.life if kept is not None and (kept.last, kept.changes) == (last, changes) else None

    def keep(self, actor: int, last: int, changes: int, life: list[T]) -> None:
        """Keep a life, and of the others those that were read last."""
        self._kept.pop(actor, None)
        room = KEPT - len(life)
        for other in reversed(self._kept.copy()):
            room -= len(self._kept[other].life)
            if room < 0:
                del self._kept[other]
        self._kept[actor] = _Kept(last, changes, life)

    def forget(self, actor: int) -> None:
        """Keep nothing of an actor that is being erased."""
        self._kept.pop(actor, None)
