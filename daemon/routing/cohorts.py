"""Cohorts: all actors with the same version, history and configuration.

The invariant: *an actor's configuration is its whole recorded history replayed on the definition of its present
version.* True at spawn, where there is nothing to replay; an event is recorded only if the configuration handles it,
and then its step is the next step of the replay; a landing is the replay by definition. So (version, history) decides
the configuration, however the actor got there, and one row can stand for all actors that share the two. An actor
only says which cohort it is in; a deploy moves cohorts.

On a version that lands by a state map the replay starts anew at each jump: there, actors of one history may stand in
several configurations, and so in several cohorts. Where the three agree, nothing that is still to come depends on more:
a path looks at the history, a replay at the history, a map at the configuration.

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
from collections.abc import Iterable, Sequence
from itertools import chain, compress, count
from operator import and_, not_

from statekeep.daemon.routing.evaluator import ActorColumns, Wanted, census, choose, members, tally
from statekeep.daemon.routing.rule import Standing

REMEMBERED = 200_000
"""Entries of the memo, about 20 MB. To drop them takes 30 ms, in which everybody waits."""

_EVER = 2**64 - 1
"""No event has a position as high."""


class Cohorts:
    """The columns of all cohorts, by cohort number from 1, and how actors find them.

    ``version``, ``history`` (a node of the trie), ``configuration``, ``waiting`` and ``rescued`` (see ``Standing``)
    are what is on disk; ``finished`` (0 or 1) follows from the configuration, ``population`` from the actors.
    """

    def __init__(self) -> None:
        self.version = array("I", [0])
        self.history = array("I", [0])
        self.configuration = array("I", [0])
        self.waiting = array("I", [0])
        self.rescued = array("I", [0])
        self.population = array("I", [0])
        self.finished = bytearray(1)
        self.after_event: dict[int, int] = {}
        """The memo: (cohort << 32 | symbol) -> the cohort that this event leads to. See ``remember``."""
        self.after_spawn: dict[int, int] = {}
        """The memo of spawns: version -> the cohort that an actor spawned on it joins."""
        self._open: dict[int, int] = {}
        """Version, history and configuration (``_key``) -> the cohort to join, unless ``find`` finds it stale."""
        self._changed: dict[int, int] = {}
        """The last cohort that was there when the routes of a version last changed."""
        self._all = array("I")
        """Every cohort's number, as far as they were needed."""

    def __len__(self) -> int:
        return len(self.version) - 1

    def restore(self, rows: Iterable[Sequence[int]], actors: ActorColumns, finished: Iterable[tuple[int, int]]) -> None:
        """Take over what is on disk, a column at a time.

        ``rows`` are (version, history, configuration, waiting, rescued) in order of number, ``finished`` are the
        (version, configuration) that take no more events.
        """
        flat = array("I", chain.from_iterable(rows))
        columns = (self.version, self.history, self.configuration, self.waiting, self.rescued)
        for place, column in enumerate(columns):
            column.extend(flat[place :: len(columns)])
        self.population = census(actors, Wanted(b"\0" + b"\1" * len(self), 0, _EVER))
        passes = [bytearray() for _ in range(max(self.version) + 1)]
        for version, configuration in finished:
            if version < len(passes):
                of_version = passes[version]
                of_version.extend(bytes(configuration + 1 - len(of_version)))
                of_version[configuration] = 1
        self.finished = choose(self, passes, self.rescued, needs_rescue=None)
        is_open = map(and_, map(bool, self.population), map(not_, self.finished))
        found = compress(zip(count(), self.version, self.history, self.configuration, strict=False), is_open)
        self._open = {(version << 32 | history) << 32 | number: cohort for cohort, version, history, number in found}

    def add(self, history: int, standing: Standing, *, finished: bool) -> int:
        """Make a cohort that may be entered, and return its number."""
        cohort = self._append(history, standing, finished=finished)
        self._open[self._key(cohort)] = cohort
        return cohort

    def standing(self, cohort: int) -> Standing:
        """Where a cohort stands."""
        return Standing(self.version[cohort], self.configuration[cohort], self.waiting[cohort], self.rescued[cohort])

    def put(self, cohorts: Sequence[int], standing: Standing, *, finished: bool) -> None:
        """Let cohorts that stand alike stand elsewhere."""
        before, history, is_open = self.standing(cohorts[0]), self.history, self._open
        for column, value in ((self.waiting, standing.waiting), (self.rescued, standing.rescued)):
            for cohort in cohorts:
                column[cohort] = value
        if (before.version, before.configuration) == (standing.version, standing.configuration):
            return
        left, joined = (at.version << 64 | at.configuration for at in (before, standing))
        for cohort in cohorts:
            node = history[cohort] << 32
            if is_open.get(left | node) == cohort:
                del is_open[left | node]
            self.version[cohort], self.configuration[cohort] = standing.version, standing.configuration
            self.finished[cohort] = finished
            if not finished:
                is_open[joined | node] = cohort

    def find(self, version: int, history: int, configuration: int) -> int | None:
        """The cohort that an actor of which these are known joins, if there is one that may be entered."""
        key = (version << 32 | history) << 32 | configuration
        cohort = self._open.get(key)
        if cohort is None or cohort > self._changed.get(version, 0):
            return cohort
        if self.finished[cohort] or not self.population[cohort]:
            del self._open[key]
            return None
        return cohort

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
        return members(self, version)

    def census(self, population: array[int] | None = None) -> list[tuple[int, int, int, int, int]]:
        """(actors, finished, configuration, version, rescued), summed over all cohorts that agree in these.

        With a ``population`` that is not the present one, as if that many actors were in each cohort.
        """
        self._all.extend(range(len(self._all), len(self.version)))
        counted = self if population is None else _Peopled(self, population)
        return [line for line in tally(counted, self._all, self.finished, self.version, self.rescued) if line[0]]

    def _key(self, cohort: int) -> int:
        return (self.version[cohort] << 32 | self.history[cohort]) << 32 | self.configuration[cohort]

    def _append(self, history: int, standing: Standing, *, finished: bool) -> int:
        self.version.append(standing.version)
        self.history.append(history)
        self.configuration.append(standing.configuration)
        self.waiting.append(standing.waiting)
        self.rescued.append(standing.rescued)
        self.population.append(0)
        self.finished.append(finished)
        return len(self)


class _Peopled:
    """The columns of cohorts, but for their populations."""

    def __init__(self, cohorts: Cohorts, population: array[int]) -> None:
        self.version = cohorts.version
        self.history = cohorts.history
        self.configuration = cohorts.configuration
        self.waiting = cohorts.waiting
        self.finished = cohorts.finished
        self.population = population
