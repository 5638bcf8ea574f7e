"""Idempotency keys: one effect, and the first answer again."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statekeep.daemon.engine import Engine, repeats
from statekeep.protocol import errors
from statekeep.protocol.messages import Actors, Deliver, Get, History, Refusal, Send, Spawn, Verify
from tests.engine.stories import PAID, VERIFIED, deploy, spawn
from tests.engine.worlds import MEMORY, ask, engine_in


@pytest.fixture
def loans(engine: Engine) -> Engine:
    """An engine with ``loan-v1``."""
    deploy(engine, "loan-v1")
    return engine


def keyed(event: str = "SUBMIT_INFO", actor: int | str = "alice", key: str = "k", **more: Any) -> Send:
    """An event under an idempotency key."""
    return Send(actor, event, idempotency_key=key, **more)


def repeated(answer: Any) -> dict[str, Any]:
    """What a repeat of this answer must say."""
    return {name: getattr(answer, name) for name in answer.__struct_fields__} | {"repeated": True}


def fields(answer: Any) -> dict[str, Any]:
    """What an answer says."""
    return {name: getattr(answer, name) for name in answer.__struct_fields__}


def test_an_event_that_comes_again_is_processed_once(loans: Engine) -> None:
    """In the same batch, in a later one and after a restart; only that it is a repeat is said."""
    spawn(loans, "loan-v1", key="alice")
    first, again = (answer.ok for answer in cast("list[Any]", loans.run([keyed(), keyed()])))
    assert not first.repeated
    assert fields(again) == repeated(first)
    assert fields(ask(loans, keyed())) == repeated(first)
    loans._load()
    assert fields(ask(loans, keyed())) == repeated(first)
    assert ask(loans, Get("alice")).events == 1


def test_a_repeat_says_what_was_true_then(loans: Engine) -> None:
    """Whatever the actor has done meanwhile, also when it has finished or gone to another version."""
    spawn(loans, "loan-v1", key="alice")
    first = ask(loans, keyed())
    deploy(loans, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    for event in ("PAY_FEE", "INCOME_VERIFIED", "APPROVE"):
        last = ask(loans, keyed(event, key=event))
    assert (last.status, last.version) == ("done", "loan-v2")
    assert fields(ask(loans, keyed())) == repeated(first)
    assert fields(ask(loans, keyed("APPROVE", key="APPROVE"))) == repeated(last)


def test_an_event_that_was_not_handled_is_answered_so_again(loans: Engine) -> None:
    """Though the actor would handle it by now."""
    spawn(loans, "loan-v1", key="alice")
    assert not ask(loans, keyed("PAY_FEE")).handled
    ask(loans, Send("alice", "SUBMIT_INFO"))
    again = ask(loans, keyed("PAY_FEE"))
    assert (again.handled, again.repeated) == (False, True)


def test_a_refusal_is_not_kept(loans: Engine) -> None:
    """It had no effect; a repeat is carried out when nothing stands against it any more."""
    spawn(loans, "loan-v1", key="alice")
    with pytest.raises(errors.EventNotAccepted):
        ask(loans, keyed("PAY_FEE", require=True))
    ask(loans, Send("alice", "SUBMIT_INFO"))
    sent = ask(loans, keyed("PAY_FEE", require=True))
    assert (sent.handled, sent.repeated) == (True, False)


@pytest.mark.parametrize(
    "other",
    [
        keyed("PAY_FEE"),
        keyed(payload={"pages": 13}),
        keyed(payload={"pages": 12}, expect=0),
        keyed(payload={"pages": 12}, require=True),
        keyed(payload={"pages": 12}, context=None),
        Deliver("alice", "xstate.done.actor.scoring", {"pages": 12}, idempotency_key="k"),
    ],
    ids=["event", "payload", "expect", "require", "context", "op"],
)
def test_another_content_under_the_same_key_is_refused(loans: Engine, other: Send | Deliver) -> None:
    """Whatever differs, nothing happens."""
    spawn(loans, "loan-v1", key="alice")
    ask(loans, keyed(payload={"pages": 12}))
    before = ask(loans, Get("alice"))
    with pytest.raises(errors.IdempotencyConflict, match="'k'"):
        ask(loans, other)
    assert ask(loans, Get("alice")) == before


def test_the_same_content_may_be_said_differently(loans: Engine) -> None:
    """The order of an object's keys, the number of the request and the name of the actor don't matter."""
    alice = spawn(loans, "loan-v1", key="alice")
    ask(loans, keyed(payload={"a": 1, "b": {"c": 2, "d": 3}}))
    assert ask(loans, keyed(actor=alice, payload={"b": {"d": 3, "c": 2}, "a": 1}, id=7)).repeated


def test_each_actor_has_its_own_keys(loans: Engine) -> None:
    """And spawns have theirs."""
    spawn(loans, "loan-v1", key="alice")
    ask(loans, Spawn("loan-v1", key="bob", idempotency_key="k"))
    assert not ask(loans, keyed(actor="alice")).repeated
    assert not ask(loans, keyed(actor="bob")).repeated


def test_a_spawn_that_comes_again_makes_no_second_actor(loans: Engine) -> None:
    """With or without a key of the actor's own; the answer has the context that the actor began with."""
    asked = Spawn("loan-v1", context={"amount": 1}, idempotency_key="k")
    first = ask(loans, asked)
    ask(loans, Send(first.id, "SUBMIT_INFO", context={"amount": 2}))
    loans._load()
    assert fields(ask(loans, asked)) == repeated(first)
    named = Spawn("loan-v1", key="alice", idempotency_key="k2")
    assert ask(loans, named).id == ask(loans, named).id == 2
    with pytest.raises(errors.IdempotencyConflict):
        ask(loans, Spawn("loan-v1", context={"amount": 2}, idempotency_key="k"))


