"""The service with a daemon of its own for each test."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from examples.orders.service import create_app
from statekeep.testing import StateKeep


@pytest.fixture
def shipped() -> list[str]:
    """The orders that were shipped."""
    return []


@pytest.fixture
def web(statekeep: StateKeep, shipped: list[str]) -> FlaskClient:
    """A browser at the service."""
    return create_app(statekeep.client, shipped.append).test_client()


def test_an_order_lives_in_the_daemon(web: FlaskClient, statekeep: StateKeep) -> None:
    """What the web does can be seen there, with what came along."""
    assert web.post("/orders/4711", json={"item": "teapot"}).status_code == 201
    assert web.post("/orders/4711/PAY", json={"cents": 1999}).json == {"state": "paid", "finished": False, "events": 1}
    order = statekeep.machine("4711").assert_at("paid").assert_accepts("SHIP", "REFUND")
    assert order.actor.context == {"item": "teapot"}
    assert [event.payload for event in order.events] == [{"cents": 1999}]


def test_a_repeated_payment_ships_once(web: FlaskClient, shipped: list[str]) -> None:
    """Whoever clicks twice, or is behind a proxy that does, pays once."""
    web.post("/orders/4711")
    answers = [web.post("/orders/4711/PAY", headers={"Idempotency-Key": "payment-815"}) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert shipped == ["4711"]


def test_what_does_not_fit_is_said(web: FlaskClient) -> None:
    """With the status that a browser expects, and the daemon's own words."""
    web.post("/orders/4711")
    conflict = web.post("/orders/4711/SHIP")
    assert (conflict.status_code, conflict.json and conflict.json["hint"]) == (409, "It accepts PAY, CANCEL.")
    assert web.get("/orders/12").status_code == 404
    assert web.post("/orders/4711/xstate.done.actor.x").status_code == 400
    assert web.post("/orders/4711").status_code == 409
