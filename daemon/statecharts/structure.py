"""What cannot work however the machine is used: targets that exclude each other, and entries that never end."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from statekeep.daemon.statecharts.findings import Findings
from statekeep.daemon.statecharts.nodes import Node, initial_children, least_common_ancestor
from statekeep.daemon.statecharts.transitions import history_default
from statekeep.daemon.statecharts.tree import Tree
from statekeep.daemon.statecharts.wiring import Wiring


def check_structure(tree: Tree, wiring: Wiring, findings: Findings) -> None:
    """Report targets in one compound state, default entries in a ring, and actors of one system id."""
    for transition, path in wiring.paths.items():
        if transition.targets is not None and len(transition.targets) > 1:
            _check_targets(transition.targets, path, findings)
    for node in tree.nodes:
        if node.default is not None and len(node.default) > 1:
            _check_targets(node.default, tree.paths[node], findings)
    _check_default_entry(tree, findings)
    _check_system_ids(tree, findings)


class Conflict(NamedTuple):
    """Why states can't be entered together, and what would be right."""

    message: str
    hint: str


def _check_targets(targets: Sequence[Node], path: str, findings: Findings) -> None:
    found = conflict(targets)
    if found is not None:
        findings.error("conflicting_targets", path, found.message, found.hint)


def conflict(targets: Sequence[Node]) -> Conflict | None:
    """Several targets must lie in different regions of parallel states; XState would make both children active."""
    taken: dict[Node, Node] = {}
    """By compound state, the child through which a target was reached."""
    for target in dict.fromkeys(targets):
        child, parent = target, target.parent
        while parent is not None and taken.get(parent) is not child:
            rival = taken.setdefault(parent, child)
            if rival is not child and parent.kind != "parallel":
                message = f"{child.id!r} and {rival.id!r} cannot both be active: they are children of {parent.id!r}"
                hint = "name one target, or targets in different regions of a parallel state"
                return Conflict(message, hint)
            child, parent = parent, parent.parent
    for target in targets:
        if target in taken:
            message = f"{target.id!r} and a state inside it cannot both be targets"
            return Conflict(message, "name the inner states only")
    return None


def _check_default_entry(tree: Tree, findings: Findings) -> None:
    """An initial state that leads to a history node whose default leads back: XState overflows its stack."""
    finished: set[Node] = set()
    for start in tree.nodes:
        trail: dict[Node, Iterable[Node]] = {}
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node in finished:
                continue
            if node in trail:
                finished.add(node)
                continue
            trail[node] = following = _entered_by_default(node)
            waiting.append(node)
            for other in following:
                if other in trail and other not in finished:
                    message = f"entering {other.id!r} for the first time leads back to itself and never ends"
                    findings.error("endless_entry", tree.paths[other], message, "give the history state another target")
                    return
                waiting.append(other)


def _entered_by_default(node: Node) -> Sequence[Node]:
    return history_default(node) if node.kind == "history" else initial_children(node)


def _check_system_ids(tree: Tree, findings: Findings) -> None:
    """An actor's ``systemId`` must be free when it starts; XState fails on entry otherwise."""
    owners: dict[str, list[Node]] = {}
    for node in tree.nodes:
        for name in node.system_ids:
            for other in owners.setdefault(name, []):
                if _may_be_active_together(node, other):
                    message = f"the systemId {name!r} is also that of an actor of {other.id!r}"
                    findings.error("duplicate_id", f"{tree.paths[node]}.invoke", message, "give each actor its own")
                    break
            owners[name].append(node)


def _may_be_active_together(node: Node, other: Node) -> bool:
    if node is other or node.is_descendant_of(other) or other.is_descendant_of(node):
        return True
    common = least_common_ancestor([node, other])
    return common is not None and common.kind == "parallel"
