"""What a configuration offers to whoever asks which event to send next."""

from collections.abc import Sequence

from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.configuration import Configuration
from statekeep.daemon.statecharts.nodes import Transition
from statekeep.daemon.statecharts.transitions import active_children, select_transitions

_ANY_OTHER = "\0"
"""Stands for an event type that no definition names."""


def offers(chart: Chart, configuration: Configuration, internal: Sequence[str] = ()) -> list[str]:
    """The event descriptors that lead somewhere or run an action, deepest states first; wildcards are given as such.

    Left out is what is there only to forbid an event, and what a deeper state takes or forbids. Of XState's own events
    those are given whose type begins with one of ``internal``.
    """
    if configuration.status != "active":
        return []
    children = active_children(configuration.nodes)
    deepest_first = sorted(children, key=lambda node: (-len(node.keys), node.order))
    descriptors = dict.fromkeys(descriptor for node in deepest_first for descriptor in node.enabled)

    def offered(descriptor: str) -> bool:
        if descriptor.startswith("xstate.") and not descriptor.startswith(tuple(internal)):
            return False
        event_type = descriptor[:-1] + _ANY_OTHER if descriptor.endswith("*") else descriptor
        selected = select_transitions(chart.root, children, event_type, None)
        return any(not _forbids(found) and found.event == descriptor for found in selected)

    return [descriptor for descriptor in descriptors if offered(descriptor)]


def _forbids(transition: Transition) -> bool:
    return transition.targets is None and not transition.config.get("actions")
