"""Landing by a state map: who goes where, who stays, what is refused, and that all of it is on record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.errors import InvalidMap, VersionExists
from statekeep.protocol.messages import (
    Close,
    Decisions,
    Deploy,
    Get,
    Preview,
    PreviewActors,
    Send,
    Spawn,
    Verify,
    Versions,
)
from statekeep.protocol.records import Decision, MapLanding
from tests.engine.stories import LOAN, PAID, STATES, WAIVED, deploy, spawn
from tests.engine.worlds import ask, engine_in, start

NESTED: dict[str, Any] = {
    "id": "loan",
    "initial": "application",
    "states": {
        "application": {
            "initial": "submitted",
            "states": {"submitted": {"on": {"SUBMIT_INFO": "review"}}, "review": {"on": {"PAY_FEE": "#docs"}}},
        },
        "documents": {
            "id": "docs",
            "initial": "requested",
            "states": {"requested": {"on": {"SENT": "waiting"}}, "waiting": {"on": {"APPROVE": "#approved"}}},
        },
        "approved": {"id": "approved", "type": "final"},
        "memory": {"type": "history"},
    },
}
"""The loan with its states renamed and nested; waiving a fee is no longer possible, and its events would be skipped."""

WHOLE: dict[str, str | None] = {
    "submitted": "application.submitted",
    "under_review": "application.review",
    "awaiting_docs": "documents.waiting",
    "rejected": None,
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine with ``loan-v1``, and an actor who paid, one who had the fee waived, and one who is under review."""
    engine = start(tmp_path)
    deploy(engine, "loan-v1")
    for events in (PAID, WAIVED, ["SUBMIT_INFO"]):
        spawn(engine, "loan-v1", *events)
    yield engine
    assert ask(engine, Verify(limit=1_000)).differences == []
    engine.close()


def where(engine: Engine, actor: int) -> tuple[str, Any]:
    """The version and state of an actor."""
    found = ask(engine, Get(actor))
    return found.version, found.state


def landing(**names: str | None) -> MapLanding:
    """A map of states without dots."""
    return MapLanding(map=names)


def about(engine: Engine, actor: int, route: str) -> Decision:
    """The last decision about a route."""
    made: list[Decision] = ask(engine, Decisions(actor=actor)).decisions
    return [one for one in made if one.route == route][-1]


def refusal(engine: Engine, **names: str | None) -> list[tuple[str, str, str, str]]:
    """What is wrong with a map from ``loan-v1``; a preview and a deploy say the same."""
    found = []
    for kind in (Preview, Deploy):
        with pytest.raises(InvalidMap) as caught:
            ask(engine, kind("loan-v2", NESTED, "loan-v1", [], landing(**names)))
        found.append([(one.code, one.path, one.message, one.hint) for one in caught.value.findings])
    assert found[0] == found[1]
    return found[0]


def test_a_map_takes_actors_from_state_to_state(engine: Engine) -> None:
    """Whatever their events: the replay of none of them would end there, and nothing is skipped."""
    deployed = deploy(engine, "loan-v2", NESTED, parent="loan-v1", landing=MapLanding(map=WHOLE))
    assert deployed.plan is not None
    assert [(row.state, row.landing, row.skipped, row.actors) for row in deployed.plan.rows] == [
        ("awaiting_docs", {"documents": "waiting"}, 0, 2),
        ("under_review", {"application": "review"}, 0, 1),
    ]
    assert [where(engine, actor) for actor in (1, 2, 3)] == [
        ("loan-v2", {"documents": "waiting"}),
        ("loan-v2", {"documents": "waiting"}),
        ("loan-v2", {"application": "review"}),
    ]
    made = about(engine, 2, "loan-v2")
    assert (made.outcome, made.state_before, made.landing) == ("migrated", "awaiting_docs", {"documents": "waiting"})
    assert made.events == 2
    assert ask(engine, Send(2, "APPROVE")).status == "done"


