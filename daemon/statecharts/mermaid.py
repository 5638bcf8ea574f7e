"""A chart as a Mermaid ``stateDiagram-v2``, for README files and issue trackers."""

from collections.abc import Iterable

from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.labels import transition_label
from statekeep.daemon.statecharts.nodes import Node, Transition


def mermaid(chart: Chart) -> str:
    """The text of the diagram. Transitions that stay where they are have no arrow and are left out."""
    root = chart.root
    leaving = any(_arrows(transition) for candidates in root.candidates.values() for transition in candidates)
    # The machine itself is the whole picture, without a box unless arrows start at it or its regions need one.
    lines = _states([root] if leaving or root.kind == "parallel" else list(root.states.values()), "    ")
    for node in chart.nodes:
        for candidates in node.candidates.values():
            lines += [f"    {arrow}" for transition in candidates for arrow in _arrows(transition)]
    return "\n".join(["stateDiagram-v2", *lines])


def _states(nodes: Iterable[Node], indent: str) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        if lines and node.parent is not None and node.parent.kind == "parallel" and node.kind != "history":
            lines.append(f"{indent}--")
        state = f'{indent}state "{_escaped(_label(node))}" as {_name(node)}'
        if node.states:
            lines += [state + " {", *_states(node.states.values(), indent + "    "), indent + "}"]
        else:
            lines.append(state)
        if node.parent is not None and node.parent.kind == "compound" and node.parent.initial is node:
            lines.append(f"{indent}[*] --> {_name(node)}")
        if node.kind == "final":
            lines.append(f"{indent}{_name(node)} --> [*]")
    return lines


def _arrows(transition: Transition) -> list[str]:
    label = _escaped(transition_label(transition))
    targets = [target for target in transition.targets or () if target.parent is not None]
    return [f"{_name(transition.source)} --> {_name(target)} : {label}" for target in targets]


def _label(node: Node) -> str:
    if node.kind == "history":
        return f"{node.key} (H*)" if node.deep else f"{node.key} (H)"
    return node.key


def _name(node: Node) -> str:
    return f"s{node.order}"


def _escaped(text: str) -> str:
    """Mermaid has entities by number; everything that its grammar might take for its own is written as one."""
    return "".join(
        character if character.isalnum() or character in " _-./()" else f"#{ord(character)};" for character in text
    )
