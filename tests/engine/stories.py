"""The loan of the README, as far as a test of the engine needs it."""

from __future__ import annotations

from typing import Any

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Actors, Decisions, Deploy, Get, History, Send, Spawn, Versions
from statekeep.protocol.records import Deployed
from tests.engine.worlds import ask

STATES: dict[str, Any] = {
    "submitted": {"on": {"SUBMIT_INFO": "under_review"}},
    "under_review": {"on": {"PAY_FEE": "awaiting_docs", "WAIVE_FEE": "awaiting_docs"}},
    "awaiting_docs": {"on": {"APPROVE": "approved", "REJECT": "rejected"}},
    "approved": {"type": "final"},
    "rejected": {"type": "final"},
}
LOAN: dict[str, Any] = {"id": "loan", "initial": "submitted", "states": STATES}
"""``loan-v1``."""

VERIFIED = {
    **LOAN,
    "states": {
        **STATES,
        "under_review": {"on": {"PAY_FEE": "income_verify", "WAIVE_FEE": "awaiting_docs"}},
        "income_verify": {"on": {"INCOME_VERIFIED": "awaiting_docs"}},
    },
}
"""``loan-v2``: who pays the fee has his income verified."""

BUGGY = {**LOAN, "states": {**STATES, "awaiting_docs": {"on": {"TRIGGER_BUG": "stuck"}}, "stuck": {}}}
"""A version with a state that nobody leaves."""

PAID = ["SUBMIT_INFO", "PAY_FEE"]
WAIVED = ["SUBMIT_INFO", "WAIVE_FEE"]


def deploy(engine: Engine, version: str, definition: dict[str, Any] = LOAN, **more: Any) -> Deployed:
    """Deploy a version that must be accepted."""
    deployed: Deployed = ask(engine, Deploy(version, definition, **more))
    return deployed


def spawn(engine: Engine, version: str, *events: str, key: str | None = None) -> int:
    """The id of a new actor that has processed these events."""
    actor: int = ask(engine, Spawn(version, key=key)).id
    for event in events:
        assert ask(engine, Send(actor, event)).handled
    return actor


def account(engine: Engine) -> list[Any]:
    """What the engine says of everything that it keeps."""
    actors = [actor.id for actor in ask(engine, Actors(limit=1_000)).actors]
    about = [kind(actor) for actor in actors for kind in (Get, History)]
    return [ask(engine, request) for request in (Versions(), *about, *map(Decisions, actors))]
