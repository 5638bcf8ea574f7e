"""A web service whose orders are actors: the daemon keeps their state, and the service does what the state asks for.

statekeepd &
flask --app service run

curl -X POST localhost:5000/orders/4711 --json '{"item": "teapot"}'
curl -X POST localhost:5000/orders/4711/PAY --json '{"cents": 1999}' -H 'Idempotency-Key: payment-815'
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, request

from statekeep.protocol import Client, StatekeepError, errors
from statekeep.protocol.records import Actor, Sent

DEFINITION = Path(__file__).with_name("order-v1.json")
STATUS = {errors.NotFound: 404, errors.Conflict: 409, errors.BadRequest: 400}
"""How a refusal of the daemon reads in HTTP; anything else is 503, for it may work later."""


def create_app(client: Client | None = None, ship: Callable[[str], None] = lambda _: None) -> Flask:
    """The service; ``ship`` is what it does for an order that has been paid."""
    app, actors = Flask(__name__), client or Client()
    actors.deploy("order-v1", json.loads(DEFINITION.read_text()))  # once; a repeat changes nothing

    @app.post("/orders/<order>")
    def create(order: str) -> tuple[dict[str, Any], int]:
        key = request.headers.get("Idempotency-Key")
        return shown(actors.spawn("order-v1", order, request.get_json(silent=True), idempotency_key=key)), 201

    @app.post("/orders/<order>/<event>")
    def happen(order: str, event: str) -> dict[str, Any]:
        sent = actors.send(
            order,
            event,
            request.get_json(silent=True),
            require=True,  # 409 for an event that the order's state does not take
            idempotency_key=request.headers.get("Idempotency-Key"),
        )
        if sent.state == "paid" and not sent.repeated:
            ship(order)
        return shown(sent)

    @app.get("/orders/<order>")
    def look(order: str) -> dict[str, Any]:
        return shown(actors.get(order))

    @app.errorhandler(StatekeepError)
    def refuse(error: StatekeepError) -> tuple[dict[str, Any], int]:
        status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 503)
        return {"code": error.code, "message": error.message, "hint": error.hint}, status

    return app


def shown(found: Actor | Sent) -> dict[str, Any]:
    """What the service says of an order."""
    return {"state": found.state, "finished": found.status != "active", "events": found.events}
