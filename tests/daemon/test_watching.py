"""Streams of notices on sockets: byte by byte, beside other requests, and with clients that do not read."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from statekeep.daemon.engine import telling
from statekeep.protocol.framing import Dialect
from statekeep.protocol.messages import AnyRequest, Credit, Deploy, Get, Send, Spawn, Stats, Unwatch, Watch
from tests.daemon.serving import LIGHT, Peer, Served, served

pytestmark = pytest.mark.trio


async def begin(running: Served, actors: int = 1) -> Peer:
    """A client that made some lights."""
    writer = await running.connect()
    await writer.ask(Deploy("light", LIGHT))
    for _ in range(actors):
        await writer.ask(Spawn("light"))
    return writer


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_stream_comes_in_the_connections_dialect(dialect: Dialect) -> None:
    """Notices bear the id of the request to watch, the place to go on from, and come after what they tell of."""
    async with served() as running:
        writer, reader = await begin(running), await running.connect(dialect)
        await reader.write(Watch(after="0", id=7))
        parts = await reader.read(2)
        assert [(part["id"], part["token"]) for part in parts] == [(7, "1"), (7, "2")]
        assert [part["notices"][0]["kind"] for part in parts] == ["deployed", "spawned"]
        sent = await writer.ask(Send(1, "TOGGLE", id=3))
        (notice,) = await told(reader, 1)
        assert (notice["event"], notice["position"]) == ("TOGGLE", sent["ok"]["position"])


async def told(reader: Peer, number: int) -> list[dict[str, Any]]:
    """The next notices, in however many parts they come; at least ``number``."""
    found: list[dict[str, Any]] = []
    while len(found) < number:
        found += (await reader.read(1))[0]["notices"]
    return found


async def test_a_watch_and_requests_share_a_connection() -> None:
    """Who watches may ask as before, give credits, and end the watch, which answers both requests."""
    async with served() as running:
        peer = await begin(running)
        await peer.write(Watch(after="0", credits=2, id=7))
        assert [notice["kind"] for notice in await told(peer, 2)] == ["deployed", "spawned"]
        assert (await peer.ask(Send(1, "TOGGLE", id=8)))["id"] == 8
        assert not peer.has_answer()
        assert (await peer.ask(Credit(watch=7, credits=5, id=9))) == {"id": 9, "ok": {"credits": 5}}
        assert [notice["kind"] for notice in await told(peer, 1)] == ["event"]
        await peer.write(Unwatch(watch=7, id=10))
        assert await peer.read(2) == [{"id": 7, "ok": {"token": "3"}}, {"id": 10, "ok": {"token": "3"}}]
        assert (await peer.ask(Send(1, "TOGGLE", id=11)))["id"] == 11


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Watch(after="x", id=5), "bad_request"),
        (Watch(actor="nobody", id=5), "unknown_actor"),
        (Unwatch(watch=1, id=5), "bad_request"),
        (Credit(watch=1, credits=1, id=5), "bad_request"),
    ],
)
async def test_what_is_refused_is_answered(request_: AnyRequest, code: str) -> None:
    """With the id of the request; and the error counts among the daemon's."""
    async with served() as running:
        peer = await begin(running)
        answer = await peer.ask(request_)
        assert (answer["id"], answer["error"]["code"]) == (5, code)
        assert (await peer.ask(Stats()))["ok"]["errors_by_code"] == {code: 1}


@pytest.mark.parametrize(
    ("fault", "code"), [(RuntimeError, "internal_error"), (sqlite3.OperationalError, "storage_failed")]
)
async def test_a_fault_ends_the_watch_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: type[Exception], code: str
) -> None:
    """Its client is told, what the fault said stays out of the log, and the connection goes on."""
    said = "the key is alice"

    def fail(*_: object) -> None:
        raise fault(said)

    async with served() as running:
        peer = await begin(running)
        with monkeypatch.context() as broken:
            broken.setattr(telling, "of_events", fail)
            await peer.write(Watch(after="1", id=7))
            (answer,) = await peer.read(1)
        assert (answer["id"], answer["error"]["code"]) == (7, code)
        assert fault.__name__ in caplog.text
        assert said not in caplog.text
        await peer.write(Watch(after="1", id=8))
        assert [notice["kind"] for notice in await told(peer, 1)] == ["spawned"]


async def test_one_who_does_not_read_is_not_told_more_than_fits() -> None:
    """Its stream stops where its socket is full, holds up nobody, and goes on without a gap when it reads."""
    async with served() as running:
        writer, reader = await begin(running), await running.connect()
        await reader.write(Watch(after="0", credits=1_000_000))
        number = 6_000
        for _ in range(number // 60):
            await writer.write(*[Send(1, "TOGGLE") for _ in range(60)])
            await writer.read(60)
        (connection,) = [one for one in running.server._connections.values() if one.stuck]
        assert len(connection._backlog) < 1 << 18
        assert not running.engine.watchers.behind
        positions = [notice["position"] for notice in await told(reader, number + 2)]
        assert positions == list(range(1, number + 3))


async def test_watches_end_with_their_connection() -> None:
    """With its end of input, and when it is gone; nothing is kept for it."""
    async with served() as running:
        writer, half, gone = await begin(running), await running.connect(), await running.connect()
        for peer in (half, gone):
            assert (await peer.ask(Watch()))["notices"] == []
        assert (await writer.ask(Stats()))["ok"]["watches"] == 2
        await half.stream.send_eof()
        assert await half.read(9) == [{"id": 0, "ok": {"token": "2"}}]
        await gone.stream.aclose()
        while running.engine.about.connections > 1:
            await writer.ask(Get(1))
        assert not running.engine.watchers


async def test_a_daemon_that_stops_says_so_to_those_who_watch() -> None:
    """The request to watch is answered with the error that tells to come again."""
    async with served() as running:
        await begin(running)
        reader = await running.connect()
        await reader.ask(Watch())
        running.stop.set()
        (answer,) = await reader.read(5)
        assert answer["error"]["code"] == "stopping"
