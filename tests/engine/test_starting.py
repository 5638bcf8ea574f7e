"""Starting in a state of the caller's choice: an event like any other, by which everything else stays true."""

from __future__ import annotations

from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol import errors
from statekeep.protocol.messages import Close, Decisions, Deploy, Get, History, Send, Spawn, Verify
from tests.engine.stories import deploy
from tests.engine.test_actors import REVIEW
from tests.engine.worlds import ask

START = "xstate.start.awaiting_docs"


@pytest.fixture
def loans(engine: Engine) -> Engine:
    """An engine with ``loan-v1``."""
    deploy(engine, "loan-v1")
    return engine


def verified(engine: Engine) -> bool:
    """Whether every actor is what its events make of it."""
    return not ask(engine, Verify(limit=1000)).differences


def test_an_actor_starts_where_it_is_said(loans: Engine) -> None:
    """Its history says so, it goes on from there, and the plain account of it is the same."""
    alice = ask(loans, Spawn("loan-v1", key="alice", context={"a": 1}, state="awaiting_docs"))
    assert (alice.state, alice.events, alice.context) == ("awaiting_docs", 1, {"a": 1})
    (event,) = ask(loans, History("alice")).events
    assert (event.event, event.state) == (START, "awaiting_docs")
    assert ask(loans, Send("alice", "APPROVE")).handled
    assert verified(loans)


def test_a_restart_changes_nothing(loans: Engine) -> None:
    """What is read from the store is what was kept."""
    ask(loans, Spawn("loan-v1", key="alice", state="awaiting_docs"))
    before = ask(loans, Get("alice"))
    loans._load()
    assert ask(loans, Get("alice")) == before
    assert verified(loans)


def test_many_share_what_one_has_worked_out(loans: Engine) -> None:
    """They are in one cohort."""
    actors = [ask(loans, Spawn("loan-v1", state="awaiting_docs")) for _ in range(3)]
    assert len({loans._world.actors.cohort[actor.id] for actor in actors}) == 1
    assert verified(loans)


@pytest.mark.parametrize("state", ["review.legal.signed", {"review": {"legal": "signed", "risk": "open"}}])
def test_a_state_may_be_a_path_or_a_value(engine: Engine, state: Any) -> None:
    """A path leaves what is beside it at its default; a value is what ``get`` shows."""
    ask(engine, Deploy("v", REVIEW))
    assert ask(engine, Spawn("v", state=state)).state == {"review": {"legal": "signed", "risk": "open"}}
    assert verified(engine)


def test_a_final_state_is_a_finished_actor(loans: Engine) -> None:
    """It takes no events."""
    assert ask(loans, Spawn("loan-v1", key="alice", state="approved")).status == "done"
    with pytest.raises(errors.ActorFinished):
        ask(loans, Send("alice", "APPROVE"))
    assert verified(loans)


@pytest.mark.parametrize(
    "state", ["awaiting_dogs", "", "a.b", {"awaiting_docs": {"x": {}}}, {"a": {}, "b": {}}, "x" * 300]
)
def test_a_state_that_is_not_there_is_refused_and_nothing_is_kept(loans: Engine, state: Any) -> None:
    """With the nearest that is there."""
    with pytest.raises((errors.UnknownState, errors.BadRequest)) as refused:
        ask(loans, Spawn("loan-v1", key="alice", state=state))
    if state == "awaiting_dogs":
        assert "awaiting_docs" in refused.value.hint
    with pytest.raises(errors.UnknownActor):
        ask(loans, Get("alice"))
    assert ask(loans, Spawn("loan-v1", key="alice")).id == 1
    assert verified(loans)


def test_nobody_can_send_it(loans: Engine) -> None:
    """An actor starts once."""
    ask(loans, Spawn("loan-v1", key="alice"))
    with pytest.raises(errors.ReservedEvent):
        ask(loans, Send("alice", START))


