"""A chart as lines, with what is active lit and what history states remember."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from statekeep.tui.cli.blocks import Line, Span, line

if TYPE_CHECKING:
    from statekeep.daemon.statecharts import Chart, Configuration
    from statekeep.daemon.statecharts.nodes import Node


def chart_lines(
    chart: Chart, active: AbstractSet[str] = frozenset(), remembered: Mapping[str, str] | None = None
) -> Iterator[Line]:
    """States with their transitions; ``active`` are dotted paths, ``remembered`` is what history states recorded."""
    from statekeep.daemon.statecharts.labels import names, state_label, target_label, transition_label  # noqa: PLC0415

    for node in chart.nodes:
        lit = node.path in active
        indent = 2 * len(node.keys)
        sign = "●" if lit else "H" if node.kind == "history" else "◼" if node.kind == "final" else "○"
        notes = _notes(node)
        known = (remembered or {}).get(node.path)
        yield line(
            Span(f"{sign} ", "good" if lit else "quiet"),
            Span(state_label(node).rpartition(".")[2], "strong" if lit else ""),
            Span(f"  {', '.join(notes)}" if notes else "", "quiet"),
            Span(f"  remembers {known}" if known else "", "waiting"),
            Span("  here" if lit and node.atomic else "", "good"),
            indent=indent,
        )
        for key in ("entry", "exit"):
            if actions := names(node.config.get(key)):
                yield line(Span(f"{key} / {', '.join(actions)}", "quiet"), indent=indent + 4)
        for candidates in node.candidates.values():
            for transition in candidates:
                target = target_label(transition)
                label = transition_label(transition)
                yield line(
                    Span(label, "waiting" if lit else "quiet"),
                    Span(f" → {target}" if target else " stays", "" if lit else "quiet"),
                    indent=indent + 4,
                )


def _notes(node: Node) -> list[str]:
    notes = []
    if node.kind == "history":
        notes.append("deep history" if node.deep else "history")
    elif node.kind in ("parallel", "final"):
        notes.append(node.kind)
    if node.parent is not None and node.parent.kind == "compound" and node.parent.initial is node:
        notes.append("initial")
    return notes + [f"#{tag}" for tag in node.tags]


def replay(chart: Chart, history: Sequence[str]) -> Configuration:
    """Where a whole history leads on a chart: what an actor of that version is."""
    from statekeep.daemon.statecharts import Unending  # noqa: PLC0415 - with the charts, when they are needed

    configuration = chart.initial().configuration
    for event in history:
        try:
            configuration = chart.step(configuration, event).configuration
        except Unending:
            continue
    return configuration


def remembers(configuration: Configuration) -> dict[str, str]:
    """What each history state has recorded, by its dotted path."""
    return {recorder.path: ", ".join(node.key for node in record) for recorder, record in configuration.history.items()}
