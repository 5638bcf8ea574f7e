"""The loan story through a real socket of a real process, from each of the clients."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from statekeep.protocol import AsyncClient, Client
from statekeep.protocol.errors import ActorFinished, UnknownVersion
from statekeep.protocol.messages import Actors, Decisions, Deploy, Get, Preview, Request, Send, Spawn
from statekeep.tui.cli import loan
from tests.daemon.processes import running
from tests.engine.stories import PAID, WAIVED

PAYING, WAIVING = 12, 8

Call = Callable[[list[Request[Any]]], Awaitable[list[Any]]]


async def lend(call: Call) -> None:
    """Everybody applies, most pay, and the deploy with the preview's digest moves who did."""
    (first,) = await call([Deploy("loan-v1", loan.definition("loan-v1"))])
    assert first.created
    paths = {**{f"paid-{n}": PAID for n in range(PAYING)}, **{f"waived-{n}": WAIVED for n in range(WAIVING)}}
    await call([Spawn("loan-v1", key=key, context={"applicantId": key}) for key in paths])
    sent = await call([Send(key, event) for key, path in paths.items() for event in path])
    assert all(each.handled for each in sent)
    child: dict[str, Any] = {
        "version": "loan-v2",
        "definition": loan.definition("loan-v2"),
        "parent": "loan-v1",
        "path": PAID,
    }
    (plan,) = await call([Preview(**child)])
    assert plan.counts == {"migrated": PAYING, "diverged": WAIVING}
    (deployed,) = await call([Deploy(**child, digest=plan.digest)])
    assert deployed.plan == plan


async def look(call: Call) -> list[Any]:
    """What there is to see, which is what the story says."""
    alice, bob = await call([Get("paid-0"), Get("waived-0")])
    assert (alice.version, alice.state, alice.context) == ("loan-v2", "income_verify", {"applicantId": "paid-0"})
    assert (bob.version, bob.state) == ("loan-v1", "awaiting_docs")
    about: list[Request[Any]] = [Actors(version="loan-v2"), Decisions(route="loan-v2"), Decisions(actor="waived-0")]
    actors, decisions, about_bob = await call(about)
    assert len(actors.actors) == PAYING
    assert [made.outcome for made in decisions.decisions] == ["migrated"] * PAYING + ["diverged"] * WAIVING
    return [alice, bob, actors, decisions, about_bob]


async def blocking(socket: Path, story: Callable[[Call], Awaitable[Any]]) -> Any:
    """Tell a story with the blocking client."""
    with Client(socket) as client:

        async def call(requests: list[Request[Any]]) -> list[Any]:
            return client.call_many(requests)

        return await story(call)


async def asynchronous(socket: Path, story: Callable[[Call], Awaitable[Any]]) -> Any:
    """Tell a story with the asynchronous client."""
    async with AsyncClient(socket) as client:
        return await story(client.call_many)


@pytest.mark.parametrize(
    ("tell", "backend"),
    [(blocking, "asyncio"), (asynchronous, "asyncio"), (asynchronous, "trio")],
    ids=["Client", "AsyncClient-asyncio", "AsyncClient-trio"],
)
def test_the_loan_story(tmp_path: Path, tell: Callable[..., Awaitable[Any]], backend: str) -> None:
    """Told by one client, seen by it, and seen the same by a client of the daemon that was started again."""
    with running(tmp_path) as daemon:
        anyio.run(tell, daemon.socket, lend, backend=backend)
        before = anyio.run(tell, daemon.socket, look, backend=backend)
        assert daemon.end(signal.SIGTERM) == 0
    with running(tmp_path) as daemon:
        assert anyio.run(tell, daemon.socket, look, backend=backend) == before


def test_refusals_arrive_as_their_errors(tmp_path: Path) -> None:
    """A refused request raises the class of its code, and the connection goes on."""
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        with pytest.raises(UnknownVersion):
            client.spawn("loan-v1")
        client.deploy("v", {"initial": "a", "states": {"a": {"type": "final"}}})
        actor = client.spawn("v")
        with pytest.raises(ActorFinished):
            client.send(actor.id, "GO")
        status = client.status()
        assert (status.actors, status.finished, status.connections) == (1, 1, 1)
        assert (status.pid, status.socket) == (daemon.process.pid, str(daemon.socket))
