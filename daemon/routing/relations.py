"""Relations and landings of one history at a time: the rule as an event needs it.

A deploy judges all histories at once, in C. An event makes one history longer by one, so the state of a path after it
follows from the state before it in one step; the states of recent histories are kept for that.
"""

from collections.abc import Callable

from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.paths import Relation, State
from statekeep.daemon.routing.replaying import TransitionTable, replay
from statekeep.daemon.routing.rule import Landing, Route, Routes, Standing, settle

KEPT = 100_000
"""States that are kept, about 15 MB; beyond it all are dropped and found again by walking up the trie."""


class Relations:
    """Judges single histories."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        self._states: dict[int, State] = {}

    def relation(self, route: Route, node: int) -> Relation:
        """How the history ``node`` stands to the path of ``route``."""
        parent, symbol, path = self._histories.parent, self._histories.symbol, route.path
        ahead: list[int] = []
        at = node
        while (state := self._states.get(route.child << 32 | at)) is None:
            if at == 0:
                state = path.start
                break
            ahead.append(symbol[at])
            at = parent[at]
        for event in reversed(ahead):
            state = path.advance(state, event)
        if len(self._states) > KEPT:
            self._states.clear()
        self._states[route.child << 32 | node] = state
        return path.judge(state)

    def landing(self, node: int, route: Route, before: int, table: TransitionTable) -> Landing:
        """Where ``route`` lands the history ``node`` from the configuration ``before``; ``table`` is the child's."""
        if route.jumps is not None:
            return Landing(route.jumps.landing(before), 0)
        replayed = replay(table, self._histories.symbols(node))
        return Landing(replayed.configuration, len(replayed.skipped))

    def settle(
        self,
        standing: Standing,
        node: int,
        routes: Routes,
        table_of: Callable[[int], TransitionTable],
        *,
        resumed: bool,
    ) -> None:
        """Apply the routing rule to the history ``node``; see ``rule.settle``."""
        settle(
            standing,
            routes,
            lambda route: self.relation(route, node),
            lambda route, before: self.landing(node, route, before, table_of(route.child)),
            resumed=resumed,
        )
