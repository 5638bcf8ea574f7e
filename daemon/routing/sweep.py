"""A sweep carries a change of the routes to every cohort that it concerns, a few at a time.

The change itself is one small commit. From then on the rule says where every actor belongs, and the sweep only makes
the cohorts say so too, between batches of events. A cohort that an event or a read comes upon first is judged there
and then, with the same result, since the rule looks at nothing but the cohort's own history. What a sweep still has to
do follows from the store: it goes on where it was cut off.

One sweep at a time: whether an actor had finished is judged between two changes of the routes, not during one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable

from statekeep.daemon.routing.rule import Judgement, Standing


class Sweep:
    """What is left to do of one deploy or close."""

    def __init__(
        self,
        position: int,
        members: array[int],
        judge: Callable[[int], tuple[list[Judgement], Standing | None]],
        kind: Callable[[int], Hashable] = int,
    ) -> None:
        """``judge`` says of the cohort in a place of ``members``, which ascend, what is decided and where it stands.

        It says the same of all places of one ``kind``, and is asked once for them; each is its own unless told.
        """
        self.position = position
        """Of the change, in the order of the store: its decisions bear it."""
        self.left = len(members)
        self._members = members
        self._judge = judge
        self._kind = kind
        self._judged = bytearray(len(members))
        self._at = 0

    def place(self, cohort: int) -> int | None:
        """The place of a cohort that is still to be judged."""
        place = bisect_left(self._members, cohort)
        here = place < len(self._members) and self._members[place] == cohort
        return place if here and not self._judged[place] else None

    def next(self, limit: int) -> list[int]:
        """The next places in turn, ``limit`` of them at most."""
        places = list[int]()
        while self._at < len(self._members) and len(places) < limit:
            if not self._judged[self._at]:
                places.append(self._at)
            self._at += 1
        return places

    def judge(self, places: Iterable[int]) -> list[tuple[list[int], list[Judgement], Standing | None]]:
        """The cohorts in these places, with what is decided for them and where they stand now if that has changed."""
        alike: dict[Hashable, list[int]] = {}
        for place in places:
            self._judged[place] = 1
            self.left -= 1
            alike.setdefault(self._kind(place), []).append(place)
        return [([self._members[place] for place in same], *self._judge(same[0])) for same in alike.values()]
