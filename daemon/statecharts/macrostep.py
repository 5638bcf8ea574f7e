"""One event taken to its end: SCXML's interpretation loop, as XState runs it.

A macrostep is a row of microsteps: the event's transitions first, then eventless ones as long as they change
something, then the queued ``xstate.done.state`` events one by one, each again followed by eventless transitions.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Sequence

from statekeep.daemon.statecharts.entry import EntrySet
from statekeep.daemon.statecharts.errors import Unending
from statekeep.daemon.statecharts.nodes import Node, Transition, document_order
from statekeep.daemon.statecharts.transitions import (
    History,
    active_children,
    select_eventless_transitions,
    select_transitions,
    without_conflicts,
)

ENTRIES_PER_MICROSTEP = 16
"""The limit of microsteps times this is the limit of states entered: a microstep of a thousand regions is long."""

_PATIENCE = 8
"""Microsteps before a run starts to compare where it stands with where it has been; few events take as many."""


class Macrostep:
    """The working state between the first microstep and rest."""

    def __init__(self, root: Node, nodes: Iterable[Node], history: History, microsteps: int) -> None:
        self.nodes: dict[Node, None] = dict.fromkeys(nodes)
        """The active nodes in the order in which they were entered."""
        self.history = history
        self.done = False
        self.exited: list[Node] = []
        self.entered: list[Node] = []
        self._root = root
        self._microsteps = microsteps
        self._entries = microsteps * ENTRIES_PER_MICROSTEP
        self._queue: deque[str] = deque()
        """Types of the done events that wait."""

    def select(self, event_type: str, to: str | None = None) -> list[Transition]:
        return select_transitions(self._root, active_children(self.nodes), event_type, to)

    def run(self) -> None:
        """Take eventless transitions and queued events until nothing is left to do.

        Raises:
            Unending: the limit is reached, or all is as it was after an earlier microstep.
        """
        changed = True
        seen = set()
        for count in itertools.count():
            if self.done:
                return
            if changed and count >= _PATIENCE:
                now = (tuple(self.nodes), tuple(self.history.items()), tuple(self._queue))
                if now in seen:
                    raise Unending(len(self.entered))
                seen.add(now)
            transitions = select_eventless_transitions(self.nodes) if changed else []
            if transitions:
                changed = self.microstep(transitions)
            elif self._queue:
                self.microstep(self.select(self._queue.popleft()))
                changed = True
            else:
                return

    def microstep(self, transitions: Sequence[Transition]) -> bool:
        """Leave and enter what the transitions say; return whether XState sees a change."""
        self._microsteps -= 1
        if self._microsteps < 0 or len(self.entered) > self._entries:
            raise Unending(len(self.entered))
        kept = without_conflicts(transitions, self.nodes, self.history)
        nodes, history = self.nodes, self.history
        self.nodes = dict.fromkeys(nodes)
        self._exit_states({node for leaves in kept.values() for node in leaves})
        entry = EntrySet(self.history)
        for transition in kept:
            entry.add_transition(transition)
        restarted = self.enter_states(entry)
        if self.history is history and self.nodes.keys() == nodes.keys():
            self.nodes = nodes
            return restarted or self.done
        return True

    def _exit_states(self, leaves: Iterable[Node]) -> None:
        exited = sorted(leaves, key=document_order, reverse=True)
        recorded: dict[Node, tuple[Node, ...]] = {}
        for node in exited:
            records = {deep: self._record(node, deep=deep) for deep in {history.deep for history in node.histories}}
            recorded.update((history, records[history.deep]) for history in node.histories)
        if recorded:
            self.history = {**self.history, **recorded}
        for node in exited:
            self.nodes.pop(node, None)
        self.exited += exited

    def _record(self, left: Node, *, deep: bool) -> tuple[Node, ...]:
        """What the history nodes of a state remember when it is left."""
        if deep:
            found = [node for node in self.nodes if node.atomic and node.is_descendant_of(left)]
        else:
            found = [node for node in self.nodes if node.parent is left]
        return tuple(sorted(found, key=document_order))

    def enter_states(self, entry: EntrySet) -> bool:
        """Enter what was found, in document order; return whether an actor was started: a change to XState."""
        entered = sorted(entry.nodes, key=document_order)
        completion = _Completion(self.nodes)
        for node in entered:
            self.nodes[node] = None
            if node.kind == "final":
                self._enter_final(node, completion)
        self.entered += entered
        if self.done:
            self.exited += sorted(self.nodes, key=document_order, reverse=True)
        return any(node.actors for node in entered)

    def _enter_final(self, node: Node, completion: "_Completion") -> None:
        parent = node.parent
        if parent is None:
            self.done = True
            return
        if parent.kind == "compound":
            self._queue.append(f"xstate.done.state.{parent.id}")
        ancestor = parent if parent.kind == "parallel" else parent.parent
        while ancestor is not None and ancestor.kind == "parallel" and completion.completes(ancestor):
            self._queue.append(f"xstate.done.state.{ancestor.id}")
            ancestor = ancestor.parent
        if ancestor is None:
            self.done = True


class _Completion:
    """Which parallel states have all regions final, while nodes are being entered one after another."""

    def __init__(self, nodes: dict[Node, None]) -> None:
        self._nodes = nodes
        self._reported: set[Node] = set()
        self._final_regions: dict[Node, int] = {}
        """How many regions were seen to be final, from the first. Nodes only come in, so this never falls."""

    def completes(self, parallel: Node) -> bool:
        """True once for each parallel state: when its last region has become final."""
        if parallel in self._reported or not self._is_in_final_state(parallel):
            return False
        self._reported.add(parallel)
        return True

    def _is_in_final_state(self, node: Node) -> bool:
        if node.kind == "compound":
            return any(child.kind == "final" and child in self._nodes for child in node.children)
        if node.kind == "parallel":
            seen = self._final_regions.get(node, 0)
            while seen < len(node.children) and self._is_in_final_state(node.children[seen]):
                seen += 1
            self._final_regions[node] = seen
            return seen == len(node.children)
        return node.kind == "final"