def test_a_compound_target_is_entered_by_its_initial_state(engine: Engine) -> None:
    """As XState enters it; all regions of a parallel one, and eventless transitions are taken."""
    checks = {
        "type": "parallel",
        "states": {
            "income": {"initial": "open", "states": {"open": {"always": "passed"}, "passed": {}}},
            "identity": {},
        },
    }
    definition = {**LOAN, "states": {**STATES, "checks": checks}}
    deploy(engine, "loan-v2", definition, parent="loan-v1", landing=landing(awaiting_docs="checks", under_review=None))
    assert where(engine, 1) == ("loan-v2", {"checks": {"income": "passed", "identity": {}}})


def test_a_state_that_is_named_as_staying_stays(engine: Engine) -> None:
    """Once for all: its actors need no rescue, go on where they are, and later siblings may have them."""
    names = {**WHOLE, "awaiting_docs": None}
    deployed = deploy(engine, "loan-v2", NESTED, parent="loan-v1", landing=MapLanding(map=names))
    assert deployed.plan is not None
    assert deployed.plan.counts == {"migrated": 1, "kept": 2}
    page = ask(engine, Decisions(route="loan-v2", outcome="kept")).decisions
    assert [(made.actor, made.version_after, made.landing) for made in page] == [(1, None, None), (2, None, None)]
    assert not ask(engine, Get(1)).needs_rescue
    deploy(engine, "loan-v3", LOAN, parent="loan-v1")
    assert where(engine, 1) == ("loan-v3", "awaiting_docs")
    assert about(engine, 1, "loan-v2").outcome == "kept"


def test_a_state_that_turns_up_later_without_an_entry_is_a_rescue(engine: Engine) -> None:
    """Never a guess. The warning named it at the deploy."""
    deployed = deploy(
        engine,
        "loan-v2",
        NESTED,
        parent="loan-v1",
        path=["SUBMIT_INFO", "PAY_FEE", "REJECT"],
        landing=landing(submitted="application"),
    )
    assert deployed.plan is not None
    warnings = {found.code: found.message for found in deployed.plan.warnings}
    assert "under_review, awaiting_docs:" in warnings["unnamed_states"]
    deploy(engine, "loan-v1b", {**LOAN, "states": {**STATES, "rejected": {}}})
    deploy(
        engine,
        "loan-v2b",
        NESTED,
        parent="loan-v1b",
        path=["SUBMIT_INFO", "PAY_FEE", "REJECT"],
        landing=landing(submitted="application"),
    )
    actor = spawn(engine, "loan-v1b", *PAID, "REJECT")
    assert about(engine, actor, "loan-v2b").outcome == "rescue"
    assert ask(engine, Get(actor)).needs_rescue
    assert where(engine, actor) == ("loan-v1b", "rejected")


def test_every_occurring_state_that_would_move_must_be_named(engine: Engine) -> None:
    """With the number of its actors; one whose actors the path does not take needs no entry."""
    assert refusal(engine, submitted="application") == [
        (
            "no_landing",
            "$.landing.map",
            f"{actors} in {state}: the map does not name {state}",
            "map it to a state of the new definition, or to null if these actors shall stay",
        )
        for actors, state in (("2 actors", "awaiting_docs"), ("1 actor", "under_review"))
    ]
    deploy(engine, "loan-v2", NESTED, parent="loan-v1", path=WAIVED, landing=landing(awaiting_docs="documents.waiting"))
    assert [where(engine, actor)[0] for actor in (1, 2, 3)] == ["loan-v1", "loan-v2", "loan-v1"]


