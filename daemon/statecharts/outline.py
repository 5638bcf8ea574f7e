"""A chart as an indented text for the terminal."""

from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.configuration import Configuration
from statekeep.daemon.statecharts.labels import names, printable, state_label, target_label, transition_label
from statekeep.daemon.statecharts.nodes import Node


def outline(chart: Chart, configuration: Configuration | None = None) -> str:
    """States with their transitions below them; with a configuration, its active states are marked with a star."""
    active = frozenset(configuration.nodes) if configuration else frozenset()
    lines = []
    for node in chart.nodes:
        indent = "    " * len(node.keys)
        margin = "" if configuration is None else "  "
        mark = "* " if node in active else margin
        lines.append(f"{mark}{indent}{_headline(node)}")
        lines += [f"{margin}{indent}  {line}" for line in _details(node)]
    return "\n".join(lines)


def _headline(node: Node) -> str:
    notes: list[str] = []
    if node.kind == "history":
        notes.append("deep history" if node.deep else "history")
        notes += [f"else {state_label(target)}" for target in node.default or ()]
    elif node.kind in {"parallel", "final"}:
        notes.append(node.kind)
    if node.parent is not None and node.parent.kind == "compound" and node.parent.initial is node:
        notes.append("initial")
    notes += [f"#{printable(tag)}" for tag in node.tags]
    return printable(node.key) + (f"  ({', '.join(notes)})" if notes else "")


def _details(node: Node) -> list[str]:
    lines = []
    for key in ("entry", "exit"):
        actions = names(node.config.get(key))
        if actions:
            lines.append(f"{key} / {', '.join(actions)}")
    for candidates in node.candidates.values():
        for transition in candidates:
            target = target_label(transition)
            lines.append(transition_label(transition) + (f" -> {target}" if target else ""))
    return lines
