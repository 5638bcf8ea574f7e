"""The two stories that the project tells, from the definitions that it ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Actors, Decisions, Deploy, Get, History, Preview, Send, Versions
from statekeep.tui.cli import loan
from tests.engine.stories import PAID, WAIVED, deploy, spawn
from tests.engine.worlds import ask, engine_in


def lend(engine: Engine) -> dict[str, Any]:
    """Deploy ``loan-v1`` and have twelve pay the fee and eight waive it; the request for ``loan-v2``."""
    deploy(engine, "loan-v1", loan.definition("loan-v1"))
    for number in range(12):
        spawn(engine, "loan-v1", *PAID, key=f"paid-{number}")
    for number in range(8):
        spawn(engine, "loan-v1", *WAIVED, key=f"waived-{number}")
    return {"version": "loan-v2", "definition": loan.definition("loan-v2"), "parent": "loan-v1", "path": PAID}


def test_the_loan_story(directory: Path) -> None:
    """Both are in one state; the deploy moves who paid and leaves who did not, with the reasons, and so it stays."""
    with engine_in(directory) as engine:
        child = lend(engine)
        assert {actor.state for actor in ask(engine, Actors()).actors} == {"awaiting_docs"}
        plan = ask(engine, Preview(**child))
        assert plan.counts == {"migrated": 12, "diverged": 8}
        assert [(row.outcome, row.state, row.landing, row.skipped, row.actors) for row in plan.rows] == [
            ("diverged", "awaiting_docs", None, 0, 8),
            ("migrated", "awaiting_docs", "income_verify", 0, 12),
        ]
        assert ask(engine, Deploy(**child, digest=plan.digest)).plan == plan
    with engine_in(directory) as engine:
        alice, bob = ask(engine, Get("paid-0")), ask(engine, Get("waived-0"))
        assert (alice.version, alice.state, alice.events) == ("loan-v2", "income_verify", 2)
        assert (bob.version, bob.state, bob.events) == ("loan-v1", "awaiting_docs", 2)
        (moved,), (stayed,) = (ask(engine, Decisions(actor=each.id)).decisions for each in (alice, bob))
        assert (moved.outcome, moved.version_before, moved.version_after) == ("migrated", "loan-v1", "loan-v2")
        assert (moved.state_before, moved.landing, moved.skipped) == ("awaiting_docs", "income_verify", 0)
        assert moved.fingerprint == moved.path_hash == "8e106e4dbc4c2635"
        assert (stayed.outcome, stayed.version_after, stayed.landing) == ("diverged", None, None)
        assert (stayed.fingerprint, stayed.path_hash) == ("61fdd8cb17411e11", "8e106e4dbc4c2635")
        assert ask(engine, Send("paid-0", "INCOME_VERIFIED")).state == "awaiting_docs"
        assert ask(engine, Send("waived-0", "APPROVE")).status == "done"
        events = ask(engine, History("paid-0")).events
        assert [(event.event, event.version) for event in events] == [
            ("SUBMIT_INFO", "loan-v1"),
            ("PAY_FEE", "loan-v1"),
            ("INCOME_VERIFIED", "loan-v2"),
        ]


def test_the_rescue_story(engine: Engine) -> None:
    """Those who ran into the bug are taken by its child, exactly they, and go on from where they were before it."""
    lend(engine)
    deploy(engine, "buggy", loan.definition("loan-v2-buggy"), parent="loan-v1", path=WAIVED)
    for number in range(3):
        assert ask(engine, Send(f"waived-{number}", "TRIGGER_BUG")).state == "stuck"
    path = [*WAIVED, "TRIGGER_BUG"]
    plan = deploy(engine, "rescue", loan.definition("loan-v2-rescue"), parent="buggy", path=path).plan
    assert plan is not None
    assert plan.counts == {"migrated": 3, "pending": 5}
    assert [(row.landing, row.skipped) for row in plan.rows if row.outcome == "migrated"] == [("awaiting_docs", 1)]
    rescued = ask(engine, Actors(version="rescue")).actors
    assert [(actor.key, actor.state, actor.events) for actor in rescued] == [
        (f"waived-{number}", "awaiting_docs", 3) for number in range(3)
    ]
    assert ask(engine, Send("waived-0", "APPROVE")).state == "approved"
    assert ask(engine, Send("waived-7", "TRIGGER_BUG")).migrated_from == "buggy"
    populations = {found.version: (found.active, found.finished) for found in ask(engine, Versions()).versions}
    assert populations == {"loan-v1": (12, 0), "buggy": (4, 0), "rescue": (3, 1)}
