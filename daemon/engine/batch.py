"""Many spawns and events in one request."""

from __future__ import annotations

from statekeep.daemon.engine.actors import deliver, send, spawn
from statekeep.daemon.engine.world import World
from statekeep.protocol import errors
from statekeep.protocol.messages import Batch, Deliver, Send, Spawn
from statekeep.protocol.records import Actor, BatchResult, BatchResults, Sent


def batch(world: World, request: Batch) -> BatchResults:
    """Carry out requests one after the other. Each is refused before it changes anything, and for itself alone."""
    return BatchResults(results=[_result(world, part) for part in request.requests])


def _result(world: World, request: Spawn | Send | Deliver) -> BatchResult:
    try:
        return BatchResult(ok=_carry_out(world, request))
    except errors.StatekeepError as refused:
        return BatchResult(error=refused.body())


def _carry_out(world: World, request: Spawn | Send | Deliver) -> Actor | Sent:
    match request:
        case Spawn():
            return spawn(world, request)
        case Send():
            return send(world, request)
        case Deliver():
            return deliver(world, request)