def test_a_repeated_spawn_is_carried_out_once(loans: Engine) -> None:
    """And with another state it is another request."""
    first = ask(loans, Spawn("loan-v1", state="awaiting_docs", idempotency_key="k"))
    again = ask(loans, Spawn("loan-v1", state="awaiting_docs", idempotency_key="k"))
    assert (again.id, again.repeated, again.state) == (first.id, True, "awaiting_docs")
    with pytest.raises(errors.IdempotencyConflict):
        ask(loans, Spawn("loan-v1", state="approved", idempotency_key="k"))


def test_a_path_may_name_it(loans: Engine) -> None:
    """So who came from elsewhere in one state can be taken over, at the deploy and later."""
    ask(loans, Spawn("loan-v1", key="alice", state="awaiting_docs"))
    ask(loans, Spawn("loan-v1", key="bob", state="under_review"))
    definition = {"initial": "a", "states": {"a": {}, "awaiting_docs": {}}}
    ask(loans, Deploy("late", definition, parent="loan-v1", path=[START]))
    ask(loans, Spawn("loan-v1", key="carol", state="awaiting_docs"))
    found = {key: ask(loans, Get(key)) for key in ("alice", "bob", "carol")}
    assert {key: actor.version for key, actor in found.items()} == {"alice": "late", "bob": "loan-v1", "carol": "late"}
    assert found["alice"].state == found["carol"].state == "awaiting_docs"
    assert verified(loans)


def test_a_definition_without_the_state_skips_it(loans: Engine) -> None:
    """As any event that it does not handle; strictly it is a rescue."""
    ask(loans, Spawn("loan-v1", key="alice", state="awaiting_docs"))
    definition = {"initial": "a", "states": {"a": {}}}
    ask(loans, Deploy("strict", definition, parent="loan-v1", landing="strict"))
    assert ask(loans, Get("alice")).needs_rescue
    ask(loans, Close("strict"))
    ask(loans, Deploy("lenient", definition, parent="loan-v1"))
    assert ask(loans, Get("alice")).state == "a"
    assert ask(loans, Decisions("alice")).decisions[-1].skipped == 1
    assert verified(loans)


def test_a_route_that_takes_everyone_is_asked_first(loans: Engine) -> None:
    """The state must be one of the version where the actor starts; the refusal names it."""
    ask(loans, Deploy("other", {"initial": "a", "states": {"a": {}, "b": {}}}, parent="loan-v1"))
    assert ask(loans, Spawn("loan-v1", key="alice", state="b")).version == "other"
    with pytest.raises(errors.UnknownState, match="'other'"):
        ask(loans, Spawn("loan-v1", state="awaiting_docs"))
    assert verified(loans)


def test_a_machine_that_does_not_come_to_rest_there_is_refused(engine: Engine) -> None:
    """Before anything is kept."""
    ring = {"initial": "a", "states": {"a": {}, "b": {"always": "c"}, "c": {"always": "b"}}}
    ask(engine, Deploy("v", ring))
    with pytest.raises(errors.LimitExceeded):
        ask(engine, Spawn("v", key="k", state="b"))
    with pytest.raises(errors.UnknownActor):
        ask(engine, Get("k"))


@pytest.mark.parametrize(
    "state", [{"a": [0.5]}, {"a": None}, {"a": {"b": 0}}, {"a": {1: "b"}}, {"a": {"b": {"c": False}}}]
)
def test_what_is_no_state_is_refused(loans: Engine, state: Any) -> None:
    """Whatever a request can hold in a state's place, it is answered with what a state is."""
    with pytest.raises(errors.BadRequest, match="a state is its name, or an object of names"):
        ask(loans, Spawn("loan-v1", key="alice", state=state))


def test_a_state_may_be_nested_as_deeply_as_a_request(loans: Engine) -> None:
    """It is refused for what it says, and not for how it is read."""
    deep: Any = "a"
    for _ in range(900):
        deep = {"a": deep}
    with pytest.raises(errors.BadRequest):
        ask(loans, Spawn("loan-v1", key="alice", state=deep))
