"""Configurations as values."""

import json

import pytest

from statekeep.daemon.statecharts import load
from statekeep.protocol.records import Guards

REVIEW = {
    "id": "m",
    "initial": "idle",
    "states": {
        "idle": {"tags": "rest", "on": {"GO": "review", "BACK": "review.past"}},
        "review": {
            "type": "parallel",
            "tags": ["busy"],
            "on": {"STOP": "idle"},
            "states": {
                "legal": {"initial": "open", "states": {"open": {"on": {"OK": "closed"}}, "closed": {"tags": "done"}}},
                "money": {"initial": "open", "states": {"open": {"on": {"PAID": "closed"}}, "closed": {}}},
                "past": {"type": "history", "history": "deep"},
            },
        },
    },
}

RESTLESS = {
    "type": "parallel",
    "states": {
        key: {
            "initial": "x",
            "states": {
                "x": {"on": {key.upper(): "y"}},
                "y": {"always": {"target": "y", "reenter": True, "guard": "g"}},
            },
        }
        for key in "ab"
    },
}


def test_it_shows_value_tags_and_paths() -> None:
    """Parents and leaves both have a path; the machine itself has none."""
    configuration = load(REVIEW).initial().configuration
    assert (configuration.value, configuration.tags) == ("idle", ["rest"])
    assert configuration.paths == {"idle"}
    chart = load(REVIEW)
    configuration = chart.step(chart.initial().configuration, "GO").configuration
    assert configuration.value == {"review": {"legal": "open", "money": "open"}}
    assert configuration.paths == {"review", "review.legal", "review.legal.open", "review.money", "review.money.open"}


def test_ways_that_make_no_difference_lead_to_one_configuration() -> None:
    """Regions moved in another order are the same state, as long as no eventless transition can tell."""
    chart = load(REVIEW)
    start = chart.step(chart.initial().configuration, "GO").configuration
    one = chart.step(chart.step(start, "OK").configuration, "PAID").configuration
    other = chart.step(chart.step(start, "PAID").configuration, "OK").configuration
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(("guards", "alike"), [("ignore", False), ("block", True)])
def test_the_order_of_entry_is_kept_where_eventless_transitions_ask_for_it(guards: Guards, alike: bool) -> None:
    """The state entered first is asked first; where no ``always`` is ever taken, nobody asks."""
    chart = load(RESTLESS, guards=guards)
    start = chart.initial().configuration
    one = chart.step(chart.step(start, "A").configuration, "B").configuration
    other = chart.step(chart.step(start, "B").configuration, "A").configuration
    assert one.value == other.value == {"a": "y", "b": "y"}
    assert (one == other) is alike
    assert chart.restore(chart.dump(other)) == other


def test_history_is_part_of_the_configuration() -> None:
    """The same active states with another record are another configuration, and go elsewhere."""
    chart = load(REVIEW)
    fresh = chart.initial().configuration
    moved = fresh
    for event in ("GO", "OK", "STOP"):
        moved = chart.step(moved, event).configuration
    assert moved.value == fresh.value
    assert moved != fresh
    assert chart.step(moved, "BACK").configuration.value == {"review": {"legal": "closed", "money": "open"}}


def test_a_dump_is_json_and_names_states_by_id() -> None:
    """So it outlives the process, and a definition that has lost a state says so."""
    chart = load(REVIEW)
    configuration = chart.step(chart.initial().configuration, "GO").configuration
    dumped = json.loads(json.dumps(chart.dump(configuration)))
    assert chart.restore(dumped) == configuration
    with pytest.raises(ValueError, match="gone"):
        chart.restore({**dumped, "nodes": ["m", "m.gone"]})


def test_output_is_there_once_the_machine_is_done() -> None:
    """The output that the definition gives as data."""
    chart = load({"initial": "a", "output": {"n": 1}, "states": {"a": {"on": {"E": "f"}}, "f": {"type": "final"}}})
    start = chart.initial().configuration
    assert start.output is None
    assert chart.step(start, "E").configuration.output == {"n": 1}
