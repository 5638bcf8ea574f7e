"""A preview says what a deploy would do, in numbers, in words and actor by actor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol import errors
from statekeep.protocol.messages import Deploy, Get, Preview, PreviewActors, Send, Spawn
from statekeep.protocol.records import Plan
from tests.engine.worlds import ask, start

V1: dict[str, Any] = {
    "initial": "open",
    "states": {
        "open": {"on": {"PAY": "paid", "WAIVE": "waived", "NOTE": "open"}},
        "paid": {"on": {"NOTE": "paid", "END": "ended"}},
        "waived": {},
        "ended": {"type": "final"},
    },
}
V2: dict[str, Any] = {
    "initial": "open",
    "states": {
        "open": {"on": {"PAY": "checked", "WAIVE": "waived"}},
        "checked": {"on": {"END": "ended"}},
        "waived": {},
        "ended": {"type": "final"},
    },
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Two paid, one of them after two notes; one waived; one open; one ended."""
    engine = start(tmp_path)
    ask(engine, Deploy("v1", V1))
    for events in (["PAY"], ["NOTE", "NOTE", "PAY"], ["WAIVE"], [], ["PAY", "END"]):
        actor = ask(engine, Spawn("v1")).id
        for event in events:
            ask(engine, Send(actor, event))
    yield engine
    engine.close()


def plan(engine: Engine, path: list[str], **more: Any) -> Plan:
    """The preview of v2 for a path."""
    answer = ask(engine, Preview("v2", V2, "v1", path, **more))
    assert isinstance(answer, Plan)
    return answer


def test_each_warning_has_its_number(engine: Engine) -> None:
    """Pending, skipped events by type, and what would land in a final state."""
    warnings = {finding.code: finding.message for finding in plan(engine, ["**", "PAY"]).warnings}
    assert warnings["pending"].startswith("2 actors may match later")
    assert warnings["skipped"] == "NOTE is not handled, and would be skipped 2 times."
    assert "final_landing" not in warnings


def test_an_event_that_nobody_can_have_processed_is_named(engine: Engine) -> None:
    """With the one that is likely to be meant; wildcards, and events of the versions before the parent, are none."""
    (found,) = (finding for finding in plan(engine, ["PAYD"]).warnings if finding.code == "unheard_event")
    assert found.message.startswith("PAYD is taken by no state")
    assert found.hint == "Did you mean PAY?"
    ask(engine, Deploy("v2", V2, "v1", ["PAY"]))
    third = ask(engine, Preview("v3", V2, "v2", ["NOTE", "*", "**", "QQQQ"])).warnings
    assert [finding.message.split()[0] for finding in third if finding.code == "unheard_event"] == ["QQQQ"]
    anything = {"initial": "a", "states": {"a": {"on": {"*": {}}}}}
    ask(engine, Deploy("w1", anything))
    assert "unheard_event" not in {f.code for f in ask(engine, Preview("w2", anything, "w1", ["EVEN"])).warnings}


def test_a_final_landing_is_announced(engine: Engine) -> None:
    """The new definition ends where the old one went on."""
    ended = {**V2, "states": {**V2["states"], "open": {"on": {"PAY": "ended"}}}}
    warnings = {f.code: f.message for f in ask(engine, Preview("v2", ended, "v1", ["PAY"])).warnings}
    assert warnings["final_landing"] == "1 actor would land in a final state, and so be finished."


def test_a_strict_landing_announces_the_rescues(engine: Engine) -> None:
    """The one whose notes would be skipped stays."""
    answer = plan(engine, ["**", "PAY"], landing="strict")
    assert answer.counts == {"migrated": 1, "pending": 2, "final": 1, "rescue": 1}
    assert any(f.code == "rescue" and f.message.startswith("1 actor would match") for f in answer.warnings)


def test_a_blocked_route_names_who_is_in_the_way(engine: Engine) -> None:
    """And that ``close`` is the way out."""
    ask(engine, Deploy("first", V2, "v1", ["NOTE", "NOTE", "NOTE"]))
    blocked = next(f for f in plan(engine, ["NOTE", "*"]).warnings if f.code == "blocked")
    assert blocked.message == "1 actor would be blocked, as an earlier route is pending (first)."
    assert "`close`" in blocked.hint


def test_a_path_that_forgets_how_the_parent_was_reached(engine: Engine) -> None:
    """A path begins at the spawn; one written as if it began at the migration is warned of."""
    ask(engine, Deploy("v2", V2, "v1", ["PAY"]))
    codes = {path: {f.code for f in ask(engine, Preview("v3", V2, "v2", [path])).warnings} for path in ("END", "PAY")}
    assert "incompatible_path" in codes["END"]
    assert "incompatible_path" not in codes["PAY"]


def test_the_difference_of_the_definitions_is_part_of_it(engine: Engine) -> None:
    """``paid`` is called ``checked`` now."""
    assert "checked" in " ".join(map(str, plan(engine, ["PAY"]).changes))


def test_the_actors_behind_a_line(engine: Engine) -> None:
    """By outcome, by state and by landing state, page by page."""

    def actors(**more: Any) -> list[int]:
        found, cursor = list[int](), 0
        while True:
            page = ask(engine, PreviewActors("v2", V2, "v1", ["**", "PAY"], limit=1, cursor=cursor, **more))
            found += [planned.actor.id for planned in page.actors]
            if page.next is None:
                return found
            cursor = page.next

    assert actors() == [1, 2]
    assert actors(landing_state="checked") == [1, 2]
    assert actors(landing_state="open") == []
    assert actors(outcome="pending") == [3, 4]
    assert actors(outcome="pending", skip=1) == [4]
    assert actors(outcome="pending", state="waived") == [3]
    assert actors(outcome="final") == [5]
    page = ask(engine, PreviewActors("v2", V2, "v1", ["**", "PAY"]))
    assert [(planned.landing, planned.skipped) for planned in page.actors] == [("checked", 0), ("checked", 2)]


def test_an_outdated_preview_says_what_changed(engine: Engine) -> None:
    """One more has paid since."""
    digest = plan(engine, ["PAY"]).digest
    ask(engine, Send(4, "PAY"))
    with pytest.raises(errors.PreviewOutdated, match=r"migrated 1 then, 2 now; pending 1 then, 0 now\."):
        ask(engine, Deploy("v2", V2, "v1", ["PAY"], digest=digest))
    with pytest.raises(errors.PreviewOutdated, match="actors, versions or the definition changed"):
        ask(engine, Deploy("v2", V2, "v1", ["PAY"], digest="nonsense"))
    assert ask(engine, Get(4)).version == "v1"
