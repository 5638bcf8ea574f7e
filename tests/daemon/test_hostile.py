"""Clients that mean harm, or act as if they did: what each can cost the others is bounded."""

from __future__ import annotations

import errno
import json
import resource
import select
import socket
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from statekeep.daemon import server
from statekeep.daemon.accepting import RESERVE, Acceptor
from statekeep.daemon.connections import CHUNK, LARGE, PATIENCE
from statekeep.daemon.engine import sweeping
from statekeep.daemon.server import BUDGET, PAUSE
from statekeep.protocol.framing import Dialect, join_frames
from statekeep.protocol.messages import (
    Answer,
    AnyRequest,
    Definition,
    Deploy,
    Get,
    Hello,
    Refusal,
    Send,
    Spawn,
    StatusRequest,
    Versions,
)
from tests.daemon.serving import FRAME, LIGHT, Peer, Served, served

pytestmark = pytest.mark.trio

SECONDS = 10.0
"""For a request, from its first byte to its last."""


async def prepare(running: Served, definition: dict[str, Any] = LIGHT) -> Peer:
    """A client that has deployed ``v`` and spawned an actor on it."""
    peer = await running.connect()
    await peer.write(Deploy("v", definition), Spawn("v"))
    assert all("ok" in answer for answer in await peer.read(2))
    return peer


async def connections(peer: Peer) -> int:
    """How many there are, as the daemon counts them."""
    return int((await peer.ask(StatusRequest()))["ok"]["connections"])


@pytest.mark.parametrize("dialect", Dialect)
async def test_half_a_request_has_ten_seconds(autojump_clock: MockClock, dialect: Dialect) -> None:
    """However it trickles; then the client is told why, and is closed."""
    async with served() as running:
        slow = await running.connect(dialect)
        welcome = await slow.ask(Hello(id=1))
        assert welcome["ok"]["limits"].get("request_seconds", SECONDS) == SECONDS
        began = trio.current_time()
        for byte in slow.bytes_of(Get(1, id=2)):
            if slow.has_answer():
                break
            await slow.stream.send_all(bytes([byte]))
            await trio.sleep(1)
        (refusal,) = await slow.read(2)
        assert (refusal["id"], refusal["error"]["code"]) == (None, "request_too_slow")
        assert SECONDS <= trio.current_time() - began < SECONDS + 2
        assert running.engine.about.connections == 0


async def test_a_thousand_halves_are_ended(autojump_clock: MockClock) -> None:
    """All of them within the ten seconds, and whoever is between two requests stays."""
    async with served() as running:
        peer = await prepare(running)
        for number in range(1_000):
            half = await running.connect(Dialect.JSON if number % 2 else Dialect.MSGPACK)
            await half.stream.send_all(half.bytes_of(Send(1, "TOGGLE"))[: 1 + number % 20])
        assert await connections(peer) == 1_001
        began = trio.current_time()
        await trio.sleep(SECONDS + 1)
        assert trio.current_time() - began == SECONDS + 1
        assert await connections(peer) == 1


@pytest.mark.parametrize("dialect", Dialect)
async def test_the_rest_of_what_is_dropped_has_ten_seconds_too(autojump_clock: MockClock, dialect: Dialect) -> None:
    """After a request over the limit its remaining bytes are awaited as if it were taken."""
    async with served() as running:
        peer = await running.connect(dialect)
        await peer.stream.send_all(peer.bytes_of(Send(1, "TOGGLE", "x" * FRAME))[:-1])
        with trio.fail_after(SECONDS + 1):
            codes = [answer["error"]["code"] for answer in await peer.read(3)]
        assert codes == ["frame_too_large", "request_too_slow"]


async def test_what_was_read_of_one_who_is_cut_off_is_carried_out(autojump_clock: MockClock) -> None:
    """Though its answers went nowhere, and though the rest of its requests waited for it to read."""
    async with served() as running:
        peer = await prepare(running, {**LIGHT, "description": "x" * 20_000})
        deaf = await running.connect()
        await deaf.write(*(Definition("v") for _ in range(60)), Send(1, "TOGGLE"))
        await trio.sleep(PATIENCE / 2)
        assert (await peer.ask(Get(1)))["ok"]["events"] == 0
        await trio.sleep(PATIENCE)
        assert (await peer.ask(Get(1)))["ok"]["events"] == 1
        assert await connections(peer) == 1


