"""The table and the interpreter never disagree."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from statekeep.daemon.statecharts import STUCK, UNKNOWN, InvalidDefinition, Table, Unending, load
from tests.conformance.machines import cases
from tests.conformance.vectors import POLICIES

LIGHT = {
    "initial": "green",
    "states": {
        "green": {"on": {"TIMER": "yellow"}},
        "yellow": {"on": {"TIMER": "red", "FAIL": "ring"}},
        "red": {"on": {"TIMER": "green", "OFF": "off"}},
        "ring": {"always": "gnir"},
        "gnir": {"always": "ring"},
        "off": {"type": "final"},
    },
}
NAMES = ("TIMER", "FAIL", "OFF", *(f"unknown {number}" for number in range(100)))


def light() -> Table:
    """A machine with a ring and an end, nothing filled yet."""
    return Table(load(LIGHT), NAMES.__getitem__)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(cases())
def test_the_table_says_what_the_interpreter_does(case: dict[str, Any]) -> None:
    """Along any row of events, cold and warm, each entry is the interpreter's step; a ring is STUCK in both."""
    try:
        chart = load(case["machine"], guards=POLICIES[case["guards"]])
    except InvalidDefinition:
        assume(False)
        raise
    symbols = [event if isinstance(event, str) else event["type"] for event in case["events"]]
    table = Table(chart, symbols.__getitem__)
    for _ in ("cold", "warm"):
        number, configuration = table.initial, chart.initial().configuration
        for symbol, event_type in enumerate(symbols):
            entry = table.next(number, symbol)
            try:
                step = chart.step(configuration, event_type)
            except Unending:
                assert entry == STUCK
                break
            assert entry & 1 == step.handled
            assert table.configurations[entry >> 1] == step.configuration
            number, configuration = entry >> 1, step.configuration


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(cases())
def test_a_dumped_configuration_goes_on_as_if_nothing_had_happened(case: dict[str, Any]) -> None:
    """After dump and restore on a chart loaded anew, every later step is the same."""
    policy = POLICIES[case["guards"]]
    try:
        chart, other = load(case["machine"], guards=policy), load(case["machine"], guards=policy)
    except InvalidDefinition:
        assume(False)
        raise
    configuration = chart.initial().configuration
    for event in case["events"]:
        event_type = event if isinstance(event, str) else event["type"]
        restored = other.restore(chart.dump(configuration))
        try:
            step = chart.step(configuration, event_type)
        except Unending:
            return
        assert step[1:] == other.step(restored, event_type)[1:]
        configuration = step.configuration


def test_cells_are_laid_out_for_the_replay_in_c() -> None:
    """A row for each configuration, a column for each symbol that has occurred, UNKNOWN where nothing has."""
    table = light()
    entry = table.next(table.initial, 0)
    assert entry & 1
    assert len(table.cells) == table.width * len(table.configurations)
    assert table.cells[table.initial * table.width + table.column_of[0]] == entry
    assert table.cells.itemsize == table.column_of.itemsize == 4
    filled = [cell for cell in table.cells if cell != UNKNOWN]
    assert filled == [entry]


def test_the_table_widens_and_keeps_what_it_has() -> None:
    """Doubling the width moves rows, not numbers."""
    names = [f"E{number}" for number in range(20)]
    table = Table(
        load({"initial": "a", "states": {"a": {"on": dict.fromkeys(names, "b")}, "b": {}}}), names.__getitem__
    )
    entries = [table.next(table.initial, symbol) for symbol in range(20)]
    assert table.width == 32
    assert [table.next(table.initial, symbol) for symbol in range(20)] == entries
    assert len(set(entries)) == 1


def test_events_that_make_no_difference_share_a_column() -> None:
    """A hundred events that the definition does not know cost one column."""
    table = light()
    for symbol in range(len(NAMES)):
        table.next(table.initial, symbol)
    assert len(set(table.column_of)) == 4


def test_a_ring_is_stuck_and_an_ended_machine_takes_nothing() -> None:
    """STUCK for a step that does not end; itself, not handled, for a machine that is done."""
    table = light()
    yellow = table.next(table.initial, 0) >> 1
    assert table.next(yellow, 1) == STUCK
    off = table.next(table.next(yellow, 0) >> 1, 2) >> 1
    assert table.configurations[off].status == "done"
    assert table.next(off, 0) == off << 1
