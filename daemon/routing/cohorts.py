"""Cohorts: all actors with the same version, history and configuration.

The invariant: *an actor's configuration is its whole recorded history replayed on the definition of its present
version.* True at spawn, where there is nothing to replay; an event is recorded only if the configuration handles it,
and then its step is the next step of the replay; a landing is the replay by definition. So (version, history) decides
the configuration, however the actor got there, and one row can stand for all actors that share the two. An actor
only says which cohort it is in; a deploy moves cohorts.

On a version that lands by a state map the replay starts anew at each jump: there, actors of one history may stand in
several configurations, and so in several cohorts. Where the three agree, nothing that is still to come depends on more:
a path looks at the history, a replay at the history, a map at the configuration.

A million actors may have a million histories, and they stand in a handful of ways: so a cohort says only which of the
*standings* it has, and whatever is asked about where actors stand is decided once for each of those.

Four rules keep the sharing honest:

* The memo (cohort, symbol) -> cohort rests on the routes that there are. A deploy clears it.
* A cohort of finished actors that saw a deploy is never entered again: those actors were frozen when the route came
  (``final``), one that finishes later was judged by it.
* A cohort whose landing was refused is marked, and entered only by those for whom the same route refused it. One for
  whom that route had been closed may come by the same history, and needs no rescue.
* A cohort without actors is not judged by a deploy, and so is never entered again after one.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, count
from typing import NamedTuple

from statekeep.daemon.routing import evaluator
from statekeep.daemon.routing.evaluator import ActorColumns, Crowd, Wanted
from statekeep.daemon.routing.rule import Standing

REMEMBERED = 200_000
"""Entries of the memo, about 20 MB. To drop them takes 30 ms, in which everybody waits."""

EVER = 2**64 - 1
"""No event has a position as high."""


class Census(NamedTuple):
    """Actors that stand alike."""

    actors: int
    finished: int
    configuration: int
    version: int
    rescued: int


class Standings:
    """The columns of all standings that ever occurred, by number from 1, each there once.

    ``finished`` (0 or 1) follows from the configuration.
    """

    def __init__(self) -> None:
        self.version = array("I", [0])
        self.configuration = array("I", [0])
        self.waiting = array("I", [0])
        self.rescued = array("I", [0])
        self.finished = bytearray(1)
        self._numbers: dict[tuple[int, int, int, int], int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> Standing:
        return Standing(self.version[number], self.configuration[number], self.waiting[number], self.rescued[number])

    def intern(self, standing: Standing, *, finished: bool) -> int:
        """The number of a standing, from now on."""
        kind = (standing.version, standing.configuration, standing.waiting, standing.rescued)
        number = self._numbers.get(kind)
        if number is None:
            number = self._numbers[kind] = len(self.version)
            for column, value in zip((self.version, self.configuration, self.waiting, self.rescued), kind, strict=True):
                column.append(value)
            self.finished.append(finished)
        return number

    def flags(self, passes: Callable[[int], bool]) -> bytearray:
        """A flag for each standing: whether its number passes."""
        return bytearray(number > 0 and passes(number) for number in range(len(self.version)))

    def census(self, population: Iterable[int]) -> Iterator[Census]:
        """How many actors stand so, for each standing that has any; ``population`` says so by number."""
        counted = zip(population, self.finished, self.configuration, self.version, self.rescued, strict=True)
        return (Census(*line) for line in counted if line[0])


class Columns(NamedTuple):
    """What is on disk of all cohorts: by cohort, and by number of a standing. The entries 0 stand for none."""

    standing: array[int]
    """The number of its standing."""
    history: array[int]
    standings: Sequence[Standing]


class Cohorts:
    """The columns of all cohorts, by cohort number from 1, and how actors find them.

    ``at`` (the number of a standing) and ``history`` (a node of the trie) are what is on disk; ``population`` follows
    from the actors.
    """

    def __init__(self) -> None:
        self.standings = Standings()
        self.at = array("I", [0])
        self.history = array("I", [0])
        self.population = array("I", [0])
        self.after_event: dict[int, int] = {}
        """The memo: (cohort << 32 | symbol) -> the cohort that this event leads to. See ``remember``."""
        self.after_spawn: dict[int, int] = {}
        """The memo of spawns: version -> the cohort that an actor spawned on it joins."""
        self.put_anew = 0
        """How often cohorts came to stand elsewhere."""
        self._changed: dict[int, int] = {}
        """The last cohort that was there when the routes of a version last changed."""
        # Which cohorts may be joined, unless ``find`` finds them stale: by history the first of a chain, by cohort the
        # one behind it, until 0. No two of a chain agree in version and configuration.
        self._first = array("I", [0])
        self._next = array("I", [0])

    def __len__(self) -> int:
        return len(self.at) - 1

    def restore(
        self,
        rows: Sequence[array[int]],
        actors: ActorColumns,
        finished: Iterable[tuple[int, int]],
        histories: int,
    ) -> None:
        """Take over what is on disk.

        ``rows`` are version, history, configuration, waiting and rescued, each in order of number, ``finished`` are the
        (version, configuration) that take no more events, ``histories`` is how many there are.
        """
        version, history, configuration, waiting, rescued = rows
        numbers, first = evaluator.intern((version, configuration, waiting, rescued))
        standings = [Standing(version[i], configuration[i], waiting[i], rescued[i]) for i in first]
        self.load(
            Columns(numbers, array("I", [0]) + history, [Standing(0, 0), *standings]), actors, finished, histories
        )

    def load(self, columns: Columns, actors: ActorColumns, finished: Iterable[tuple[int, int]], histories: int) -> None:
        """Take over ``columns`` as they are; the rest is as for ``restore``."""
        self.at, self.history, standings = columns
        ended = set(finished)
        for standing in standings[1:]:
            self.standings.intern(standing, finished=(standing.version, standing.configuration) in ended)
        self.population = evaluator.census(actors, Wanted(actors.cohort, b"\0" + b"\1" * len(self), 0, EVER))
        self._first, self._next = evaluator.chain(self, self._kinds(), histories)

    def columns(self) -> Columns:
        """What ``load`` takes over; the columns are those of these cohorts, not copies."""
        return Columns(self.at, self.history, list(map(self.standings.__getitem__, range(len(self.standings) + 1))))

    def add(self, history: int, standing: Standing, *, finished: bool) -> int:
        """Make a cohort that may be joined, and return its number."""
        self.at.append(self.standings.intern(standing, finished=finished))
        self.history.append(history)
        self.population.append(0)
        self._next.append(0)
        if history >= len(self._first):
            self._first.extend([0] * (history + 1 - len(self._first)))
        cohort = len(self)
        self._open(cohort)
        return cohort

    def version(self, cohort: int) -> int:
        """The version that a cohort is on."""
        return self.standings.version[self.at[cohort]]

    def configuration(self, cohort: int) -> int:
        """The configuration of a cohort, on its version."""
        return self.standings.configuration[self.at[cohort]]

    def finished(self, cohort: int) -> bool:
        """Whether the actors of a cohort take no more events."""
        return bool(self.standings.finished[self.at[cohort]])

    def standing(self, cohort: int) -> Standing:
        """Where a cohort stands. It may be changed: it is the caller's."""
        return self.standings[self.at[cohort]]

    def put(self, cohorts: Sequence[int], standing: Standing, *, finished: bool) -> None:
        """Let cohorts that stand alike stand elsewhere."""
        before, number = self.at[cohorts[0]], self.standings.intern(standing, finished=finished)
        self.put_anew += 1
        for cohort in cohorts:
            self.at[cohort] = number
        if self._agree(before, number):
            return
        for cohort in cohorts:
            if finished:
                self._close(cohort)
            else:
                self._open(cohort)

    def find(self, version: int, history: int, configuration: int) -> int | None:
        """The cohort that an actor of which these are known joins, if there is one that may be joined."""
        standings, at = self.standings, self.at
        cohort = self._first[history] if history < len(self._first) else 0
        while cohort:
            number = at[cohort]
            if standings.version[number] == version and standings.configuration[number] == configuration:
                if cohort > self._changed.get(version, 0):
                    return cohort
                if self.population[cohort] and not standings.finished[number]:
                    return cohort
                self._close(cohort)
                return None
            cohort = self._next[cohort]
        return None

    def remember(self, cohort: int, symbol: int, target: int) -> None:
        """Keep in the memo where an event leads. Dropped when full."""
        if len(self.after_event) >= REMEMBERED:
            self.after_event.clear()
        self.after_event[cohort << 32 | symbol] = target

    def routes_changed(self, version: int) -> None:
        """Forget what a change of the routes of ``version`` makes stale; see the rules above."""
        self.after_event.clear()
        self.after_spawn.clear()
        self._changed[version] = len(self)

    def members(self, version: int) -> array[int]:
        """The cohorts of ``version`` that have actors, in ascending order."""
        return evaluator.members(self, self.standings.flags(lambda number: self.standings.version[number] == version))

    def waiting(self, route: int) -> array[int]:
        """The cohorts that wait for a route and have actors, in ascending order."""
        standings = self.standings
        waits = standings.flags(lambda number: standings.waiting[number] == route and not standings.finished[number])
        return evaluator.members(self, waits)

    def live(self, version: int, histories: int) -> Crowd:
        """The actors of ``version`` that have not finished, by history; ``histories`` is how many there are."""
        standings = self.standings
        live = standings.flags(lambda number: standings.version[number] == version and not standings.finished[number])
        return evaluator.populate(self, live, histories)

    def inhabited(self) -> int:
        """How many cohorts have actors."""
        return evaluator.inhabited(self)

    def _kinds(self) -> array[int]:
        """For each standing where nothing has finished, the first that agrees with it; 0 for the others."""
        standings, first = self.standings, dict[tuple[int, int], int]()
        places = zip(standings.version, standings.configuration, strict=True)
        kinds = array("I", (first.setdefault(place, number) for number, place in enumerate(places)))
        for number in compress(count(), standings.finished):
            kinds[number] = 0
        return kinds

    def _agree(self, one: int, other: int) -> bool:
        """Whether two standings, given by number, are of one version and configuration."""
        version, configuration = self.standings.version, self.standings.configuration
        return version[one] == version[other] and configuration[one] == configuration[other]

    def _open(self, cohort: int) -> None:
        """Let a cohort be found where it stands, and no other one of its history that stands there too."""
        node, at = self.history[cohort], self.at[cohort]
        if self._first[node] in (0, cohort) and not self._next[cohort]:  # as nearly always
            self._first[node] = cohort
            return
        others = [other for other in self._chain(node) if other != cohort and not self._agree(self.at[other], at)]
        self._link(node, [cohort, *others])

    def _close(self, cohort: int) -> None:
        """Let a cohort not be found any more."""
        node = self.history[cohort]
        self._link(node, [other for other in self._chain(node) if other != cohort])

    def _chain(self, node: int) -> Iterator[int]:
        cohort = self._first[node]
        while cohort:
            yield cohort
            cohort = self._next[cohort]

    def _link(self, node: int, cohorts: list[int]) -> None:
        """Make the chain of a history anew."""
        following = 0
        for cohort in reversed(cohorts):
            self._next[cohort], following = following, cohort
        self._first[node] = following
