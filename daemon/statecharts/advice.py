"""Warnings: what runs, but probably not as its author thinks."""

from statekeep.daemon.statecharts import javascript
from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.errors import Unending
from statekeep.daemon.statecharts.findings import Findings, member
from statekeep.daemon.statecharts.nodes import Node, initial_children
from statekeep.daemon.statecharts.reading import kind_of
from statekeep.daemon.statecharts.transitions import history_default
from statekeep.daemon.statecharts.tree import Tree
from statekeep.daemon.statecharts.wiring import Wiring

RING_BUDGET = 4_000
"""States entered while rings of eventless transitions are searched: about 40 ms."""


def advise(chart: Chart, tree: Tree, wiring: Wiring, findings: Findings) -> None:
    """Warn of what is ignored here, never happens, or never ends."""
    _warn_of_guards(chart, wiring, findings)
    _warn_of_what_others_send(tree, findings)
    context = chart.root.config.get("context")
    if context is not None and not isinstance(context, dict):
        message = f"the context is {kind_of(context)}, not an object, and is ignored"
        findings.warning("context_ignored", "$.context", message, "give each actor its context when you spawn it")
    reachable = _reachable(chart)
    _warn_of_unreachable(tree, reachable, findings)
    _warn_of_dead_ends(chart, tree, reachable, findings)
    _warn_of_rings(chart, tree, reachable, findings)


def _warn_of_guards(chart: Chart, wiring: Wiring, findings: Findings) -> None:
    if chart.guards == "ignore":
        code, effect = "guard_ignored", "is not run: the transition is taken as if it held"
    else:
        code, effect = "guard_blocks", "is not run: the transition is never taken"
    for transition, path in wiring.paths.items():
        if transition.guard:
            guard = transition.guard if isinstance(transition.guard, str) else transition.guard["type"]
            hint = "let your program decide, and send a different event for each outcome"
            findings.warning(code, f"{path}.guard", f"the guard {guard!r} {effect}", hint)


def _warn_of_what_others_send(tree: Tree, findings: Findings) -> None:
    for node, path in tree.paths.items():
        if isinstance(node.config.get("after"), dict):
            for delay in node.config["after"]:
                if javascript.to_number(delay) is None:
                    message = f"the delay {delay!r} is a name, and nothing here knows how long it is"
                    findings.warning("unknown_delay", member(f"{path}.after", delay), message, "write milliseconds")
        if node.actors:
            message = f"nothing here starts the actors that {node.id!r} invokes, so nothing answers"
            hint = "let your program do the work and send an event of its own about the outcome"
            findings.warning("unanswered_invoke", f"{path}.invoke", message, hint)
        if javascript.truthy(node.config.get("onDone")) and (node.parent is None or not node.children):
            message = "this onDone never fires: " + (
                "the machine itself is done then" if node.parent is None else f"{node.id!r} has no states inside"
            )
            findings.warning("never_fires", f"{path}.onDone", message, "remove it")


def _reachable(chart: Chart) -> set[Node]:
    """The nodes that some row of events may make active, as far as transitions alone tell."""
    active: set[Node] = set()
    entered: set[Node] = set()
    waiting = [(chart.root, True)]
    while waiting:
        node, by_default = waiting.pop()
        if by_default and node not in entered:
            entered.add(node)
            below = history_default(node) if node.kind == "history" else initial_children(node)
            waiting += [(child, True) for child in below]
        if node in active:
            continue
        active.add(node)
        if node.parent is not None:
            waiting.append((node.parent, False))
        if node.kind == "parallel":
            waiting += [(child, True) for child in node.children]
        transitions = [*node.enabled.values(), *node.routes.values(), *([node.eventless] if node.eventless else [])]
        waiting += [(target, True) for transition in transitions for target in transition.targets or ()]
    return active


def _warn_of_unreachable(tree: Tree, reachable: set[Node], findings: Findings) -> None:
    for node in tree.nodes:
        if node not in reachable and node.kind != "history" and node.parent in reachable:
            hint = "remove it, or let a transition lead to it"
            findings.warning("unreachable_state", tree.paths[node], f"nothing leads to the state {node.id!r}", hint)


def _warn_of_dead_ends(chart: Chart, tree: Tree, reachable: set[Node], findings: Findings) -> None:
    if chart.root.routes:
        return
    way_out: dict[Node | None, bool] = {None: False}
    for node in tree.nodes:
        if node.parent is not None and node.parent.kind == "parallel":
            way_out[node] = True  # a region may rest while the others go on
            continue
        transitions = [*node.enabled.values(), *([node.eventless] if node.eventless else [])]
        way_out[node] = way_out[node.parent] or any(transition.targets for transition in transitions)
        if node.kind == "atomic" and node in reachable and node.parent is not None and not way_out[node]:
            message = f"no event leads out of the state {node.id!r}, and it is not final"
            findings.warning("dead_end", tree.paths[node], message, 'add type: "final", or a transition')


def _warn_of_rings(chart: Chart, tree: Tree, reachable: set[Node], findings: Findings) -> None:
    """Enter each state where something happens by itself, everything else at its default, and see whether it ends."""
    spent = 0
    for node in tree.nodes:
        if spent > RING_BUDGET:
            return
        if node not in reachable or not node.atomic or not (node.restless or node.kind == "final"):
            continue
        try:
            spent += len(chart.enter(node).entered)
        except Unending as unending:
            spent += unending.entered
            message = f"entering {node.id!r} never ends: its eventless transitions or done events go in a ring"
            findings.warning(
                "eventless_cycle", tree.paths[node], message, "let an event decide at one point of the ring"
            )
