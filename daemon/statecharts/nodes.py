"""The parts of a chart: state nodes and transitions, named as in XState and the W3C SCXML algorithm.

Nodes are numbered in document order (a parent before its children), so the descendants of a node are the run of
numbers from ``order + 1`` to ``last``, and "is a descendant of" is a comparison of integers.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final, Literal

Kind = Literal["atomic", "compound", "parallel", "final", "history"]

document_order = attrgetter("order")


class Node:
    """A state node. Everything is set while the chart is built and never changes afterwards."""

    __slots__ = (
        "actors",
        "atomic",
        "candidates",
        "children",
        "config",
        "deep",
        "default",
        "enabled",
        "eventless",
        "histories",
        "id",
        "initial",
        "key",
        "keys",
        "kind",
        "last",
        "order",
        "parent",
        "path",
        "restless",
        "routes",
        "states",
        "system_ids",
        "tags",
        "wildcards",
    )

    def __init__(self, key: str, kind: Kind, parent: "Node | None", config: dict[str, Any]) -> None:
        self.key = key
        self.kind = kind
        self.atomic = kind in {"atomic", "final"}
        self.parent = parent
        self.config = config
        """The definition of this state as it was given: actions, descriptions and the like are shown from here."""
        self.id = ""
        self.keys: tuple[str, ...] = ()
        """The keys from the root down to this node; empty for the root."""
        self.path = ""
        """Dotted key path from the root, for people and filters; empty for the root."""
        self.order = 0
        self.last = 0
        """The order of the last descendant; its own if it has none."""
        self.states: dict[str, Node] = {}
        """By key, in document order, history nodes included."""
        self.children: list[Node] = []
        """The states that can be active: all but the history nodes."""
        self.histories: list[Node] = []
        self.initial: Node | None = None
        self.deep = False
        """Of a history node: it records atomic descendants rather than children."""
        self.default: tuple[Node, ...] | None = None
        """Of a history node: where to go without a record; None means to the parent's initial state."""
        self.candidates: dict[str, list[Transition]] = {}
        """All transitions by event descriptor, guarded ones included; the empty descriptor holds the eventless ones."""
        self.enabled: dict[str, Transition] = {}
        """By descriptor, the first candidate that fires under the guard policy."""
        self.wildcards: list[tuple[str | None, Transition]] = []
        """Enabled wildcards, longest first: ``foo`` for ``foo.*``, None for ``*``."""
        self.routes: dict[str, Transition] = {}
        """Of the root: what ``xstate.route`` does, by the ``#id`` that it names."""
        self.eventless: Transition | None = None
        self.restless = False
        """An eventless transition may be taken while this node is active: its own, or an ancestor's."""
        self.tags: tuple[str, ...] = ()
        self.actors: dict[str, str] = {}
        """What it invokes: the name of the logic by the actor's id."""
        self.system_ids: list[str] = []
        """The ``systemId`` of each actor that has one."""

    def __repr__(self) -> str:
        return f"<Node {self.id}>"

    def is_descendant_of(self, ancestor: "Node | None") -> bool:
        """Properly below ``ancestor``; None stands for a parent of the root, above everything."""
        return ancestor is None or ancestor.order < self.order <= ancestor.last

    def select(self, event_type: str, to: str | None) -> "Transition | None":
        """The first enabled candidate: the exact descriptor's before the wildcards', the longer ones first."""
        if event_type == "xstate.route" and self.routes:
            exact = self.routes.get(to or "")
        else:
            exact = self.enabled.get(event_type)
        if exact is not None:
            return exact
        for prefix, transition in self.wildcards:
            if prefix is None or f"{event_type}.".startswith(f"{prefix}."):
                return transition
        return None


UNRESOLVED: Final = Node("", "history", None, {})
"""Stands for a node that is known only when the history is."""


class Transition:
    """What a state does about an event: where it goes, or that it stays and swallows the event."""

    __slots__ = ("config", "domain", "event", "guard", "reenter", "source", "targets")

    def __init__(
        self, source: Node, event: str, targets: tuple[Node, ...] | None, *, reenter: bool, config: dict[str, Any]
    ) -> None:
        self.source = source
        self.event = event
        """The descriptor it listens to; empty for an eventless one."""
        self.targets = targets
        """None: targetless, the configuration stays as it is."""
        self.reenter = reenter
        self.config = config
        """Actions, guard, description and meta as they were given; shown, never run."""
        self.guard: Any = config.get("guard")
        """Falsy, or what the definition says: a name, or an object with a ``type``."""
        self.domain: Node | None = UNRESOLVED
        """The node whose descendants it leaves and enters, unless that depends on what a history node has recorded."""
        if not any(target.kind == "history" for target in targets or ()):
            self.domain = domain_of(source, targets or (), reenter=reenter)

    def __repr__(self) -> str:
        targets = "" if self.targets is None else ", ".join(target.id for target in self.targets)
        return f"<Transition {self.source.id} {self.event!r} -> {targets}>"


def proper_ancestors(node: Node, top: Node | None) -> list[Node]:
    """The ancestors from the parent up to, and without, ``top``; up to the root if ``top`` is none of them."""
    ancestors: list[Node] = []
    if node is top:
        return ancestors
    ancestor = node.parent
    while ancestor is not None and ancestor is not top:
        ancestors.append(ancestor)
        ancestor = ancestor.parent
    return ancestors


def least_common_ancestor(nodes: Sequence[Node]) -> Node | None:
    """The deepest node that has all of these properly below it."""
    ancestor = nodes[0].parent
    while ancestor is not None and not all(node.is_descendant_of(ancestor) for node in nodes):
        ancestor = ancestor.parent
    return ancestor


def domain_of(source: Node, targets: Sequence[Node], *, reenter: bool) -> Node | None:
    """The node whose descendants a transition leaves and enters: its source, if all targets lie inside.

    Else the least ancestor of all of them. None is above the root, which is then left and entered too.
    """
    if not reenter and all(target is source or target.is_descendant_of(source) for target in targets):
        return source
    common = least_common_ancestor([*targets, source])
    if common is not None or reenter:
        return common
    return (proper_ancestors(source, None) or [source])[-1]


def initial_children(node: Node) -> list[Node]:
    """What is entered directly below the node by default; a history node is named, not resolved."""
    if node.kind == "parallel":
        return node.children
    return [node.initial] if node.kind == "compound" and node.initial is not None else []


def initial_descent(node: Node) -> list[Node]:
    """The node and all that is entered below it by default."""
    found = [node]
    for entered in found:
        found.extend(initial_children(entered))
    return found
