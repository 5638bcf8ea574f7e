"""A state map at its deploy: what is wrong with it, and whom it would leave without a landing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from statekeep.daemon.engine.versions import Forest
from statekeep.daemon.routing.plan import Line
from statekeep.daemon.routing.rule import Outcome
from statekeep.daemon.statecharts import Jumps, NoLanding, StateMap, Table
from statekeep.protocol import errors
from statekeep.protocol.records import Finding, MapLanding

AT = "$.landing.map"
"""Where in the request a map stands."""

SHOWN = 100
"""States without a landing that a refusal names, those with the most actors."""


def map_of(forest: Forest, version: str, landing: MapLanding, parent: int, table: Table) -> Jumps:
    """The map of the version to be, onto ``table``. Raises ``InvalidMap`` if one of its entries is wrong."""
    jumps = forest.jumps(parent, lambda: table, landing.map)
    findings = jumps.state_map.check(forest.table(parent).chart)
    if findings:
        raise errors.InvalidMap(version, findings)
    return jumps


def no_parent(version: str) -> errors.InvalidMap:
    """The refusal of a map without a version to map from."""
    message, hint = "a map says where actors of a parent land, but no parent is named", "name one"
    return errors.InvalidMap(version, [_error("no_parent", message, hint)])


def check_landings(forest: Forest, version: str, parent: int, state_map: StateMap, lines: Iterable[Line]) -> None:
    """Raise ``InvalidMap`` if actors would move now, by a plan of these ``lines``, and have no landing."""
    lost = Counter[tuple[str, str]]()
    for line in lines:
        if line.outcome is Outcome.RESCUE:
            try:
                state_map.land(forest.configuration(parent, line.before).value)
            except NoLanding as problem:
                lost[problem.state, problem.reason] += line.actors
    if lost:
        hint = "map it to a state of the new definition, or to null if these actors shall stay"
        texts = [f"{counted(number)} in {state}: {reason}" for (state, reason), number in lost.most_common(SHOWN)]
        raise errors.InvalidMap(version, [_error("no_landing", text, hint) for text in texts])


def unnamed(forest: Forest, parent: int, state_map: StateMap) -> Iterator[Finding]:
    """A warning about states that the map leaves out, and actors may yet come from."""
    states = state_map.unnamed(forest.table(parent).chart)
    if states:
        yield Finding(
            level="warning",
            code="unnamed_states",
            path="",
            message=f"The map does not name {', '.join(states):.300}: who would move from there later is a rescue.",
            hint="Name every state, or deploy with `once` if nobody shall come over later.",
        )


def counted(number: int) -> str:
    """``1 actor``, ``1,203 actors``."""
    return f"{number:,} actor" + ("s" if number != 1 else "")


def _error(code: str, message: str, hint: str) -> Finding:
    return Finding(level="error", code=code, path=AT, message=message, hint=hint)
