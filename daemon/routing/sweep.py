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
from collections.abc import Callable, Iterator
from itertools import islice

from statekeep.daemon.routing.rule import Standing


class Sweep:
    """What is left to do of one deploy or close."""

    def __init__(self, position: int, members: array[int], judge: Callable[[int], Standing]) -> None:
        """``judge`` says where the cohort in a place of ``members``, which ascend, stands by the change."""
        self.position = position
        """Of the change, in the order of the store: its decisions bear it."""
        self.left = len(members)
        self._members = members
        self._judge = judge
        self._judged = bytearray(len(members))
        self._at = 0

    def concerns(self, cohort: int) -> bool:
        """Whether a cohort is still to be judged."""
        place = bisect_left(self._members, cohort)
        return place < len(self._members) and self._members[place] == cohort and not self._judged[place]

    def judge(self, cohort: int) -> Standing:
        """Where a cohort stands that is still to be judged, which it then is no more."""
        place = bisect_left(self._members, cohort)
        self._judged[place] = 1
        self.left -= 1
        return self._judge(place)

    def next(self, limit: int) -> Iterator[int]:
        """The next cohorts in turn, ``limit`` of them at most."""
        while self._at < len(self._members) and self._judged[self._at]:
            self._at += 1
        unjudged = (place for place in range(self._at, len(self._members)) if not self._judged[place])
        return (self._members[place] for place in islice(unjudged, limit))
