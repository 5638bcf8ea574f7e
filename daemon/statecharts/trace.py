"""What a row of events does, step by step, as plain data that can be compared with traces of XState itself."""

from collections.abc import Iterable, Mapping
from typing import Any

from statekeep.daemon.statecharts.chart import Chart, Step


def trace(chart: Chart, events: Iterable[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The initial state, then the state after each event.

    An event is its type, or an object with a ``type`` (and with a ``to``, if it is an ``xstate.route``).

    Raises:
        Unending: the machine does not come to rest after one of them.
        ValueError: an event has no type.
    """
    step = chart.initial()
    # The start is no event; nothing was handled.
    steps = [_described(chart, step._replace(handled=False))]
    for event in events:
        event_type, to = _type_and_destination(event)
        step = chart.step(step.configuration, event_type, to)
        steps.append(_described(chart, step))
    return steps


def _type_and_destination(event: object) -> tuple[str, str | None]:
    if isinstance(event, str):
        return event, None
    match event:
        case {"type": str(event_type), "to": str(to)}:
            return event_type, to
        case {"type": str(event_type)}:
            return event_type, None
        case _:
            raise ValueError(f"{event!r:.80} is no event: it has no type")


def _described(chart: Chart, step: Step) -> dict[str, Any]:
    configuration = step.configuration
    described = {
        "value": configuration.value,
        "status": configuration.status,
        "nodes": sorted(node.id for node in configuration.nodes),
        "history": {
            recorder.id: sorted(node.id for node in record) for recorder, record in configuration.history.items()
        },
        "tags": configuration.tags,
        "handled": step.handled,
        "exit": list(step.exited),
        "enter": list(step.entered),
    }
    if configuration.status == "done" and "output" in chart.root.config:
        described["output"] = configuration.output
    return described
