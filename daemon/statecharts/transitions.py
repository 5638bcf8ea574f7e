"""Which transitions an event takes and what they leave: SCXML's ``selectTransitions`` and ``computeExitSet``.

Two rules are XState's own. A parallel state is asked only if none of its regions selected anything. And a transition
whose targets all lie inside its source is internal, whatever the type of the source, unless it says ``reenter``.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from statekeep.daemon.statecharts.nodes import (
    UNRESOLVED,
    Node,
    Transition,
    document_order,
    domain_of,
    initial_descent,
)

History = Mapping[Node, tuple[Node, ...]]
"""What each history node has recorded."""

ActiveChildren = Mapping[Node, list[Node]]


def active_children(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """The tree of active nodes, completed: what ``snapshot.value`` shows.

    A node that has no active child gets its initial ones. Defects of XState around history targets can leave such
    holes; the definition of the value mends them, and selection walks the value.
    """
    children: dict[Node, list[Node]] = {}
    for node in _completed(nodes):
        children.setdefault(node, [])
        if node.parent is not None:
            children.setdefault(node.parent, []).append(node)
    return children


def _completed(nodes: Iterable[Node]) -> Iterable[Node]:
    present = dict.fromkeys(nodes)
    with_child = {node.parent for node in present}
    for node in list(present):
        if node.kind == "compound" and node not in with_child:
            present.update(dict.fromkeys(initial_descent(node)))
        elif node.kind == "parallel":
            for child in node.children:
                if child not in present:
                    present.update(dict.fromkeys(initial_descent(child)))
    for node in list(present):
        ancestor = node.parent
        while ancestor is not None and ancestor not in present:
            present[ancestor] = None
            ancestor = ancestor.parent
    return present


def select_transitions(node: Node, children: ActiveChildren, event_type: str, to: str | None) -> list[Transition]:
    """The transitions that the active nodes from here downwards select, before conflicts are resolved."""
    below = children[node]
    if node.kind == "compound" and below and below[0].atomic:
        inner = below[0].select(event_type, to)
        selected = [] if inner is None else [inner]
    else:
        selected = [found for child in below for found in select_transitions(child, children, event_type, to)]
    if not selected:
        own = node.select(event_type, to)
        if own is not None:
            return [own]
    return selected


def select_eventless_transitions(nodes: Iterable[Node]) -> list[Transition]:
    """The ``always`` transitions to take now, asked for in the order in which the atomic states were entered."""
    enabled: dict[Transition, None] = {}
    for node in nodes:
        if node.restless and node.atomic:
            source: Node | None = node
            while source is not None and source.eventless is None:
                source = source.parent
            if source is not None and source.eventless is not None:
                enabled[source.eventless] = None
    return list(enabled)


def without_conflicts(
    transitions: Sequence[Transition], nodes: Iterable[Node], history: History
) -> dict[Transition, Sequence[Node]]:
    """The transitions to take, each with what it leaves, in document order.

    Of transitions that leave a node in common the first is taken, unless a later one's source lies below its source.
    """
    active = sorted(nodes, key=document_order)
    if len(transitions) == 1:
        return {transitions[0]: _exit_set(transitions[0], active, history)}
    kept: dict[Transition, Sequence[Node]] = {}
    taker: dict[Node, Transition] = {}
    for transition in dict.fromkeys(transitions):
        leaves = _exit_set(transition, active, history)
        rivals = {taker[node] for node in leaves if node in taker}
        if not all(transition.source.is_descendant_of(rival.source) for rival in rivals):
            continue
        for rival in rivals:
            for node in kept.pop(rival):
                del taker[node]
        kept[transition] = leaves
        taker.update(dict.fromkeys(leaves, transition))
    return kept


def _exit_set(transition: Transition, active: Sequence[Node], history: History) -> Sequence[Node]:
    if not transition.targets:
        return ()
    domain = transition_domain(transition, history)
    if domain is None:
        return active
    start = bisect_right(active, domain.order, key=document_order)
    return active[start : bisect_right(active, domain.last, key=document_order)]


def transition_domain(transition: Transition, history: History) -> Node | None:
    """The node whose descendants are left and entered. None: the root too is left and entered."""
    if transition.domain is not UNRESOLVED:
        return transition.domain
    targets = effective_targets(transition.targets, history)
    return domain_of(transition.source, targets, reenter=transition.reenter)


def effective_targets(targets: Iterable[Node] | None, history: History) -> list[Node]:
    """The targets, with each history node replaced by its record, or by its default if it has none."""
    effective: dict[Node, None] = {}
    for target in targets or ():
        if target.kind != "history":
            effective[target] = None
        elif target in history:
            effective.update(dict.fromkeys(history[target]))
        else:
            effective.update(dict.fromkeys(effective_targets(history_default(target), history)))
    return list(effective)


def history_default(node: Node) -> tuple[Node, ...]:
    """Where a history node without a record leads: its ``target``, else as if its parent had been the target."""
    if node.default is not None:
        return node.default
    parent = node.parent
    assert parent is not None
    if parent.kind == "parallel":
        return (parent,)
    return () if parent.initial is None else (parent.initial,)
