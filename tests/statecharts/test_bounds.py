"""What is meant to keep the daemon busy does not."""

from typing import Any

import pytest

from statekeep.daemon.statecharts import Limits, Unending, check, load
from statekeep.daemon.statecharts.macrostep import ENTRIES_PER_MICROSTEP


def ring(length: int) -> dict[str, Any]:
    """A region that never comes to rest."""
    states = {f"s{number}": {"always": f"s{(number + 1) % length}"} for number in range(length)}
    return {"initial": "s0", "states": states}


def chain(length: int) -> dict[str, Any]:
    """A machine in which one event takes as many microsteps as it has states."""
    states: dict[str, Any] = {f"s{number}": {"always": f"s{number + 1}"} for number in range(1, length)}
    return {"initial": "i", "states": {"i": {"on": {"E": "s1"}}, **states, f"s{length}": {"on": {"E": "i"}}}}


def behind_an_event(regions: list[dict[str, Any]]) -> dict[str, Any]:
    """A machine that comes to rest, until ``E`` is sent."""
    parallel = {"type": "parallel", "states": {f"r{number}": region for number, region in enumerate(regions)}}
    return {"initial": "i", "states": {"i": {"on": {"E": "p"}}, "p": parallel}}


def test_a_chain_may_be_as_long_as_the_limit() -> None:
    """At the limit of microsteps it comes to rest, one beyond it does not, and the configuration stands."""
    chart = load(chain(256))
    assert chart.step(chart.initial().configuration, "E").configuration.value == "s256"
    longer = load(chain(257))
    start = longer.initial().configuration
    with pytest.raises(Unending):
        longer.step(start, "E")
    assert start.value == "i"


def test_a_ring_is_noticed_when_it_closes() -> None:
    """Long before the limit: no limit is needed to see that everything is as it was."""
    chart = load(behind_an_event([ring(2)]), limits=Limits(microsteps=1_000_000))
    with pytest.raises(Unending) as caught:
        chart.step(chart.initial().configuration, "E")
    assert caught.value.entered < 50


def test_rings_that_never_meet_are_cut_off_by_what_they_enter() -> None:
    """Rings of coprime lengths would be together again after 30,030 microsteps, each of hundreds of states."""
    chart = load(behind_an_event([ring(length) for length in (2, 3, 5, 7, 11, 13) * 40]))
    with pytest.raises(Unending) as caught:
        chart.step(chart.initial().configuration, "E")
    assert caught.value.entered < 256 * ENTRIES_PER_MICROSTEP + 500


def test_regions_are_not_multiplied_out() -> None:
    """Two to the power of 600 configurations; the one that occurs is made."""
    region = {"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {"on": {"E": "a"}}}}
    chart = load({"type": "parallel", "states": {f"r{number}": region for number in range(600)}})
    step = chart.step(chart.initial().configuration, "E")
    assert len(step.entered) == 600
    assert set(step.configuration.value.values()) == {"b"}  # type: ignore[union-attr]


def test_a_python_bomb_of_shared_parts_is_refused() -> None:
    """Few objects that would be 2^40 states written out."""
    definition: dict[str, Any] = {}
    for _ in range(40):
        definition = {"type": "parallel", "states": {"a": definition, "b": definition}}
    assert {finding.code for finding in check(definition)} == {"limit_exceeded"}
    endless: dict[str, Any] = {}
    endless["meta"] = endless
    assert {finding.code for finding in check(endless)} == {"limit_exceeded"}