async def test_idle_is_not_slow(autojump_clock: MockClock) -> None:
    """A connection with no request begun, or between two, is kept for as long as it likes."""
    async with served() as running:
        peer, silent = await prepare(running), await running.connect()
        await trio.sleep(100 * SECONDS)
        assert await connections(peer) == 2
        assert "ok" in await silent.ask(Get(1))


async def test_a_stream_of_requests_is_not_slow(autojump_clock: MockClock) -> None:
    """Each has its own ten seconds, though there is always one that is half here."""
    async with served() as running:
        peer = await prepare(running)
        data = peer.bytes_of(Get(1))
        await peer.stream.send_all(data[:5])
        for _ in range(5):
            await trio.sleep(SECONDS * 0.9)
            await peer.stream.send_all(data[5:] + data[:5])
            assert "ok" in (await peer.read(1))[0]


async def test_who_is_not_read_from_is_not_slow(autojump_clock: MockClock) -> None:
    """While answers wait for a client, the other half of its request may be in its socket for all that one knows."""
    bulky = {**LIGHT, "description": "x" * 20_000}
    async with served() as running:
        await prepare(running, bulky)
        peer = await running.connect()
        data = peer.bytes_of(Get(1, id=99))
        await peer.stream.send_all(peer.bytes_of(*(Definition("v") for _ in range(60))) + data[:5])
        await trio.sleep((SECONDS + PATIENCE) / 2)
        await peer.stream.send_all(data[5:])
        assert (await peer.read(61))[-1]["id"] == 99


async def test_large_requests_are_read_a_few_at_a_time(autojump_clock: MockClock) -> None:
    """Of a hundred clients most have to wait with all but the beginning of theirs; small requests go on, and in the
    end all are answered, since waiting is not counted.
    """
    extra, size = LARGE + 8, 4 * CHUNK
    async with served(frame=2 * size) as running:
        peer = await prepare(running)
        body = peer.bytes_of(Send(1, "NOTHING", "x" * size))

        async def send_slowly(large: Peer) -> None:
            await large.stream.send_all(body[:-1])
            await trio.sleep(SECONDS * 0.9)
            await large.stream.send_all(body[-1:])
            assert "ok" in (await large.read(1))[0]

        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(LARGE + extra):
                nursery.start_soon(send_slowly, await running.connect())
            await trio.testing.wait_all_tasks_blocked()
            held = sorted(each.reader.held for each in running.server._connections.values())
            assert held[-LARGE:] == [len(body) - 1] * LARGE
            assert 0 < held[-LARGE - 1] <= 2 * CHUNK
            assert (await peer.ask(Get(1)))["ok"]["events"] == 0
        assert trio.current_time() - began == pytest.approx(2.7 * SECONDS)


async def test_large_requests_that_do_not_end_give_way(autojump_clock: MockClock) -> None:
    """Those who hold up the others have ten seconds, and it does not help them to leave instead."""
    size = 4 * CHUNK
    async with served(frame=2 * size) as running:
        peer = await prepare(running)
        body = peer.bytes_of(Send(1, "NOTHING", "x" * size))
        for number in range(LARGE):
            holder = await running.connect()
            await holder.stream.send_all(body[: 2 * CHUNK])
            await trio.testing.wait_all_tasks_blocked()
            if number % 2:
                await holder.stream.aclose()
        honest = await running.connect()
        with trio.fail_after(SECONDS + 1):
            await honest.stream.send_all(body)
            assert "ok" in (await honest.read(1))[0]