def test_entries_that_name_nothing_are_refused(engine: Engine) -> None:
    """With what was probably meant, all at once."""
    names: dict[str, str | None] = {
        "awaiting_doc": "waiting",
        "under_review": "memory",
        "submitted": "nowhere",
        "rejected": None,
    }
    assert [found[:2] for found in refusal(engine, **names)] == [
        ("unknown_state", "$.landing.map.awaiting_doc"),
        ("unknown_target", "$.landing.map.awaiting_doc"),
        ("history_target", "$.landing.map.under_review"),
        ("unknown_target", "$.landing.map.submitted"),
    ]
    hints = [found[3] for found in refusal(engine, **names)]
    assert hints[:2] == ["did you mean 'awaiting_docs'?", "did you mean 'documents.waiting'?"]
    assert hints[3].startswith("there are: application, application.submitted,")


def test_a_map_needs_a_parent(engine: Engine) -> None:
    """A root takes nobody over."""
    with pytest.raises(InvalidMap, match="no parent is named"):
        ask(engine, Deploy("loan-v2", NESTED, landing=landing(submitted="application")))


def test_the_same_map_is_the_same_content(engine: Engine) -> None:
    """In whatever order; another map, or none, is another version."""
    deploy(engine, "loan-v2", NESTED, parent="loan-v1", landing=MapLanding(map=WHOLE))
    backwards = MapLanding(map=dict(reversed(WHOLE.items())))
    assert not deploy(engine, "loan-v2", NESTED, parent="loan-v1", landing=backwards).created
    for other in ("replay", MapLanding(map={**WHOLE, "submitted": None})):
        with pytest.raises(VersionExists):
            ask(engine, Deploy("loan-v2", NESTED, "loan-v1", [], other))
    assert ask(engine, Versions()).versions[1].landing == MapLanding(map=WHOLE)


