"""Where a machine stands: the active nodes, the recorded history and the status, as one hashable value."""

from collections.abc import Iterable, Mapping
from typing import Any

from statekeep.daemon.statecharts.nodes import Node, document_order, proper_ancestors
from statekeep.daemon.statecharts.transitions import History, active_children
from statekeep.protocol.records import StateValue, Status


class Configuration:
    """A state of one chart; equal configurations behave alike for ever.

    XState keeps the active nodes in the order in which they were entered, and that order decides between eventless
    transitions in conflict. It is kept here only where it can decide something, so that machines which merely took
    another way to the same state share one configuration.
    """

    __slots__ = ("_hash", "_paths", "_tags", "_value", "history", "nodes", "status")

    def __init__(self, nodes: Iterable[Node], history: History, status: Status) -> None:
        self.nodes = _without_idle_order(tuple(nodes))
        self.history: History = history
        self.status: Status = status
        self._value: StateValue | None = None
        self._tags: list[str] | None = None
        self._paths: frozenset[str] | None = None
        records = tuple(sorted(history.items(), key=lambda item: item[0].order))
        self._hash = hash((self.nodes, records, status))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Configuration)
            and self.nodes == other.nodes
            and self.history == other.history
            and self.status == other.status
        )

    def __repr__(self) -> str:
        return f"<Configuration {self.value!r} {self.status}>"

    @property
    def root(self) -> Node:
        """The machine itself."""
        return [self.nodes[0], *proper_ancestors(self.nodes[0], None)][-1]

    @property
    def value(self) -> StateValue:
        """XState's ``snapshot.value``. Made once and shared, like ``tags``: do not change it."""
        if self._value is None:
            self._value = _value(self.root, active_children(self.nodes))
        return self._value

    @property
    def tags(self) -> list[str]:
        """The tags of all active nodes, sorted."""
        if self._tags is None:
            self._tags = sorted({tag for node in self.nodes for tag in node.tags})
        return self._tags

    @property
    def paths(self) -> frozenset[str]:
        """The dotted key path of every active node below the root, parents and leaves."""
        if self._paths is None:
            self._paths = frozenset(node.path for node in self.nodes if node.parent is not None)
        return self._paths

    @property
    def output(self) -> Any:
        """What the definition gives as the machine's output, once it is done; else None."""
        return self.root.config.get("output") if self.status == "done" else None


def _value(node: Node, children: Mapping[Node, list[Node]]) -> StateValue:
    below = children[node]
    if node.kind == "compound" and below and below[0].atomic:
        return below[0].key
    return {child.key: _value(child, children) for child in below}


def _without_idle_order(entered: tuple[Node, ...]) -> tuple[Node, ...]:
    """Document order, but for the atomic nodes that eventless transitions are asked of, which keep theirs.

    Children that stand in another order than the document's decide by it too: which region comes first, or which of
    two children is shown. Only XState's defects around history targets bring that about; then everything is kept.
    """
    ordered = tuple(sorted(entered, key=document_order))
    if ordered == entered:
        return entered
    latest: dict[Node | None, int] = {}
    for node in entered:
        if node.order < latest.get(node.parent, -1):
            return entered
        latest[node.parent] = node.order
    restless = iter([node for node in entered if node.restless and node.atomic])
    return tuple(next(restless) if node.restless and node.atomic else node for node in ordered)
