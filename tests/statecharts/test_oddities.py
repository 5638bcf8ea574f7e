"""Corners of XState 5.33.3 that the recorded sets do not reach; what is expected was recorded from it."""

from typing import Any

import pytest

from statekeep.daemon.statecharts import Unending, load, trace


def states(definition: dict[str, Any], *events: str) -> list[tuple[Any, bool]]:
    """Value and handled, at the start and after each event."""
    return [(step["value"], step["handled"]) for step in trace(load(definition), events)]


def test_a_star_before_the_last_token_matches_nothing() -> None:
    """Not even itself, unless the descriptor is sent as it stands."""
    definition = {"initial": "a", "states": {"a": {"on": {"a.*.b.*": "b"}}, "b": {}}}
    assert states(definition, "a.x.b.c", "a.*.b.c", "a.*.b.*") == [
        ("a", False),
        ("a", False),
        ("a", False),
        ("b", True),
    ]


def test_children_of_an_atomic_state_can_be_entered_but_take_nothing() -> None:
    """The value does not show them, and selection walks the value."""
    inside = {"x": {"on": {"E": "y"}}, "y": {}}
    definition = {"initial": "a", "states": {"a": {"type": "atomic", "states": inside, "on": {"IN": ".x"}}}}
    assert states(definition, "IN", "E") == [("a", False), ("a", True), ("a", False)]


def test_of_two_active_children_the_one_entered_first_is_shown() -> None:
    """An initial history state may lead elsewhere without leaving what is active there."""
    one = {"initial": "b", "states": {"a": {"on": {"A": "b"}}, "b": {"on": {"B": "a"}}}}
    inner = {"initial": "h", "states": {"h": {"type": "history", "target": "#m.one.a"}, "k": {}}}
    two = {"initial": "x", "states": {"x": {"on": {"E": "c"}}, "c": inner}}
    definition = {"id": "m", "type": "parallel", "states": {"one": one, "two": two}}
    assert states(definition, "E", "B", "A") == [
        ({"one": "b", "two": "x"}, False),
        ({"one": "b", "two": {"c": {"h": {}}}}, True),
        ({"one": "a", "two": {"c": {"h": {}}}}, True),
        ({"one": "b", "two": {"c": {"h": {}}}}, True),
    ]


def test_a_record_that_leads_back_to_itself_does_not_end() -> None:
    """The default of another history state becomes active and records itself; XState's stack overflows."""
    inner = {
        "initial": "h",
        "states": {"h": {"type": "history", "target": "k"}, "k": {"type": "history", "target": "x"}, "x": {}},
    }
    definition = {"initial": "c", "states": {"c": {**inner, "on": {"OUT": "z"}}, "z": {"on": {"BACK": "c.k"}}}}
    chart = load(definition)
    away = chart.step(chart.initial().configuration, "OUT").configuration
    with pytest.raises(Unending):
        chart.step(away, "BACK")