def test_a_digest_holds_for_the_map_that_was_previewed(engine: Engine) -> None:
    """The order of its entries means nothing."""
    backwards = MapLanding(map=dict(reversed(WHOLE.items())))
    digests = [
        ask(engine, Preview("loan-v2", NESTED, "loan-v1", [], made)).digest
        for made in (MapLanding(map=WHOLE), backwards, MapLanding(map={**WHOLE, "submitted": None}))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_actors_behind_a_line_of_a_map_are_listed(engine: Engine) -> None:
    """Those that would be kept, too."""
    names = {**WHOLE, "under_review": None}
    plan: dict[str, Any] = {
        "version": "loan-v2",
        "definition": NESTED,
        "parent": "loan-v1",
        "landing": MapLanding(map=names),
    }
    moved = ask(engine, PreviewActors(**plan, landing_state={"documents": "waiting"})).actors
    assert [planned.actor.id for planned in moved] == [1, 2]
    assert [planned.actor.id for planned in ask(engine, PreviewActors(**plan, outcome="kept")).actors] == [3]


def test_regions_land_in_the_states_that_they_name_together(engine: Engine) -> None:
    """If those can be active together; else the deploy is refused, and says which can't."""
    both = {"p": {"initial": "a", "states": {"a": {}}}, "q": {"initial": "b", "states": {"b": {}}}}
    deploy(engine, "both", {"type": "parallel", "states": both})
    actor = spawn(engine, "both")
    new = {
        "id": "new",
        "initial": "one",
        "states": {
            "one": {},
            "two": {
                "type": "parallel",
                "states": {"r": {"initial": "x", "states": {"x": {}, "y": {}}}, "s": {}, "t": {}},
            },
        },
    }
    with pytest.raises(InvalidMap) as caught:
        ask(engine, Deploy("new", new, "both", [], MapLanding(map={"p.a": "one", "q.b": "two"})))
    (found,) = caught.value.findings
    assert (
        found.message
        == "1 actor in p.a + q.b: 'new.two' and 'new.one' cannot both be active: they are children of 'new'"
    )
    deploy(engine, "new", new, parent="both", landing=MapLanding(map={"p.a": "two.r.y", "q.b": "two.t"}))
    assert where(engine, actor) == ("new", {"two": {"r": "y", "s": {}, "t": {}}})


def test_a_later_replay_is_of_the_whole_history(engine: Engine) -> None:
    """A child of a version with a map lands by replay again, of the events from the spawn on."""
    deploy(engine, "loan-v2", NESTED, parent="loan-v1", landing=MapLanding(map=WHOLE))
    deploy(engine, "loan-v3", LOAN, parent="loan-v2")
    assert [where(engine, actor) for actor in (1, 3)] == [("loan-v3", "awaiting_docs"), ("loan-v3", "under_review")]


FORK: dict[str, Any] = {
    "initial": "a",
    "states": {"a": {"on": {"X": "a", "GO": "c"}}, "b": {"on": {"X": "b", "GO": "d"}}, "c": {}, "d": {}},
}


def test_actors_of_one_history_are_told_apart(engine: Engine) -> None:
    """One was mapped, the others were spawned where it came to: each has its own state, and its own decision.

    When a replay brings them together again, each decision still says where its actor came from.
    """
    deploy(engine, "fork")
    mapped = ask(engine, Spawn("fork")).id
    deploy(engine, "fork-v2", FORK, parent="fork", landing=landing(submitted="b"))
    spawned, last = (ask(engine, Spawn("fork-v2")).id for _ in range(2))
    assert [where(engine, actor)[1] for actor in (mapped, spawned)] == ["b", "a"]
    deploy(engine, "fork-v3", FORK, parent="fork-v2", path=["X", "GO"])
    for actor in (spawned, mapped, last):
        assert ask(engine, Send(actor, "X")).handled
        assert ask(engine, Send(actor, "GO")).state == "c"
    assert [about(engine, actor, "fork-v3").state_before for actor in (mapped, spawned, last)] == ["d", "c", "c"]


def test_a_sibling_behind_a_map_can_be_reached(engine: Engine) -> None:
    """The map may keep actors that it matches, and they are the sibling's."""
    deploy(engine, "loan-v2", NESTED, parent="loan-v1", landing=MapLanding(map={**WHOLE, "under_review": None}))
    deploy(engine, "loan-v3", LOAN, parent="loan-v1", path=["SUBMIT_INFO"])
    assert [where(engine, actor)[0] for actor in (1, 2, 3)] == ["loan-v2", "loan-v2", "loan-v3"]


def test_who_waited_for_a_closed_route_lands_by_the_map_behind_it(engine: Engine) -> None:
    """From the state that it is in by then."""
    deploy(engine, "loan-v2", LOAN, parent="loan-v1", path=["SUBMIT_INFO", "PAY_FEE", "APPROVE"])
    deploy(engine, "loan-v3", NESTED, parent="loan-v1", landing=MapLanding(map=WHOLE))
    assert about(engine, 1, "loan-v3").outcome == "blocked"
    ask(engine, Close("loan-v2"))
    assert where(engine, 1) == ("loan-v3", {"documents": "waiting"})
    assert where(engine, 3) == ("loan-v3", {"application": "review"})


def test_a_jump_is_made_again_by_verify(directory: Path) -> None:
    """From definitions, events and deploys: cohorts and decisions that say something else on the disk are found."""
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        spawn(engine, "loan-v1", *PAID)
        deploy(engine, "loan-v2", NESTED, parent="loan-v1", landing=MapLanding(map=WHOLE))
    with closing(sqlite3.connect(directory / "store.db")) as connection, connection:
        assert connection.execute("UPDATE cohorts SET configuration = 0 WHERE version = 2").rowcount == 1
        assert connection.execute("UPDATE decisions SET landing = 0 WHERE route = 2").rowcount == 1
    with engine_in(directory) as engine:
        found = ask(engine, Verify(limit=10)).differences
    submitted, waiting = {"application": "submitted"}, {"documents": "waiting"}
    assert [(one.what, one.found, one.expected) for one in found][:1] == [("state", submitted, waiting)]
    assert [(one.found.landing, one.expected.landing) for one in found if one.what == "decision"] == [
        (submitted, waiting)
    ]
