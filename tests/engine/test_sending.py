"""What a sender may demand: an expected position, a handled event, a patched context."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from statekeep.daemon.engine import Engine, patching
from statekeep.daemon.engine.patching import merge
from statekeep.protocol import errors
from statekeep.protocol.messages import Actors, Deliver, Deploy, Get, History, Send, Spawn
from tests.engine.stories import deploy, spawn
from tests.engine.worlds import ask


@pytest.fixture
def loans(engine: Engine) -> Engine:
    """An engine with ``loan-v1`` and Alice, who has a context."""
    deploy(engine, "loan-v1")
    ask(engine, Spawn("loan-v1", key="alice", context={"amount": 1, "notes": {"a": 1, "b": 2}}))
    return engine


def test_who_expects_another_position_is_refused(loans: Engine) -> None:
    """Both numbers are named, and nothing has changed; with the right one the event is processed."""
    assert ask(loans, Send("alice", "SUBMIT_INFO", expect=0)).events == 1
    for expected in (0, 2):
        with pytest.raises(errors.ActorMovedOn, match=f"has processed 1 event; {expected} were expected"):
            ask(loans, Send("alice", "PAY_FEE", expect=expected))
    assert ask(loans, Send("alice", "PAY_FEE", expect=1)).state == "awaiting_docs"


def test_of_two_who_expect_the_same_position_one_wins(loans: Engine) -> None:
    """Also when both requests come at the same moment."""
    kinds = [type(answer).__name__ for answer in loans.run([Send("alice", "SUBMIT_INFO", expect=0)] * 2)]
    assert kinds == ["Answer", "Refusal"]


def test_a_required_event_that_is_not_handled_is_refused(loans: Engine) -> None:
    """The error lists what the actor would accept, and nothing is left behind."""
    before, names = ask(loans, Get("alice")), list(loans._world.symbols.names)
    with pytest.raises(errors.EventNotAccepted, match="It accepts SUBMIT_INFO"):
        ask(loans, Send("alice", "APPROVE", require=True, context={"approved": True}))
    assert ask(loans, Get("alice")) == before
    assert loans._world.symbols.names == names
    assert ask(loans, Send("alice", "SUBMIT_INFO", require=True)).handled


OFFERING: dict[str, Any] = {
    "id": "m",
    "initial": "busy",
    "on": {"CANCEL": ".gone", "SHADOWED": ".gone", "FORBIDDEN": ".gone", "order.*": ".gone"},
    "states": {
        "busy": {
            "initial": "deep",
            "on": {"SHADOWED": "gone", "NOTE": {"actions": "log"}, "SILENT": {}},
            "after": {"1000": "gone"},
            "states": {"deep": {"on": {"NEXT": "other", "FORBIDDEN": {}}}, "other": {"on": {"*": {}}}},
        },
        "gone": {"type": "final"},
    },
}


def test_an_actor_says_what_it_accepts(engine: Engine) -> None:
    """Its own state's events first, then its parents'; not what is forbidden, nor what a deeper wildcard takes."""
    deploy(engine, "v", OFFERING)
    actor = spawn(engine, "v")
    assert ask(engine, Get(actor)).accepts == [
        "NEXT",
        "SHADOWED",
        "NOTE",
        "xstate.after.1000.m.busy",
        "CANCEL",
        "order.*",
    ]
    ask(engine, Send(actor, "NEXT"))
    assert ask(engine, Get(actor)).accepts == []
    assert [listed.accepts for listed in ask(engine, Actors()).actors] == [[]]


def test_a_finished_actor_accepts_nothing(loans: Engine) -> None:
    """And says so in no words."""
    for event in ("SUBMIT_INFO", "PAY_FEE", "APPROVE"):
        ask(loans, Send("alice", event))
    assert ask(loans, Get("alice")).accepts == []


RFC_7396 = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]
"""Target, patch and result: the test cases of RFC 7396, appendix A."""


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_a_patch_does_what_the_rfc_says(target: str, patch: str, result: str) -> None:
    """And leaves what it was made from as it is."""
    before = json.loads(target)
    assert merge(before, json.loads(patch)) == json.loads(result)
    assert before == json.loads(target)


def test_a_context_is_patched_with_the_event(loans: Engine) -> None:
    """A look at the actor has the result, also after a restart; the history has the patch, and only where one was."""
    ask(loans, Send("alice", "SUBMIT_INFO", {"pages": 3}, context={"amount": 2, "notes": {"a": None}}))
    ask(loans, Send("alice", "PAY_FEE"))
    loans._load()
    assert ask(loans, Get("alice")).context == {"amount": 2, "notes": {"b": 2}}
    first, second = ask(loans, History("alice")).events
    assert (first.payload, first.context) == ({"pages": 3}, {"amount": 2, "notes": {"a": None}})
    assert b'"context"' not in json_of(second)


def json_of(record: Any) -> bytes:
    """A record as it crosses the wire."""
    return msgspec.json.encode(record)


def test_a_patch_of_null_leaves_no_context(loans: Engine) -> None:
    """It is not the same as no patch, and the history tells them apart."""
    ask(loans, Send("alice", "SUBMIT_INFO", context=None))
    assert ask(loans, Get("alice")).context is None
    (event,) = ask(loans, History("alice")).events
    assert b'"context":null' in json_of(event)
    ask(loans, Send("alice", "PAY_FEE", context={"amount": 5}))
    assert ask(loans, Get("alice")).context == {"amount": 5}


def test_patches_of_one_batch_build_on_each_other(loans: Engine) -> None:
    """Each sees the context that the one before it left."""
    loans.run(
        [Send("alice", "SUBMIT_INFO", context={"a": 1}), Send("alice", "PAY_FEE", context={"b": 2, "amount": None})]
    )
    assert ask(loans, Get("alice")).context == {"notes": {"a": 1, "b": 2}, "a": 1, "b": 2}


def test_an_event_that_is_not_handled_patches_nothing(loans: Engine) -> None:
    """The context goes with the event or not at all."""
    before = ask(loans, Get("alice"))
    assert not ask(loans, Send("alice", "APPROVE", context={"approved": True})).handled
    assert ask(loans, Get("alice")) == before


def test_a_context_that_grows_over_its_limit_is_refused(loans: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything changes: the event has not happened."""
    monkeypatch.setattr(patching, "MAX_CONTEXT", 100)
    before = ask(loans, Get("alice"))
    with pytest.raises(errors.LimitExceeded, match="100 bytes"):
        ask(loans, Send("alice", "SUBMIT_INFO", context={"text": "x" * 100}))
    assert ask(loans, Get("alice")) == before
    assert ask(loans, History("alice")).events == []
    assert ask(loans, Send("alice", "SUBMIT_INFO", context={"text": "x"})).handled


def test_a_delivered_event_may_demand_the_same(engine: Engine) -> None:
    """What an invoked service reports goes into the context."""
    machine = {
        "id": "m",
        "initial": "a",
        "states": {"a": {"invoke": {"id": "scoring", "src": "s", "onDone": "b"}}, "b": {}},
    }
    ask(engine, Deploy("v", machine))
    spawn(engine, "v", key="bob")
    event = "xstate.done.actor.scoring"
    ask(engine, Deliver("bob", event, expect=0, require=True, context={"score": 7}, idempotency_key="k"))
    assert ask(engine, Get("bob")).context == {"score": 7}
    with pytest.raises(errors.EventNotAccepted, match="no event at all"):
        ask(engine, Deliver("bob", event, require=True))
