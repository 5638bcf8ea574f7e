"""What one route would decide about histories that are given as text: the rule itself, one history at a time.

For those who have no daemon at hand. Only this route is asked: nothing is known here of siblings that come before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from statekeep.daemon.routing.paths import Path, PathTooLong
from statekeep.daemon.routing.replaying import STUCK, Jumps, Replay, TransitionTable, replay
from statekeep.daemon.routing.rule import Landing, Outcome, Route, Routes, Standing, settle
from statekeep.protocol.records import Outcome as OutcomeName

__all__ = ["PathTooLong", "Rehearsal", "Rehearsed"]

_PARENT, _CHILD = 1, 2


class Rehearsed(NamedTuple):
    """What the route does about one history."""

    outcome: OutcomeName
    landing: int | None
    """The configuration that it lands in, if it migrates."""
    skipped: list[str]
    """The events that the new definition does not handle, if the path matches."""
    ends: bool
    """False if the path matches and the replay has a step that does not end, or the state map has no landing."""


class Rehearsal:
    """A route to a new version, with the symbols of the path and of all histories that it is asked about."""

    def __init__(self, path: Sequence[str], *, strict: bool, jumps: Jumps | None = None) -> None:
        """``strict`` and ``jumps`` are the landing policy. Raises ``PathTooLong``."""
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self.path = Path.parse(path, self.symbol)
        self._routes = Routes()
        self._routes.add(Route(_CHILD, _PARENT, self.path, strict, deployed=1, jumps=jumps))

    def symbol(self, event_type: str) -> int:
        """The symbol of an event type."""
        number = self._numbers.setdefault(event_type, len(self._names))
        if number == len(self._names):
            self._names.append(event_type)
        return number

    def event_type(self, symbol: int) -> str:
        """What a symbol stands for: the transition table that is passed to ``judge`` asks for it."""
        return self._names[symbol]

    def judge(self, history: Sequence[str], table: TransitionTable, before: int = 0) -> Rehearsed:
        """Decide about an actor with this history that has not finished; ``before`` is for the state map."""
        symbols = [self.symbol(event) for event in history]
        replayed = Replay(table.initial, [])

        def land(route: Route, before: int) -> Landing:
            nonlocal replayed
            jumps = route.jumps
            replayed = replay(table, symbols) if jumps is None else Replay(jumps.landing(before), [])
            return Landing(replayed.configuration, len(replayed.skipped))

        relation = self.path.relation(symbols)
        standing = settle(Standing(_PARENT, before), self._routes, lambda _: relation, land, resumed=False)
        outcome = standing.judgements[0].outcome
        return Rehearsed(
            cast(OutcomeName, outcome.name.lower()),
            standing.configuration if outcome is Outcome.MIGRATED else None,
            [self._names[symbol] for symbol in replayed.skipped],
            replayed.configuration != STUCK,
        )
