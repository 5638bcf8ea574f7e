"""``why`` tells each outcome of the rule in sentences that are true of the actor."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Close, Send
from statekeep.protocol.records import MapLanding
from tests.engine.stories import LOAN, PAID, STATES, VERIFIED, WAIVED, deploy, spawn
from tests.engine.worlds import ask
from tests.tui.conftest import Run

NO_WAIVER: dict[str, Any] = {**LOAN, "states": {**STATES, "under_review": {"on": {"PAY_FEE": "awaiting_docs"}}}}
"""A definition that skips ``WAIVE_FEE``."""


@pytest.fixture(autouse=True)
def loans(engine: Engine) -> None:
    """Every test has a ``loan-v1``."""
    deploy(engine, "loan-v1")


@pytest.fixture
def why(run: Run) -> Any:
    """What is told about alice and one route, without times."""

    def why(route: str) -> str:
        code, out, err = run("why", "alice", route)
        assert (code, err) == (0, "")
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "T", out).splitlines()[2]

    return why


def test_the_beginning_is_the_actor_itself(run: Run, engine: Engine) -> None:
    """Where it was spawned, what it has done and where that has led; of a long history the end."""
    spawn(engine, "loan-v1", *PAID, key="alice")
    out = run("why", "alice").out
    assert "alice was spawned on loan-v1 at 2023-11-14 22:13:2" in out
    assert "its history is SUBMIT_INFO, PAY_FEE. It is in awaiting_docs on loan-v1." in out
    assert "No route was ever open for it: no version takes over actors of loan-v1." in out


def test_diverged_names_the_event(engine: Engine, why: Any) -> None:
    """The first that the path can't take."""
    spawn(engine, "loan-v1", *WAIVED, "APPROVE", key="bob")
    spawn(engine, "loan-v1", *WAIVED, key="alice")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    assert why("loan-v2") == (
        "At T loan-v2 was deployed for histories that begin with SUBMIT_INFO, PAY_FEE. "
        "This actor's second event was WAIVE_FEE, so it stays on loan-v1 for good."
    )


def test_diverged_is_not_the_end_of_it(engine: Engine, why: Any) -> None:
    """Of an actor that another route has taken, it is not said that it stays."""
    spawn(engine, "loan-v1", *WAIVED, key="alice")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    deploy(engine, "loan-v3", parent="loan-v1", path=WAIVED)
    assert why("loan-v2").endswith("second event was WAIVE_FEE, so loan-v2 can never take it over.")


@pytest.mark.parametrize(
    ("path", "deployed", "missing"),
    [
        (PAID, "histories that begin with SUBMIT_INFO, PAY_FEE", "if its next event is PAY_FEE"),
        (["*", "*", "A"], "histories that begin with any event, any event, A", "if its next events are any event, A"),
        (["**", "PAY_FEE"], "histories in which PAY_FEE comes at some time", "as soon as PAY_FEE comes"),
        (["*", "**", "A", "B"], "histories that begin with any event, any run of events, A, B", "as soon as A, B come"),
        (
            ["**", "SUBMIT_INFO", "A"],
            "histories that begin with any run of events, SUBMIT_INFO, A",
            "if its next event is A",
        ),
    ],
)
def test_pending_says_what_is_missing(engine: Engine, why: Any, path: list[str], deployed: str, missing: str) -> None:
    """What the path still waits for on the nearest way, patterns included."""
    spawn(engine, "loan-v1", "SUBMIT_INFO", key="alice")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=path)
    assert why("loan-v2") == f"At T loan-v2 was deployed for {deployed}. This actor moves there {missing}."


def test_pending_has_an_end(engine: Engine, why: Any) -> None:
    """A closed route, and a finished actor, wait for nothing."""
    spawn(engine, "loan-v1", "SUBMIT_INFO", key="alice")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=[*PAID, "APPROVE", "MORE"])
    for event in ("PAY_FEE", "APPROVE"):
        ask(engine, Send("alice", event))
    assert why("loan-v2").endswith("This actor finished before it could move there.")
    ask(engine, Close("loan-v2"))
    assert why("loan-v2").endswith("loan-v2 was closed before it could take this actor over.")


def test_blocked_names_the_route_in_the_way(engine: Engine, why: Any) -> None:
    """And how to have it out of the way; not when it has gone its way."""
    spawn(engine, "loan-v1", "SUBMIT_INFO", key="alice")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    deploy(engine, "loan-v3", parent="loan-v1", path=["**", "REJECT"])
    assert why("loan-v3").endswith(
        "loan-v2 came before it, may still take this actor over, and has the first claim. "
        "`statekeep close loan-v2` would end that claim."
    )
    ask(engine, Send("alice", "PAY_FEE"))
    assert why("loan-v3").endswith(
        "loan-v2 came before it and had the first claim, until this actor had moved elsewhere."
    )


def test_final_says_when_it_had_finished(engine: Engine, why: Any) -> None:
    """Before the deploy, by its last event."""
    spawn(engine, "loan-v1", *PAID, "APPROVE", key="alice")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    assert why("loan-v2").endswith("This actor had finished at T, and a finished actor stays as it is.")


def test_rescue_names_what_would_be_skipped(engine: Engine, why: Any) -> None:
    """The events that the strict version does not handle, and that somebody must do something."""
    spawn(engine, "loan-v1", *WAIVED, key="alice")
    deploy(engine, "loan-v2", NO_WAIVER, parent="loan-v1", path=WAIVED, landing="strict")
    told = "This actor's history matches, but loan-v2 lands strictly and does not handle 1 event of it (WAIVE_FEE): "
    assert why("loan-v2").endswith(told + "it stays on loan-v1 and needs rescue.")
    deploy(engine, "loan-v3", parent="loan-v1", path=[])
    assert why("loan-v2").endswith(told + "it stayed in awaiting_docs on loan-v1.")


