"""A state map: from the leaves of one definition into the states of another."""

from __future__ import annotations

from typing import Any

import pytest

from statekeep.daemon.statecharts import KEPT, STUCK, Chart, Jumps, NoLanding, StateMap, Table, load
from statekeep.daemon.statecharts.starting import leaves

NEW: dict[str, Any] = {
    "id": "new",
    "initial": "one",
    "states": {
        "one": {"initial": "a", "states": {"a": {}, "b": {}}},
        "two": {
            "type": "parallel",
            "states": {
                "r": {"initial": "x", "states": {"x": {"on": {"E": "y"}}, "y": {}}},
                "s": {"initial": "x", "states": {"x": {}, "y": {"type": "final"}}},
            },
        },
        "hurry": {"always": "end"},
        "ring": {"initial": "p", "states": {"p": {"always": "q"}, "q": {"always": "p"}}},
        "dotted.key": {},
        "back": {"type": "history"},
        "end": {"type": "final"},
    },
}
OLD: dict[str, Any] = {
    "id": "old",
    "initial": "v",
    "states": {
        "v": {},
        "w.w": {},
        "both": {"type": "parallel", "states": {"k": {"initial": "m", "states": {"m": {}}}, "l": {}}},
        "over": {"type": "final"},
    },
}


@pytest.fixture(scope="module")
def new() -> Chart:
    """The chart to land in."""
    return load(NEW)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("v", [("v",)]),
        ({"a": "b"}, [("a", "b")]),
        ({"a": {"k": {"m": "n"}, "l": {}}, "b": "c"}, [("a", "k", "m", "n"), ("a", "l"), ("b", "c")]),
        ({}, []),
    ],
)
def test_the_leaves_of_a_state_value(state: Any, expected: list[tuple[str, ...]]) -> None:
    """One for each region, by all its keys."""
    assert leaves(state) == expected


@pytest.mark.parametrize(
    ("target", "value", "status"),
    [
        ("one", {"one": "a"}, "active"),
        ("one.b", {"one": "b"}, "active"),
        ("two.r.y", {"two": {"r": "y", "s": "x"}}, "active"),
        ("hurry", "end", "done"),
        ("dotted\\.key", "dotted.key", "active"),
    ],
)
def test_a_target_is_entered_as_by_a_transition(new: Chart, target: str, value: Any, status: str) -> None:
    """Initial states inside and beside it, then what is eventless."""
    landed = StateMap(new, {"v": target}).land("v")
    assert landed is not None
    assert (landed.value, landed.status) == (value, status)


def test_a_landing_is_a_configuration_like_any_other(new: Chart) -> None:
    """The machine goes on from it, and it is the one that events would have led to."""
    landed = StateMap(new, {"v": "two"}).land("v")
    assert landed is not None
    assert new.step(landed, "E").configuration == StateMap(new, {"v": "two.r.y"}).land("v")


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({"both.k.m": "one"}, "the map does not name both.l"),
        ({"both.k.m": "one.a", "both.l": "one.b"}, "'new.one.b' and 'new.one.a' cannot both be active: they are"),
        ({"both.k.m": "two", "both.l": "two.r"}, "'new.two' and a state inside it cannot both be targets"),
        ({"both.k.m": "ring", "both.l": "ring"}, "entered in ring, the machine does not come to rest"),
    ],
)
def test_a_state_without_a_landing_is_told_with_its_reason(
    new: Chart, names: dict[str, str | None], reason: str
) -> None:
    """It is never guessed."""
    with pytest.raises(NoLanding) as caught:
        StateMap(new, names).land({"both": {"k": "m", "l": {}}})
    assert caught.value.state == "both.k.m + both.l"
    assert caught.value.reason.startswith(reason)


def test_one_region_that_stays_has_the_actor_stay(new: Chart) -> None:
    """Whatever the others say, or leave out."""
    assert StateMap(new, {"both.l": None}).land({"both": {"k": "m", "l": {}}}) is None


def test_every_wrong_entry_is_found(new: Chart) -> None:
    """In the old definition, if it is known, and in the new one."""
    state_map = StateMap(new, {"vv": "one", "both": "tow", "w\\.w": "back", "both.l": "s.y", "both.k.m": None})
    assert [(found.code, found.path, found.hint) for found in state_map.check(load(OLD))] == [
        ("unknown_state", "$.landing.map.vv", "did you mean 'v'?"),
        ("not_a_leaf", "$.landing.map.both", "name the states inside: both.k.m, both.l"),
        ("unknown_target", "$.landing.map.both", "did you mean 'two'?"),
        (
            "history_target",
            '$.landing.map["w\\\\.w"]',
            "name the state to be in; what the old definition's history states recorded is forgotten",
        ),
        ("unknown_target", '$.landing.map["both.l"]', "did you mean 'two.s.y'?"),
    ]
    assert [found.code for found in state_map.check(None)] == ["unknown_target", "history_target", "unknown_target"]


def test_what_is_left_out_is_listed(new: Chart) -> None:
    """But for the end of the machine, from where nobody moves."""
    assert StateMap(new, {"v": "one"}).unnamed(load(OLD)) == ["w\\.w", "both.k.m", "both.l"]


def test_jumps_are_numbered_and_worked_out_once() -> None:
    """By configuration: of the old version as it was asked for, of the new one as its table gives them."""
    asked: list[int] = []
    states = ["v", "w", "u"]

    def state_of(number: int) -> str:
        asked.append(number)
        return states[number]

    table = Table(load(NEW), str)
    jumps = Jumps(state_of, lambda: table, {"v": "one.b", "w": None})
    landed = [jumps.landing(number) for number in (0, 1, 2, 0, 1, 2)]
    assert landed[:3] == landed[3:] == [landed[0], KEPT, STUCK]
    assert table.configurations[landed[0]].value == {"one": "b"}
    assert asked == [0, 1, 2]
