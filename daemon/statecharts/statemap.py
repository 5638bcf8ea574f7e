"""Landing by a state map: from the states that an actor is in to states of another definition, without a replay.

A map has an entry for each leaf of the old definition that an actor may be in: the path of the state of the new one
that takes its place, or None where the actor shall stay. An actor in several regions is in several leaves, and lands
in the states that they name together; it stays if one of them does. States are entered as XState enters the targets of
a transition: with the initial states inside and beside them, then eventless transitions. What the history states of
the old definition had recorded is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final

from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.configuration import Configuration
from statekeep.daemon.statecharts.errors import Unending
from statekeep.daemon.statecharts.findings import Findings, member, nearest
from statekeep.daemon.statecharts.nodes import Node
from statekeep.daemon.statecharts.starting import leaves
from statekeep.daemon.statecharts.structure import conflict
from statekeep.daemon.statecharts.table import STUCK, Table
from statekeep.daemon.statecharts.targets import spelled, split
from statekeep.protocol.records import Finding, StateValue

KEPT: Final = 0xFFFFFFFD
"""Stands for a configuration where actors are to stay."""

_AT: Final = "$.landing.map"
_LISTED: Final = 300
"""Characters of a list of states in a hint."""


class NoLanding(Exception):
    """The map has no landing for a state."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(state, reason)
        self.state = state
        """Its leaves, for people."""
        self.reason = reason


class StateMap:
    """A map onto the states of ``child``. Its texts are paths as in an XState target: a backslash escapes a dot."""

    def __init__(self, child: Chart, names: Mapping[str, str | None]) -> None:
        self._child = child
        self._names = names
        self._targets = {tuple(split(old)): new for old, new in names.items()}

    def land(self, state: StateValue) -> Configuration | None:
        """Where actors in ``state`` go; None: they stay.

        Raises:
            NoLanding: a leaf is not named, the states cannot be active together, or do not come to rest.
        """
        here = leaves(state)
        where = " + ".join(map(spelled, here))
        if any(leaf in self._targets and self._targets[leaf] is None for leaf in here):
            return None
        unnamed = [spelled(leaf) for leaf in here if leaf not in self._targets]
        if unnamed:
            raise NoLanding(where, f"the map does not name {', '.join(unnamed)}")
        found = (_find(self._child, self._targets[leaf] or "") for leaf in here)
        targets = list(dict.fromkeys(node for node in found if node is not None))
        problem = conflict(targets)
        if problem is not None:
            raise NoLanding(where, problem.message)
        try:
            return self._child.enter(*targets).configuration
        except Unending:
            entered = " + ".join(spelled(node.keys) for node in targets)
            raise NoLanding(where, f"entered in {entered}, the machine does not come to rest") from None

    def check(self, parent: Chart | None) -> list[Finding]:
        """What is wrong with the entries, whoever is where. Without ``parent`` the leaves are taken as they are."""
        findings = Findings()
        for old, new in self._names.items():
            if parent is not None:
                _check_leaf(parent, old, findings)
            if new is not None:
                _check_target(self._child, old, new, findings)
        return findings.all()

    def unnamed(self, parent: Chart) -> list[str]:
        """The leaves of ``parent`` without an entry in which an actor may be that has not finished."""
        return [
            spelled(leaf.keys)
            for leaf in _leaves_of(parent.root, parent)
            if leaf.keys not in self._targets and not (leaf.kind == "final" and leaf.parent is parent.root)
        ]


def _find(chart: Chart, path: str) -> Node | None:
    node: Node | None = chart.root
    for key in split(path):
        node = None if node is None else node.states.get(key)
    return node


def _leaves_of(top: Node, chart: Chart) -> list[Node]:
    """The leaves from ``top`` down."""
    return [node for node in chart.nodes[top.order : top.last + 1] if node.atomic and node.parent is not None]


def _check_leaf(parent: Chart, old: str, findings: Findings) -> None:
    node, at = _find(parent, old), member(_AT, old)
    if node is None:
        _report("unknown_state", at, old, parent, _leaves_of(parent.root, parent), findings)
    elif not node.atomic:
        inside = ", ".join(spelled(leaf.keys) for leaf in _leaves_of(node, parent))
        hint = f"name the states inside: {inside:.{_LISTED}}" if inside else "name the state that an actor is in"
        findings.error("not_a_leaf", at, f"no actor is in {old!r} alone", hint)


def _check_target(child: Chart, old: str, new: str, findings: Findings) -> None:
    node, at = _find(child, new), member(_AT, old)
    if node is None:
        known = [node for node in child.nodes if node.parent is not None and node.kind != "history"]
        _report("unknown_target", at, new, child, known, findings)
    elif node.kind == "history":
        hint = "name the state to be in; what the old definition's history states recorded is forgotten"
        findings.error("history_target", at, f"{new!r} is a history state", hint)


def _report(code: str, at: str, name: str, chart: Chart, nodes: list[Node], findings: Findings) -> None:
    advice = _advice(name, nodes) if findings.shows_more("error", code) else ""
    findings.error(code, at, f"{chart.id!r} has no state {name!r:.80}", advice)


def _advice(name: str, nodes: list[Node]) -> str:
    known = [spelled(node.keys) for node in nodes]
    ending = [path for path in known if path.endswith(f".{name}")]
    meant = ending[0] if ending else nearest(name, known)
    if meant:
        return f"did you mean {meant!r}?"
    return f"there are: {', '.join(known):.{_LISTED}}" if known else "it has no states"


class Jumps:
    """A state map by the numbers of configurations, each worked out once."""

    def __init__(
        self, state_of: Callable[[int], StateValue], table: Callable[[], Table], names: Mapping[str, str | None]
    ) -> None:
        """``state_of`` gives the state of a configuration of the old version, ``table`` the new version's table."""
        self._state_of = state_of
        self._table = table
        self._names = names
        self._landings: dict[int, int] = {}

    @cached_property
    def state_map(self) -> StateMap:
        return StateMap(self._table().chart, self._names)

    def landing(self, before: int) -> int:
        """The number of the configuration where ``before`` lands; ``KEPT``, or ``STUCK`` where there is no landing."""
        if before not in self._landings:
            self._landings[before] = self._land(before)
        return self._landings[before]

    def _land(self, before: int) -> int:
        try:
            landed = self.state_map.land(self._state_of(before))
        except NoLanding:
            return STUCK
        return KEPT if landed is None else self._table().intern(landed)