def test_the_latest_answers_of_each_actor_are_kept(loans: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older request that is repeated is a new one; another actor's answers are not counted."""
    monkeypatch.setattr(repeats, "KEPT", 3)
    monkeypatch.setattr(repeats, "FORGOTTEN", 2)
    for name in ("alice", "bob"):
        ask(loans, Spawn("loan-v1", key=name))
        ask(loans, keyed("FIRST", name, "0"))
    for number in range(1, 4):
        ask(loans, keyed("NEXT", key=str(number)))
        if number == 2:
            loans._load()
    assert [ask(loans, keyed("NEXT", key=str(number))).repeated for number in (1, 2, 3)] == [True] * 3
    assert ask(loans, keyed("FIRST", "bob", "0")).repeated
    assert not ask(loans, keyed("FIRST", "alice", "0")).repeated


def test_what_was_taken_back_was_never_answered(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fault in its batch a request is run once more, and its answer is that of the second run."""
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        spawn(engine, "loan-v1", key="alice")
        commit, failed = engine._store.commit, [False]

        def fail_once() -> bool:
            if not failed[0]:
                failed[0] = True
                raise RuntimeError
            return commit()

        monkeypatch.setattr(engine._store, "commit", fail_once)
        assert not ask(engine, keyed()).repeated
        assert ask(engine, keyed()).repeated
        assert [event.number for event in ask(engine, History("alice")).events] == [1]


@pytest.mark.parametrize("key", ["\0", "line\nbreak", "x" * 257])
def test_a_key_is_printable_text(loans: Engine, key: str) -> None:
    """As the other names that callers give."""
    spawn(loans, "loan-v1", key="alice")
    for request in (keyed(key=key), Spawn("loan-v1", idempotency_key=key)):
        with pytest.raises(errors.BadRequest, match="idempotency key"):
            ask(loans, request)


def test_a_damaged_answer_is_found(loans: Engine) -> None:
    """By ``verify``, which names the actor, and the row."""
    alice = spawn(loans, "loan-v1", key="alice")
    ask(loans, keyed())
    loans._store._connection.execute("UPDATE repeats SET answer = zeroblob(60)")
    answer, row = ask(loans, Verify()).differences
    assert (answer.key, answer.what) == ("alice", "answer")
    assert (row.what, row.found) == ("evidence", {"table": "repeats", "rows": 1, "row": [alice]})


@given(data=st.data())
@settings(max_examples=60)
def test_retries_change_nothing(data: st.DataObject) -> None:
    """Requests that come any number of times, in any batches and with restarts between, lead where once does."""
    asked: list[Spawn | Send] = [Spawn("loan-v1", key=name, idempotency_key=name) for name in ("alice", "bob")]
    events = st.sampled_from(["SUBMIT_INFO", "PAY_FEE", "WAIVE_FEE", "APPROVE"])
    sends = data.draw(st.lists(st.tuples(events, st.sampled_from(["alice", "bob"])), min_size=1, max_size=12))
    asked += [keyed(event, actor, f"k{number}") for number, (event, actor) in enumerate(sends)]
    with contextlib.ExitStack() as stack:
        directories = [Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY))) for _ in range(2)]
        once, often = (stack.enter_context(engine_in(directory)) for directory in directories)
        for engine in (once, often):
            deploy(engine, "loan-v1")
            deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
        expected = [answer_of(once.run([request])[0]) for request in asked]
        for place, request in enumerate(asked):
            earlier = data.draw(st.lists(st.integers(0, place), max_size=3))
            answers = often.run([request, *(asked[number] for number in earlier)])
            assert list(map(answer_of, answers)) == [expected[place], *(expected[number] for number in earlier)]
            if data.draw(st.booleans()):
                often._load()
        assert stand(often) == stand(once)


def answer_of(answer: Any) -> dict[str, Any] | str:
    """What an answer says, but for positions and that it is a repeat; of a refusal its code."""
    if isinstance(answer, Refusal):
        return answer.error.code
    return fields(answer.ok) | {"repeated": False, "position": 0}


def stand(engine: Engine) -> list[Any]:
    """Where the actors of an engine stand."""
    return [(a.version, a.state, a.events, a.fingerprint) for a in ask(engine, Actors()).actors]
