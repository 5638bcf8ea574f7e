"""Batches: durable as a whole, and taken back as a whole when something goes wrong that nobody foresaw."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.engine import Engine, actors
from statekeep.daemon.engine.world import World
from statekeep.protocol.messages import (
    Actors,
    Answer,
    AnyRequest,
    Deploy,
    Get,
    History,
    Preview,
    Refusal,
    Send,
    Spawn,
    Versions,
)
from statekeep.protocol.records import Actor, Sent
from tests.engine.stories import LOAN, PAID, VERIFIED, account, deploy, spawn
from tests.engine.worlds import ask, engine_in

HOLDER = "Anna Miller"


@pytest.fixture
def loans(directory: Path) -> Iterator[Engine]:
    """An engine with two loans under review."""
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
        spawn(engine, "loan-v1", "SUBMIT_INFO", key="alice")
        spawn(engine, "loan-v1", "SUBMIT_INFO", key="bob")
        yield engine


def as_stored(engine: Engine) -> list[Any]:
    """What the engine says when it knows nothing but what was committed."""
    engine._store.rollback()
    engine._load()
    return account(engine)


def failing(count: int, original: Callable[..., Any]) -> Callable[..., Any]:
    """What the original does, but the first ``count`` calls then raise what quotes a secret."""
    left = [None] * count

    def fail(*arguments: Any, **more: Any) -> Any:
        result = original(*arguments, **more)
        if left:
            left.pop()
            raise RuntimeError(f"it was about {HOLDER}: {arguments}")
        return result

    return fail


def codes(answers: list[Any]) -> list[str]:
    """The code of each refusal; ``ok`` for what was carried out."""
    return [answer.error.code if isinstance(answer, Refusal) else "ok" for answer in answers]


def test_a_batch_is_one_commit(loans: Engine) -> None:
    """And each request sees what those before it did."""
    commits = loans.about.commits
    answers = loans.run([Spawn("loan-v1", key="carol"), Send("carol", "SUBMIT_INFO"), Get("carol"), Get(3)])
    assert codes(answers) == ["ok"] * 4
    found = [answer.ok for answer in answers if isinstance(answer, Answer)]
    assert [each.state for each in found if isinstance(each, Actor | Sent)] == ["submitted", *["under_review"] * 3]
    assert loans.about.commits == commits + 1


def test_looking_commits_nothing(loans: Engine) -> None:
    """Reads, refusals and events that are not handled cost no sync; all of them are counted as requests."""
    about = loans.about
    before = about.commits, about.requests
    assert codes(loans.run([Get("alice"), Send("alice", "APPROVE"), Get("nobody")])) == ["ok", "ok", "unknown_actor"]
    assert codes(loans.run([Preview("new", LOAN, parent="loan-v2")])) == ["ok"]
    assert (about.commits, about.requests) == (before[0], before[1] + 4)


def test_a_fault_fails_alone(loans: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug at one event, after it has changed memory and store: that event never was, and all others of its batch are.

    Memory is what the store says again.
    """

    def send(world: World, request: Send) -> Sent:
        sent = original(world, request)
        if request.event == "PAY_FEE":
            raise KeyError(request.payload)
        return sent

    original = actors.send
    monkeypatch.setattr(actors, "send", send)
    loans._load()
    batch: list[AnyRequest] = [
        Send("alice", "WAIVE_FEE"),
        Send("bob", "PAY_FEE"),
        Spawn("loan-v1", key="carol"),
        Send("alice", "APPROVE"),
    ]
    assert codes(loans.run(batch)) == ["ok", "internal_error", "ok", "ok"]
    assert [actor.state for actor in ask(loans, Actors()).actors] == ["approved", "under_review", "submitted"]
    assert account(loans) == as_stored(loans)


