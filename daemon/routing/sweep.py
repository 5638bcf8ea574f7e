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
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from statekeep.daemon.routing.cohorts import Cohorts
from statekeep.daemon.routing.rule import Judgement, Standing


class Judged(NamedTuple):
    """What is decided for some cohorts that stood alike, and where they stand now if that has changed."""

    cohorts: list[int]
    judgements: list[Judgement]
    standing: Standing | None


class Sweep:
    """What is left to do of one deploy or close."""

    def __init__(self, position: int, members: array[int], judge: Callable[[Sequence[int]], Iterable[Judged]]) -> None:
        """``judge`` judges the cohorts in some places of ``members``, which ascend."""
        self.position = position
        """Of the change, in the order of the store: its decisions bear it."""
        self.left = len(members)
        self._members = members
        self._judge = judge
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

    def judge(self, places: Sequence[int]) -> Iterable[Judged]:
        """Judge the cohorts in these places."""
        for place in places:
            self._judged[place] = 1
        self.left -= len(places)
        return self._judge(places)


def one_by_one(
    members: Sequence[int], cohorts: Cohorts, settle: Callable[[Standing, int], object]
) -> Callable[[Iterable[int]], Iterable[Judged]]:
    """What judges the cohorts in some places of ``members`` each by itself, and says the same of many at once.

    ``settle`` is given where a cohort stands, which it changes, and its history.
    """

    def judge(places: Iterable[int]) -> Iterable[Judged]:
        alike = dict[Hashable, Judged]()
        for cohort in map(members.__getitem__, places):
            before, standing = cohorts.standing(cohort), cohorts.standing(cohort)
            settle(standing, cohorts.history[cohort])
            kind = (_columns(before), _columns(standing), tuple(standing.judgements))
            alike.setdefault(kind, Judged([], standing.judgements, standing)).cohorts.append(cohort)
        return alike.values()

    return judge


def _columns(standing: Standing) -> tuple[int, ...]:
    return standing.version, standing.configuration, standing.waiting, standing.rescued