def test_a_move_says_what_brought_it_about(engine: Engine, why: Any) -> None:
    """The deploy, the event that completed the path, the spawn, the end of another's claim."""
    spawn(engine, "loan-v1", *WAIVED, key="alice")
    deploy(engine, "loan-v2", NO_WAIVER, parent="loan-v1", path=WAIVED)
    assert why("loan-v2").endswith(
        "This actor moved there at once, from awaiting_docs to under_review. "
        "loan-v2 does not handle 1 event of it (WAIVE_FEE): the landing skipped that."
    )
    deploy(engine, "loan-v3", parent="loan-v2", path=["**", "PAY_FEE"])
    deploy(engine, "loan-v4", VERIFIED, parent="loan-v3")
    ask(engine, Send("alice", "PAY_FEE"))
    assert "This actor's third event, PAY_FEE, completed that at T, and it moved from awaiting_docs to" in why(
        "loan-v3"
    )
    assert "From loan-v3 it went straight on there, from awaiting_docs to" in why("loan-v4")


def test_a_move_may_wait_for_others(engine: Engine, why: Any) -> None:
    """Until an event, or a close, has ended the claim of the route before."""
    spawn(engine, "loan-v1", "SUBMIT_INFO", key="alice")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    deploy(engine, "loan-v3", parent="loan-v1", path=["SUBMIT_INFO"])
    ask(engine, Send("alice", "WAIVE_FEE"))
    assert "This actor's second event, WAIVE_FEE, ended the claim of a route before it at T, and" in why("loan-v3")
    deploy(engine, "loan-v4", VERIFIED, parent="loan-v3", path=["*", "*", "REJECT"])
    deploy(engine, "loan-v5", VERIFIED, parent="loan-v3", path=["SUBMIT_INFO"])
    ask(engine, Close("loan-v4"))
    assert "A route before it was closed at T, and this actor moved from awaiting_docs to" in why("loan-v5")


def test_a_newcomer_moves_at_its_spawn(engine: Engine, why: Any) -> None:
    """By a route without a path."""
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1")
    spawn(engine, "loan-v1", key="alice")
    assert why("loan-v2") == (
        "At T loan-v2 was deployed for every actor of loan-v1. "
        "This actor moved there as soon as it was spawned, from submitted to submitted."
    )


def test_a_version_that_has_nothing_to_do_with_it(engine: Engine, run: Run, why: Any) -> None:
    """Is said to be so; one that there is not is an error."""
    deploy(engine, "other")
    deploy(engine, "other-v2", parent="other")
    spawn(engine, "loan-v1", key="alice")
    assert why("other") == "other has no parent: no route leads to it."
    assert why("other-v2").startswith("other-v2 takes over actors of other, where alice has not been")
    assert "[unknown_version]" in run("why", "alice", "nix").err


@pytest.mark.parametrize(("number", "name"), [(3, "third"), (11, "11th"), (12, "12th"), (21, "21st"), (112, "112th")])
def test_ordinals_are_words(engine: Engine, why: Any, number: int, name: str) -> None:
    """Small ones; the others are figures with their ending."""
    deploy(engine, "light", {"initial": "off", "states": {"off": {"on": {"TOGGLE": {}, "BREAK": {}}}}})
    spawn(engine, "light", *["TOGGLE"] * (number - 1), "BREAK", key="alice")
    deploy(engine, "lamp", parent="light", path=["TOGGLE"] * number)
    assert f"This actor's {name} event was BREAK" in why("lamp")


def test_paragraphs_have_a_line_between_them(run: Run, engine: Engine) -> None:
    """And none behind the last."""
    spawn(engine, "loan-v1", *PAID, key="alice")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    out = run("why", "alice").out
    assert out.count("\n\n") == 1
    assert not out.endswith("\n\n")


def test_json_is_the_same_sentences(run: Run, engine: Engine) -> None:
    """In one record with the actor's id."""
    actor = spawn(engine, "loan-v1", key="alice")
    told = json.loads(run("why", "alice", "--json").out)
    assert told["actor"] == actor
    assert told["sentences"] == run("why", "alice").out.replace("\n\n", "\n").splitlines()


def test_a_state_map_is_named_as_the_reason(engine: Engine, why: Any) -> None:
    """For a landing, for staying, and for a state that it leaves out."""
    spawn(engine, "loan-v1", *WAIVED, key="alice")
    deploy(engine, "loan-v2", parent="loan-v1", landing=MapLanding(map={"awaiting_docs": None}))
    matched = "This actor's history matched in awaiting_docs on loan-v1, but it stayed there"
    assert why("loan-v2").endswith(f"{matched}, as the state map of loan-v2 says.")
    deploy(engine, "loan-v3", parent="loan-v1", landing=MapLanding(map={"awaiting_docs": "under_review"}))
    assert why("loan-v3").endswith(
        "This actor moved there at once, from awaiting_docs to under_review. The state map of loan-v3 says so."
    )
    deploy(engine, "loan-v4", parent="loan-v3", path=[*WAIVED, "PAY_FEE"], landing=MapLanding(map={"submitted": None}))
    ask(engine, Send("alice", "PAY_FEE"))
    assert why("loan-v4").endswith(
        "This actor's history matched in awaiting_docs on loan-v3, but it stays there and needs rescue: "
        "the state map of loan-v4 has no landing for it."
    )