@pytest.mark.parametrize(
    "write",
    ["add_name", "add_history", "add_cohort", "add_event", "add_actor", "add_configuration", "add_decisions"],
)
def test_a_fault_anywhere_is_made_up_for(loans: Engine, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    """One write fails once, whichever it is: the batch is run again, and nothing of the first run is left."""
    batch: list[AnyRequest] = [
        Spawn("loan-v1", key="carol"),
        Send("alice", "PAY_FEE"),
        Send("bob", "WAIVE_FEE"),
        Send("bob", "REJECT"),
    ]
    store = loans._store.writes
    monkeypatch.setattr(store, write, failing(1, getattr(store, write)))
    assert codes(loans.run(batch)) == ["ok"] * 4
    found = ask(loans, Actors()).actors
    assert [(actor.version, actor.state, actor.events) for actor in found] == [
        ("loan-v2", "income_verify", 2),
        ("loan-v1", "rejected", 3),
        ("loan-v1", "submitted", 0),
    ]
    assert account(loans) == as_stored(loans)


@pytest.mark.parametrize("write", ["add_version", "add_route", "judge_cohorts"])
def test_a_deploy_that_fails_never_was(loans: Engine, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    """The version and its route come together or not at all, and may be deployed when the fault is gone."""
    before, request = account(loans), Deploy("loan-v3", LOAN, parent="loan-v1", path=["SUBMIT_INFO", "WAIVE_FEE"])
    with monkeypatch.context() as patch:
        patch.setattr(loans._store.writes, write, failing(2, getattr(loans._store.writes, write)))
        assert codes(loans.run([request])) == ["internal_error"]
    assert account(loans) == before
    assert ask(loans, request).created
    assert account(loans) == as_stored(loans)


def test_a_commit_that_fails_once_is_made_up_for(loans: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The requests are carried out one by one, and none of them twice."""
    commit, faults = loans._store.commit, [sqlite3.OperationalError("disk I/O error")]

    def flaky() -> bool:
        if faults:
            raise faults.pop()
        return commit()

    monkeypatch.setattr(loans._store, "commit", flaky)
    assert (
        codes(loans.run([Send("alice", "PAY_FEE"), Spawn("loan-v1"), Send("alice", "INCOME_VERIFIED")])) == ["ok"] * 3
    )
    assert [event.event for event in ask(loans, History("alice")).events] == [*PAID, "INCOME_VERIFIED"]
    assert account(loans) == as_stored(loans)


def test_a_full_disk_refuses_everything_and_changes_nothing(loans: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """While no commit succeeds, each change is refused as ``storage_failed``; afterwards all goes on as before."""

    def full() -> bool:
        raise sqlite3.OperationalError(f"disk I/O error at {HOLDER}")

    before = account(loans)
    with monkeypatch.context() as patch:
        patch.setattr(loans._store, "commit", full)
        answers = loans.run([Send("alice", "PAY_FEE"), Spawn("loan-v1"), Send("nobody", "PAY_FEE")])
        assert set(codes(answers)) <= {"storage_failed", "unknown_actor"}
        assert HOLDER not in repr(answers)
    assert account(loans) == before
    assert ask(loans, Send("alice", "PAY_FEE")).migrated_from == "loan-v1"
    assert account(loans) == as_stored(loans)


def test_the_log_tells_where_and_not_what(
    loans: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault is logged with its type and its place; names, keys and payloads that it quotes are not."""
    monkeypatch.setattr(loans._store.writes, "add_event", failing(2, loans._store.writes.add_event))
    with caplog.at_level(logging.DEBUG):
        assert codes(loans.run([Send("alice", "PAY_FEE", {"holder": HOLDER})])) == ["internal_error"]
    assert "RuntimeError" in caplog.text
    assert "in send" in caplog.text
    for word in (HOLDER, "alice", "holder"):
        assert word not in caplog.text


def test_the_next_batch_knows_nothing_of_a_fault(loans: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that a failed spawn had taken is free again, and ids and positions have no gap."""
    position = ask(loans, Get("bob")).position
    with monkeypatch.context() as patch:
        patch.setattr(loans._store.writes, "add_actor", failing(2, loans._store.writes.add_actor))
        assert codes(loans.run([Spawn("loan-v1", key="carol")])) == ["internal_error"]
    carol = ask(loans, Spawn("loan-v1", key="carol"))
    assert (carol.id, carol.position) == (3, position + 1)
    assert ask(loans, Versions()).versions[0].active == 3
