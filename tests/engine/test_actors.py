"""Spawning, sending and looking at actors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol import errors
from statekeep.protocol.messages import Actors, Deliver, Deploy, Get, History, Send, Spawn
from tests.engine.stories import PAID, VERIFIED, WAIVED, deploy, spawn
from tests.engine.worlds import ask, engine_in

REVIEW: dict[str, Any] = {
    "initial": "review",
    "states": {
        "review": {
            "type": "parallel",
            "states": {
                "legal": {"initial": "open", "states": {"open": {"on": {"SIGN": "signed"}}, "signed": {}}},
                "risk": {
                    "initial": "open",
                    "states": {"open": {"tags": ["slow"], "on": {"RATE": "rated"}}, "rated": {}},
                },
            },
        }
    },
}


@pytest.fixture
def loans(engine: Engine) -> Engine:
    """An engine with ``loan-v1``."""
    deploy(engine, "loan-v1")
    return engine


@pytest.mark.parametrize("context", [{"applicantId": 7, "notes": ["é", None, 1.5]}, [], {}, 0, False, "text", None])
def test_a_context_is_kept_as_it_was_given(loans: Engine, directory: Path, context: Any) -> None:
    """Any JSON value, also an empty or a false one, is in the answer to the spawn and in every later look."""
    assert ask(loans, Spawn("loan-v1", key="alice", context=context)).context == context
    assert ask(loans, Get("alice")).context == context
    ask(loans, Send("alice", "SUBMIT_INFO"))
    loans._load()
    found = ask(loans, Get("alice"))
    assert (found.context, type(found.context)) == (context, type(context))


def test_an_actor_goes_by_id_or_key(loans: Engine) -> None:
    """A number is an id and a text a key, also a text of digits."""
    first, second = spawn(loans, "loan-v1", key="2"), spawn(loans, "loan-v1", key="alice")
    assert (first, second) == (1, 2)
    assert ask(loans, Get("2")).id == 1
    assert ask(loans, Get(2)).key == "alice"
    assert ask(loans, Send("alice", "SUBMIT_INFO")).id == 2


def test_an_event_that_is_not_handled_leaves_no_trace(loans: Engine) -> None:
    """The answer says so and where the actor stands; its history, its position and the known event types stay."""
    alice = spawn(loans, "loan-v1", "SUBMIT_INFO")
    before, names = ask(loans, Get(alice)), list(loans._world.symbols.names)
    for event in ("APPROVE", "SUBMIT_INFO", "NEVER_HEARD_OF"):
        sent = ask(loans, Send(alice, event, {"lost": True}))
        assert (sent.handled, sent.state, sent.events, sent.position) == (False, "under_review", 1, 0)
    assert ask(loans, Get(alice)) == before
    assert loans._world.symbols.names == names


def test_an_event_that_changes_nothing_is_processed(engine: Engine) -> None:
    """A transition without a target is one too: the event is in the history, and the state is what it was."""
    deploy(engine, "v", {"initial": "a", "states": {"a": {"on": {"NOTE": {}}}}})
    sent = ask(engine, Send(spawn(engine, "v"), "NOTE"))
    assert (sent.handled, sent.state, sent.events) == (True, "a", 1)


def test_an_actor_may_finish_at_its_spawn(engine: Engine) -> None:
    """A definition that begins in a final state."""
    deploy(engine, "v", {"initial": "a", "states": {"a": {"type": "final"}}})
    assert ask(engine, Spawn("v")).status == "done"


def test_positions_count_everything(loans: Engine) -> None:
    """Deploys, spawns and events share one order without gaps, also across a restart."""
    spawned = ask(loans, Spawn("loan-v1"))
    sent = ask(loans, Send(1, "SUBMIT_INFO"))
    deployed = deploy(loans, "loan-v2", VERIFIED, parent="loan-v1", path=["NEVER"])
    loans._load()
    assert [1, spawned.position, sent.position, deployed.position] == [1, 2, 3, 4]
    assert ask(loans, Spawn("loan-v1")).position == 5


def test_pages_by_id(loans: Engine) -> None:
    """Every actor is on exactly one page, in order, and the last page says that it is."""
    for _ in range(7):
        spawn(loans, "loan-v1")
    pages = []
    cursor: int | None = 0
    while cursor is not None:
        page = ask(loans, Actors(cursor=cursor, limit=3))
        pages.append([actor.id for actor in page.actors])
        cursor = page.next
    assert pages == [[1, 2, 3], [4, 5, 6], [7]]
    assert ask(loans, Actors(limit=7)).next is None


@pytest.mark.parametrize("cursor", [7, 8, 2**32 - 2, 2**32 - 1, 2**32, 2**63 - 1])
def test_a_page_beyond_the_last_is_empty(loans: Engine, cursor: int) -> None:
    """However far beyond."""
    spawn(loans, "loan-v1")
    page = ask(loans, Actors(cursor=cursor))
    assert (page.actors, page.next) == ([], None)


def test_filters_by_version_and_state(loans: Engine) -> None:
    """Each alone and both together; pages count what passes the filter."""
    for events in (PAID, WAIVED, ["SUBMIT_INFO"], WAIVED):
        spawn(loans, "loan-v1", *events)
    deploy(loans, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    found = {
        (version, state): [actor.id for actor in ask(loans, Actors(version=version, state=state)).actors]
        for version in (None, "loan-v1", "loan-v2")
        for state in (None, "awaiting_docs", "income_verify")
    }
    assert found == {
        (None, None): [1, 2, 3, 4],
        (None, "awaiting_docs"): [2, 4],
        (None, "income_verify"): [1],
        ("loan-v1", None): [2, 3, 4],
        ("loan-v1", "awaiting_docs"): [2, 4],
        ("loan-v1", "income_verify"): [],
        ("loan-v2", None): [1],
        ("loan-v2", "awaiting_docs"): [],
        ("loan-v2", "income_verify"): [1],
    }
    page = ask(loans, Actors(state="awaiting_docs", limit=1))
    assert ([actor.id for actor in page.actors], page.next) == ([2], 2)
    assert [actor.id for actor in ask(loans, Actors(state="awaiting_docs", cursor=2)).actors] == [4]


@pytest.mark.parametrize(
    ("state", "ids"),
    [
        ("review", [1, 2]),
        ("review.legal", [1, 2]),
        ("review.legal.open", [2]),
        ("review.legal.signed", [1]),
        ("open", []),
    ],
)
def test_a_state_is_named_by_its_path(engine: Engine, state: str, ids: list[int]) -> None:
    """Parents hold for all that is in them; a name alone is not enough in a parallel machine."""
    deploy(engine, "v", REVIEW)
    spawn(engine, "v", "SIGN")
    spawn(engine, "v", "RATE")
    assert [actor.id for actor in ask(engine, Actors(state=state)).actors] == ids
    assert ask(engine, Get(1)).state == {"review": {"legal": "signed", "risk": "open"}}
    assert [ask(engine, Get(actor)).tags for actor in (1, 2)] == [["slow"], []]


def test_a_list_shows_no_context(loans: Engine) -> None:
    """It is asked for one by one, and so is read and decrypted for one only."""
    ask(loans, Spawn("loan-v1", key="alice", context={"large": "value"}))
    (listed,) = ask(loans, Actors()).actors
    assert (listed.key, listed.context) == ("alice", None)


def test_everything_is_there_after_a_restart(directory: Path) -> None:
    """A new engine on the same store shows the same actors, and goes on where the other stopped."""
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
        for number, events in enumerate((PAID, WAIVED, [], [*WAIVED, "REJECT"])):
            spawn(engine, "loan-v1", *events, key=f"actor-{number}")
        before = ask(engine, Actors())
    with engine_in(directory) as engine:
        assert ask(engine, Actors()) == before
        assert ask(engine, Send("actor-1", "APPROVE")).status == "done"
        assert ask(engine, Send("actor-0", "INCOME_VERIFIED")).state == "awaiting_docs"
        assert spawn(engine, "loan-v1") == 5


TIMED: dict[str, Any] = {
    "id": "order",
    "initial": "waiting",
    "states": {
        "waiting": {"after": {"1000": "late"}, "invoke": {"id": "scoring", "src": "score", "onDone": "scored"}},
        "late": {},
        "scored": {},
    },
}


@pytest.mark.parametrize(
    ("event", "state"), [("xstate.after.1000.order.waiting", "late"), ("xstate.done.actor.scoring", "scored")]
)
def test_whoever_runs_timers_and_services_delivers_their_events(tmp_path: Path, event: str, state: str) -> None:
    """The machine's own events come in by a door of their own, and are recorded as any other."""
    with engine_in(tmp_path) as engine:
        ask(engine, Deploy("v1", TIMED))
        actor = ask(engine, Spawn("v1")).id
        with pytest.raises(errors.ReservedEvent):
            ask(engine, Send(actor, event))
        with pytest.raises(errors.NotInternal):
            ask(engine, Deliver(actor, "PAY"))
        assert ask(engine, Deliver(actor, event)).state == state
        assert [e.event for e in ask(engine, History(actor)).events] == [event]


def test_a_failure_that_nobody_handles_ends_the_actor(tmp_path: Path) -> None:
    """As in XState: no transition is selected, and yet the status is ``error``; so it is part of the history."""
    with engine_in(tmp_path) as engine:
        ask(engine, Deploy("v1", TIMED))
        actor = ask(engine, Spawn("v1")).id
        assert ask(engine, Deliver(actor, "xstate.error.actor.scoring")).status == "error"
        assert ask(engine, Get(actor)).events == 1
        with pytest.raises(errors.ActorFinished):
            ask(engine, Deliver(actor, "xstate.done.actor.scoring"))
