"""What the daemon says of itself."""

from __future__ import annotations

import statekeep
from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import PROTOCOL, Hello, Send, StatusRequest
from tests.engine.stories import PAID, VERIFIED, deploy, spawn
from tests.engine.worlds import ask


def test_hello_agrees_on_a_protocol(engine: Engine) -> None:
    """Of all that a client offers, the one that the daemon speaks; with it come the limits."""
    welcome = ask(engine, Hello(protocols=(PROTOCOL + 1, PROTOCOL)))
    assert (welcome.protocol, welcome.server) == (PROTOCOL, statekeep.__version__)
    assert (welcome.limits.frame, welcome.limits.page, welcome.limits.under_way) == (1 << 20, 1_000, 64)


def test_status_counts(engine: Engine) -> None:
    """Actors and those finished, histories, event types, positions: what a small life amounts to."""
    deploy(engine, "loan-v1")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    for events in ((), ("SUBMIT_INFO",), PAID, ("SUBMIT_INFO", "WAIVE_FEE", "REJECT")):
        spawn(engine, "loan-v1", *events)
    assert not ask(engine, Send(1, "REJECT")).handled
    before = ask(engine, StatusRequest())
    assert (before.versions, before.actors, before.finished, before.cohorts) == (2, 4, 1, 4)
    assert before.event_types == 4
    assert before.histories == 5
    assert before.position == 2 + 4 + 6
    after = ask(engine, StatusRequest())
    assert (after.requests, after.commits) == (before.requests + 1, before.commits)