async def test_a_turn_reads_no_more_than_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What many send at once is taken in parts, and all of it is answered."""
    monkeypatch.setattr(server, "BUDGET", FRAME)
    async with served() as running:
        await prepare(running)
        peers = [await running.connect() for _ in range(50)]
        async with trio.open_nursery() as nursery:
            for peer in peers:
                nursery.start_soon(peer.write, *(Send(1, "NOTHING", "x" * 5_000) for _ in range(4)))
        for peer in peers:
            assert len(await peer.read(4)) == 4
        sizes = [sum(len(msgspec.msgpack.encode(request)) for request in batch) for batch in running.engine.batches]
        assert sum(sizes) > 50 * 4 * 5_000
        assert max(sizes) <= 2 * FRAME < BUDGET


async def test_a_turn_reads_no_more_than_a_batch_and_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read waits in the daemon's memory; what is not, in the client's socket."""
    monkeypatch.setattr(server, "BATCH", 16)
    async with served() as running:
        await prepare(running)
        peers = [await running.connect() for _ in range(50)]
        waiting, run = list[int](), running.engine.run

        def look(batch: Sequence[AnyRequest]) -> list[Answer | Refusal | None]:
            waiting.append(len(batch) + len(running.server._queue))
            return run(batch)

        monkeypatch.setattr(running.engine, "run", look)
        async with trio.open_nursery() as nursery:
            for peer in peers:
                nursery.start_soon(peer.write, *(Send(1, "NOTHING") for _ in range(16)))
        for peer in peers:
            assert len(await peer.read(16)) == 16
        assert len(waiting) >= 50
        assert max(waiting) < 16 + 16


async def test_few_wait_for_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what has to wait only so much is kept; the rest is told to come again, and events go on."""
    monkeypatch.setattr(sweeping, "CHUNK", 1)
    monkeypatch.setattr(sweeping, "AT_ONCE", 1)
    monkeypatch.setattr(server, "PUT_OFF", 3)
    async with served() as running:
        peer = await prepare(running)
        await peer.write(*(Spawn("v") for _ in range(19)))
        await peer.write(*(Send(actor, "TOGGLE") for actor in range(1, 21) for _ in range(actor)))
        await peer.read(19 + 210)
        await peer.write(Deploy("w", LIGHT, parent="v", path=["TOGGLE"]), *(Versions(id=n) for n in range(1, 6)))
        answers = (await peer.read(6))[1:]
        codes = {answer["id"]: answer["error"]["code"] if "error" in answer else "ok" for answer in answers}
        assert codes == {1: "ok", 2: "ok", 3: "ok", 4: "busy", 5: "busy"}


async def test_without_room_new_connections_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first beyond what the file descriptors allow is served as soon as another has ended; it is said once."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (RESERVE + 3, RESERVE + 3))
    async with served() as running:
        peers = [await running.connect() for _ in range(5)]
        for peer in peers:
            await peer.write(Hello())
        for peer in peers[:3]:
            assert "ok" in (await peer.read(1))[0]
        await trio.testing.wait_all_tasks_blocked()
        assert not any(peer.has_answer() for peer in peers[3:])
        await peers[0].stream.aclose()
        assert "ok" in (await peers[3].read(1))[0]
        assert await connections(peers[1]) == 3
        await peers[1].stream.aclose()
        assert "ok" in (await peers[4].read(1))[0]
    assert caplog.messages[0] == "new connections wait: 3 connections are open"


class Exhausted:
    """A listener at which a connection waits that can't be had."""

    def __init__(self, listener: socket.socket, number: int) -> None:
        self._listener = listener
        self.number: int | None = number
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)

    def accept(self) -> Any:
        self.asked += 1
        if self.number is not None:
            raise OSError(self.number, "Too many open files")
        return self._listener.accept()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
