"""From a definition to the tree of its state nodes. What they do about events is in ``wiring``.

Whatever is wrong is reported and left out, so that one look finds everything. What comes out may be run only if no
error was found.
"""

from typing import get_args

from statekeep.daemon.statecharts import javascript
from statekeep.daemon.statecharts.findings import Findings, Limits, member
from statekeep.daemon.statecharts.nodes import Kind, Node
from statekeep.daemon.statecharts.reading import Object, Reader
from statekeep.daemon.statecharts.vocabulary import check_keys

DEFAULT_MACHINE_ID = "(machine)"


class Tree:
    """The state nodes of a definition, in document order, with ids, kinds and initial states."""

    def __init__(self, definition: Object, limits: Limits, findings: Findings) -> None:
        self.nodes: list[Node] = []
        self.by_id: dict[str, Node] = {}
        self.paths: dict[Node, str] = {}
        """Where each node stands in the definition, as a JSON path."""
        self.is_cut_short = False
        """States beyond the limits were left out."""
        self._limits = limits
        self._findings = findings
        self._reader = Reader(findings)
        self.machine_id = self._reader.text(definition, "id", "$") or DEFAULT_MACHINE_ID
        self.root = self._add(self.machine_id, None, definition, "$")

    def _add(self, key: str, parent: Node | None, config: Object, path: str) -> Node:
        node = Node(key, self._kind(config, path), parent, config)
        node.order = len(self.nodes)
        if parent is not None:
            node.keys = (*parent.keys, key)
        node.path = ".".join(node.keys)
        given = self._reader.text(config, "id", path) if parent else self.machine_id
        node.id = given or ".".join((self.machine_id, *node.keys))
        node.tags = tuple(self._reader.texts(config, "tags", path))
        self.nodes.append(node)
        self.paths[node] = path
        self._claim_id(node, path)
        check_keys(config, "state" if parent else "machine", path, self._findings)
        self._add_states(node, path)
        node.last = len(self.nodes) - 1
        self._set_initial(node, path)
        return node

    def _kind(self, config: Object, path: str) -> Kind:
        given = config.get("type")
        for kind in get_args(Kind):
            if given == kind:
                return kind  # type: ignore[no-any-return]
        if javascript.truthy(given):
            kinds = ", ".join(get_args(Kind))
            self._findings.error("wrong_type", f"{path}.type", f"{given!r:.80} is no type of state", f"one of {kinds}")
        if config.get("states"):
            return "compound"
        return "history" if javascript.truthy(config.get("history")) else "atomic"

    def _claim_id(self, node: Node, path: str) -> None:
        other = self.by_id.setdefault(node.id, node)
        if other is not node:
            at = f"{path}.id" if node.config.get("id") else path
            message = f"the id {node.id!r} is also that of {self.paths[other]}"
            self._findings.error("duplicate_id", at, message, "give each state an id of its own")

    def _add_states(self, node: Node, path: str) -> None:
        states = self._reader.object(node.config, "states", path)
        below = f"{path}.states"
        if states and len(node.keys) >= self._limits.depth:
            message = f"states are nested deeper than {self._limits.depth} levels"
            self._cut_short(below, message)
            return
        for key in javascript.in_key_order(states):
            if len(self.nodes) > self._limits.states:
                if not self.is_cut_short:
                    self._cut_short("$", f"the definition has more than {self._limits.states} states")
                return
            config, at = states[key], member(below, key)
            if not isinstance(config, dict):
                self._reader.wrong(at, config, "a state", "write {} for a state without anything")
            elif not key or key.startswith("#") or key == "__proto__":
                hint = "give the state another key"
                self._findings.error("impossible_key", at, f"XState cannot find a state by the key {key!r}", hint)
            else:
                child = self._add(key, node, config, at)
                node.states[key] = child
                (node.histories if child.kind == "history" else node.children).append(child)

    def _cut_short(self, path: str, message: str) -> None:
        self.is_cut_short = True
        self._findings.error("limit_exceeded", path, message, "split the machine")

    def _set_initial(self, node: Node, path: str) -> None:
        given, at = node.config.get("initial"), f"{path}.initial"
        if not javascript.truthy(given):
            if node.kind == "compound":
                first = next(iter(node.states), None)
                hint = f"add initial: {first!r}" if first else "give it states, or another type"
                message = f"compound state {node.id!r} names no initial state"
                self._findings.error("missing_initial", path, message, hint)
            return
        target = given.get("target") if isinstance(given, dict) else given
        if isinstance(given, dict) and isinstance(target, list) and len(target) == 1:
            target = target[0]
        if not isinstance(target, str):
            self._reader.wrong(at, given, "the key of a child state")
        elif target in node.states:
            node.initial = node.states[target]
        elif target not in self._reader.object(node.config, "states", path):  # else it is wrong itself, and reported
            known = ", ".join(node.states) or "it has none"
            hint = f"name a child by its key: {known:.200}"
            self._findings.error("unknown_initial", at, f"{node.id!r} has no child state {target!r}", hint)
