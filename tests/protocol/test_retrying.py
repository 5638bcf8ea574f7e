"""What is repeated after a lost connection, and what is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statekeep.protocol import AsyncClient, Client, errors
from statekeep.protocol.messages import REQUESTS, AnyRequest, Batch, Close, Deploy, Get, Send, Spawn, Versions
from statekeep.protocol.records import Record, Sent, VersionList
from statekeep.protocol.retrying import Effort, named, repeatable
from tests.protocol.fakes import HangUp, echo, fake_daemon

LOST = errors.ConnectionLost("gone")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the socket is."""
    return tmp_path / "s"


def answering(*behaviours: str) -> Callable[[AnyRequest], Record]:
    """A daemon that hangs up where a behaviour says ``lost``; beyond the last it always answers."""
    left = list(behaviours)

    def answer(request: AnyRequest) -> Record:
        if left and left.pop(0) == "lost":
            raise HangUp
        return echo(request) if isinstance(request, Send) else VersionList(versions=[])

    return answer


def keys(requests: list[AnyRequest]) -> list[Any]:
    """The idempotency keys that a daemon has seen."""
    return [request.idempotency_key for request in requests if isinstance(request, Send)]


def test_every_write_gets_a_key_of_its_own() -> None:
    """Also those in a batch; a key that the caller gave stays, and his objects are left as they are."""
    batch = Batch([Spawn("v"), Send(1, "E"), Send(1, "E", idempotency_key="mine")])
    first, second, third = named(batch).requests
    assert first.idempotency_key
    assert second.idempotency_key not in (None, first.idempotency_key)
    assert third.idempotency_key == "mine"
    assert [part.idempotency_key for part in batch.requests] == [None, None, "mine"]
    assert named(Versions()) == Versions()


def test_what_may_be_repeated() -> None:
    """Reads, and writes with a key; nothing else, and nothing that this list does not know."""
    reads = {op for op, kind in REQUESTS.items() if kind.role == "viewer"}
    assert reads.isdisjoint({"deploy", "close", "spawn", "send", "deliver", "batch"})
    assert {"get", "actors", "history", "versions", "status", "preview", "decisions", "verify"} <= reads
    assert repeatable(Versions())
    assert repeatable(Send(1, "E", idempotency_key="k"))
    assert repeatable(named(Batch([Send(1, "E")])))
    assert not any(map(repeatable, [Send(1, "E"), Batch([Send(1, "E")]), Deploy("v", {}), Close("v")]))


def test_a_lost_answer_is_asked_for_again(path: Path) -> None:
    """Under the same key, on another connection."""
    with fake_daemon(path, answering("lost", "lost")) as daemon, Client(path) as client:
        assert client.send(1, "E").version == "E"
        assert daemon.connections == 3
    assert len(keys(daemon.requests)) == 3
    assert len(set(keys(daemon.requests))) == 1


@pytest.mark.anyio
async def test_the_asynchronous_client_does_the_same(path: Path) -> None:
    """Under asyncio and under trio."""
    with fake_daemon(path, answering("lost")) as daemon:
        async with AsyncClient(path) as client:
            assert (await client.send(1, "E")).version == "E"
            outcomes = [outcome async for outcome in client.send_many(Send(1, f"E{n}") for n in range(2_500))]
    assert [outcome.version for outcome in outcomes if isinstance(outcome, Sent)] == [f"E{n}" for n in range(2_500)]
    assert keys(daemon.requests)[0] == keys(daemon.requests)[1]


def test_what_was_answered_is_not_asked_again(path: Path) -> None:
    """Of many requests only those without an answer are repeated, in their order."""
    with fake_daemon(path, answering(*["answer"] * 40, "lost")) as daemon, Client(path) as client:
        outcomes = client.call_many(Send(1, f"E{number}") for number in range(100))
    assert [outcome.version for outcome in outcomes if isinstance(outcome, Sent)] == [f"E{n}" for n in range(100)]
    seen = [request.event for request in daemon.requests if isinstance(request, Send)]
    assert seen[-1] == "E99"
    assert len(seen) < 100 + 17, "the window of the connection that was lost, at most"
    assert list(dict.fromkeys(seen)) == [f"E{number}" for number in range(100)]


def test_a_request_that_ends_every_connection_is_given_up(path: Path) -> None:
    """After three of them; the caller learns that the outcome is unknown, and the client goes on."""
    with fake_daemon(path, answering(*["lost"] * 3)) as daemon, Client(path) as client:
        with pytest.raises(errors.ConnectionLost):
            client.send(1, "E")
        assert daemon.connections == 3
        assert client.send(1, "F").version == "F"


@pytest.mark.parametrize("request_", [Close("v"), Deploy("v", {})])
def test_what_may_not_be_repeated_is_not(path: Path, request_: AnyRequest) -> None:
    """An operator's request is carried out once or its outcome is unknown; what came with it is repeated."""
    with fake_daemon(path, answering("lost")) as daemon, Client(path) as client:
        unknown, read = client.call_many([request_, Versions()])
    assert type(unknown) is errors.ConnectionLost
    assert isinstance(read, VersionList)
    assert [type(asked) for asked in daemon.requests] == [type(request_), Versions]


def test_a_daemon_that_comes_back_is_waited_for() -> None:
    """While nobody listens, the client tries again, with pauses that grow to a tenth of a second or so."""
    effort, sent = Effort([Get(1)], 10), Sent(id=1, handled=True, version="v", state="s", status="active", events=1)
    assert effort.pause() == 0
    effort.take([LOST])
    waits = []
    for _ in range(20):
        waits.append(effort.pause())
        effort.unreachable(errors.NoDaemon("s", "nobody listens"))
    assert all(wait and wait <= 0.15 for wait in waits)
    assert (waits[-1] or 0) >= 0.05 > (waits[0] or 0)
    effort.take([sent])
    assert (effort.pause(), effort.outcomes) == (None, [sent])


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the loss is the outcome, not that nobody listens any more."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    effort = Effort([Get(1)], 10)
    effort.take([LOST])
    now[0] = 9.9
    effort.unreachable(errors.NoDaemon("s", "nobody listens"))
    assert effort.pause() is not None
    now[0] = 10.1
    effort.unreachable(errors.NoDaemon("s", "nobody listens"))
    assert effort.pause() is None
    assert effort.outcomes == [LOST]


def test_without_a_first_connection_nothing_is_waited_for() -> None:
    """Nothing was sent, and whoever forgot to start the daemon wants to know at once."""
    error = errors.NoDaemon("s", "nobody listens")
    with pytest.raises(errors.NoDaemon):
        Effort([Get(1)], 10).unreachable(error)