async def test_exhaustion_is_waited_out(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Accepting is tried again once a second, without a spin between, and goes on when the cause has gone."""
    found: list[Exhausted] = []

    def exhausted(listeners: list[socket.socket], poll: select.epoll) -> Acceptor:
        found[:] = [Exhausted(listener, number) for listener in listeners]
        return Acceptor(found, poll)  # type: ignore[arg-type]

    monkeypatch.setattr(server, "Acceptor", exhausted)
    async with served() as running:
        late = await running.connect()
        await late.write(Hello())
        await trio.sleep(10.5 * PAUSE)
        (listener,) = found
        assert listener.asked == 11
        listener.number = None
        assert "ok" in (await late.read(1))[0]


async def test_an_unknown_trouble_with_the_listener_is_not_hidden() -> None:
    """It ends the server, whose restart may help."""
    with socket.socket(socket.AF_UNIX) as listening, select.epoll() as poll:
        broken = Exhausted(listening, errno.EBADF)
        acceptor = Acceptor([broken], poll)  # type: ignore[list-item]
        with pytest.raises(OSError, match="Too many"):
            list(acceptor.accept(broken.fileno(), 0))


def claim(head: bytes, count: int = 2**32 - 1) -> bytes:
    """A ``send`` whose payload announces four billion elements."""
    body = msgspec.msgpack.encode({"op": "send", "id": 5, "actor": 1, "event": "E", "payload": None})[:-1]
    return body + head + count.to_bytes(4, "big")


PIECE = b'{"op":"send","id":5,"actor":1,"event":"E","payload":'

HOSTILE = {
    "an array of 2^32": join_frames([claim(b"\xdd")]),
    "a map of 2^32": join_frames([claim(b"\xdf")]),
    "text of 2^32": join_frames([claim(b"\xdb")]),
    "binary of 2^32": join_frames([claim(b"\xc6")]),
    "an extension of 2^32": join_frames([claim(b"\xc9") + b"\x01"]),
    "a frame of 2^32": b"\xff\xff\xff\xff" + bytes(50),
    "a million levels": join_frames([b"\x91" * (1 << 20)]),
    "a million levels below the payload": join_frames([claim(b"", 0)[:-4] + b"\x91" * (1 << 20) + b"\xc0"]),
    "a byte that nothing begins with": join_frames([b"\xc1"]),
    "no body": join_frames([b""]),
    "not UTF-8": join_frames([b"\x82\xa2op\xa3get\xa5actor\xa2\xff\xfe"]),
    "a million levels of JSON": PIECE + b"[" * (1 << 19) + b"]" * (1 << 19) + b"}\n",
    "many levels of objects": PIECE + b'{"a":' * (1 << 17) + b"\n",
    "not UTF-8 in JSON": PIECE + b'"\xff\xfe"}\n',
    "half of a character": PIECE + b'"\\ud800"}\n',
    "NaN": PIECE + b"NaN}\n",
    "Infinity": PIECE + b"-Infinity}\n",
    "a number over all": PIECE + b"1e999}\n",
    "a huge integer": PIECE + b"1" * 100_000 + b"}\n",
    "a huge integer as the actor": b'{"op":"get","actor":' + b"9" * 100_000 + b"}\n",
    "a huge id": b'{"op":"get","actor":1,"id":' + b"9" * 100_000 + b"}\n",
    "a NUL": PIECE + b'"\0"}\n',
    "a comment": PIECE + b"/**/1}\n",
    "two values": b'{"op":"get","actor":1}{"op":"get","actor":1}\n',
    "an array first": b'{}\n[{"op":"get"}]\n',
    "a byte order mark": b"{\xef\xbb\xbf}\n",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_bytes_are_refused_and_the_connection_goes_on(name: str) -> None:
    """Each with a code of its own, and the next request on the same connection is answered."""
    data = HOSTILE[name]
    dialect = Dialect.JSON if data.startswith(b"{") else Dialect.MSGPACK
    async with served(frame=(1 << 20) + 100) as running:
        await prepare(running)
        peer = await running.connect(dialect)
        refusals = 2 if name == "an array first" else 1
        await peer.stream.send_all(data)
        if name == "a frame of 2^32":  # what was announced is dropped as it comes: that connection is used up
            (refusal,) = await peer.read(1)
            assert refusal["error"]["code"] == "frame_too_large"
            return
        await peer.write(Get(1, id=9))
        answers = await peer.read(refusals + 1)
        assert [answer["id"] for answer in answers if "ok" in answer] == [9]
        for refusal in answers:
            if "ok" not in refusal:
                assert refusal["error"]["code"] in {"malformed", "bad_request"}, refusal
                assert len(json.dumps(refusal)) < 1_500


async def test_the_last_of_two_equal_keys_counts() -> None:
    """In the request itself, too: it is one request, with the id that stands last."""
    async with served() as running:
        await prepare(running)
        peer = await running.connect(Dialect.JSON)
        await peer.stream.send_all(b'{"op":"get","id":1,"actor":7,"actor":1,"id":2}\n')
        (answer,) = await peer.read(1)
        assert (answer["id"], answer["ok"]["id"]) == (2, 1)
