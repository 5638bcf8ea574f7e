"""Many spawns and events in one request."""

from __future__ import annotations

import msgspec
import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import MAX_BATCH, Actors, Batch, Deliver, Get, Send, Spawn
from statekeep.protocol.records import Actor, BatchResults, Sent
from tests.engine.stories import deploy
from tests.engine.worlds import ask


@pytest.fixture
def loans(engine: Engine) -> Engine:
    """An engine with ``loan-v1``."""
    deploy(engine, "loan-v1")
    return engine


def test_each_has_a_result_of_its_own(loans: Engine) -> None:
    """In the order of the requests, which build on each other; a refusal leaves the others alone."""
    asked = Batch(
        [
            Spawn("loan-v1", key="alice"),
            Send("alice", "SUBMIT_INFO", expect=0),
            Send("bob", "SUBMIT_INFO"),
            Send("alice", "xstate.done.actor.x"),
            Deliver("alice", "PAY_FEE"),
            Send("alice", "PAY_FEE", expect=1),
            Spawn("loan-v1", key="alice"),
        ]
    )
    results = ask(loans, asked).results
    assert [result.error.code if result.error else result.ok.events for result in results] == [
        0,
        1,
        "unknown_actor",
        "reserved_event",
        "not_internal",
        2,
        "key_exists",
    ]
    assert ask(loans, Get("alice")).state == "awaiting_docs"


def test_a_batch_is_one_commit(loans: Engine) -> None:
    """Its thousand spawns are durable together."""
    before = loans.about.commits
    results = ask(loans, Batch([Spawn("loan-v1", key=f"k{number}") for number in range(MAX_BATCH)])).results
    assert loans.about.commits == before + 1
    assert [result.ok.id for result in results] == list(range(1, MAX_BATCH + 1))
    assert len(ask(loans, Actors(limit=MAX_BATCH)).actors) == MAX_BATCH


def test_a_batch_may_be_repeated(loans: Engine) -> None:
    """When each of its requests has an idempotency key; what was refused is tried again."""
    asked = Batch(
        [
            Spawn("loan-v1", key="alice", idempotency_key="1"),
            Send("alice", "PAY_FEE", require=True, idempotency_key="2"),
            Send("alice", "SUBMIT_INFO", idempotency_key="3"),
        ]
    )
    outcomes = [
        [result.error.code if result.error else result.ok.repeated for result in ask(loans, asked).results]
        for _ in range(3)
    ]
    assert outcomes == [[False, "event_not_accepted", False], [True, False, True], [True, True, True]]


def test_results_cross_the_wire_as_what_they_are(loans: Engine) -> None:
    """A client has an ``Actor`` for a spawn and a ``Sent`` for an event."""
    results = ask(loans, Batch([Spawn("loan-v1", context={"handled": 1}), Send(1, "SUBMIT_INFO"), Send(9, "X")]))
    received = msgspec.msgpack.decode(msgspec.msgpack.encode(results), type=BatchResults)
    assert received == results
    assert [type(result.ok) for result in received.results] == [Actor, Sent, type(None)]
