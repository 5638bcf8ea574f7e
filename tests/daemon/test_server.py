"""The server: batches over many connections, and clients that behave badly."""

from __future__ import annotations

import select
import socket
import sqlite3
from collections.abc import Sequence
from typing import Any, NoReturn

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from statekeep.daemon.connections import PATIENCE, Connection
from statekeep.daemon.engine import About, sweeping
from statekeep.daemon.peers import Access
from statekeep.daemon.server import BATCH, GETS, LARGE_ANSWERS
from statekeep.protocol.framing import Dialect
from statekeep.protocol.messages import (
    Answer,
    AnyRequest,
    Batch,
    Definition,
    Deploy,
    Get,
    Hello,
    History,
    Refusal,
    Send,
    Spawn,
    StatusRequest,
    Versions,
)
from statekeep.protocol.records import ErrorBody
from tests.daemon.serving import FRAME, LIGHT, UNDER_WAY, Peer, Served, served

pytestmark = pytest.mark.trio

BULKY = {"initial": "a", "description": "x" * 20_000, "states": {"a": {"on": {"GO": "a"}}}}
"""A definition that fills a socket's buffer when it is asked for a few times."""


async def prepare(running: Served, actors: int, definition: dict[str, Any] | None = None) -> Peer:
    """A client that has deployed ``v`` and spawned actors on it."""
    peer = await running.connect()
    await peer.write(Deploy("v", definition or LIGHT), *(Spawn("v") for _ in range(actors)))
    assert all("ok" in answer for answer in await peer.read(1 + actors))
    return peer


def error(answer: dict[str, Any]) -> tuple[int | None, str]:
    """The id and the code of a refusal."""
    return answer["id"], answer["error"]["code"]


async def test_what_comes_in_together_is_one_commit() -> None:
    """The events of twenty clients, eight each, are durable at the price of a few commits."""
    async with served() as running:
        await prepare(running, 20)
        peers = [await running.connect() for _ in range(20)]
        before = running.engine.about.commits
        async with trio.open_nursery() as nursery:
            for number, peer in enumerate(peers, start=1):
                nursery.start_soon(peer.write, *(Send(number, "TOGGLE", id=event) for event in range(8)))
        for peer in peers:
            assert [answer["ok"]["events"] for answer in await peer.read(8)] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert running.engine.about.commits - before <= 4


async def test_a_batch_counts_as_what_it_holds() -> None:
    """Large ones do not share a transaction, so that nobody waits for more than one of them."""
    async with served() as running:
        peer = await prepare(running, 1)
        running.engine.batches.clear()
        large = Batch([Send(1, "TOGGLE")] * 600)
        await peer.write(large, large, Send(1, "TOGGLE"), large)
        await peer.read(4)
        assert [len(batch) for batch in running.engine.batches] == [1, 2, 1]


async def test_answers_follow_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a batch is being made durable, no client has a byte of its answers."""
    async with served() as running:
        peer = await prepare(running, 1)
        store, seen = running.engine._store, list[bool]()
        commit = store.commit

        def spy() -> bool:
            seen.append(peer.has_answer())
            return commit()

        monkeypatch.setattr(store, "commit", spy)
        assert (await peer.ask(Send(1, "TOGGLE")))["ok"]["handled"]
        assert seen == [False]


async def test_a_look_does_not_wait_for_the_changes_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """When an event that came in together with it, and before it, is made durable, it has been answered."""
    async with served() as running:
        sender = await prepare(running, 1)
        looker = await running.connect()
        await looker.ask(Get(1))
        store, seen = running.engine._store, list[bool]()
        commit = store.commit

        def spy() -> bool:
            if store.writes.collected:
                seen.append(looker.has_answer())
            return commit()

        monkeypatch.setattr(store, "commit", spy)
        sender.push(Send(1, "TOGGLE"))
        looker.push(Get(1))
        (looked,) = await looker.read(1)
        assert looked["ok"]["state"] == "off"
        assert (await sender.read(1))[0]["ok"]["handled"]
        assert seen == [True]


async def test_a_look_sees_the_changes_of_its_own_connection() -> None:
    """Requests of one connection are carried out in their order, and so answered."""
    async with served() as running:
        peer = await prepare(running, 1)
        running.engine.batches.clear()
        await peer.write(Get(1, id=1), Send(1, "TOGGLE", id=2), Get(1, id=3))
        answers = await peer.read(3)
        assert [answer["id"] for answer in answers] == [1, 2, 3]
        assert [answers[0]["ok"]["state"], answers[2]["ok"]["state"]] == ["off", "on"]
        assert [len(batch) for batch in running.engine.batches] == [1, 2]


async def test_what_waits_for_a_sweep_is_answered_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile events are processed; and nobody has to send anything for the answers to come."""
    monkeypatch.setattr(sweeping, "CHUNK", 1)
    monkeypatch.setattr(sweeping, "AT_ONCE", 1)
    async with served() as running:
        peer = await prepare(running, 20)
        await peer.write(*(Send(actor, "TOGGLE") for actor in range(1, 21) for _ in range(actor)))
        await peer.read(210)
        other = await running.connect()
        await peer.write(Deploy("w", LIGHT, parent="v", path=["TOGGLE"] * 10), Versions(id=1))
        await peer.read(1)
        assert (await other.ask(Send(20, "TOGGLE")))["ok"]["version"] == "w"
        assert running.engine.sweeping
        assert not peer.has_answer()
        with trio.fail_after(5):
            (versions,) = await peer.read(1)
        assert [version["active"] for version in versions["ok"]["versions"]] == [9, 11]


async def test_what_could_not_be_made_durable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full for a moment: the client is told, and the next request is carried out."""
    async with served() as running:
        peer = await prepare(running, 1)

        def full() -> bool:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(running.engine._store, "commit", full)
            assert error(await peer.ask(Send(1, "TOGGLE", id=5))) == (5, "storage_failed")
        assert (await peer.ask(Send(1, "TOGGLE")))["ok"]["events"] == 1


async def test_one_connection_keeps_its_order() -> None:
    """Events that one client sends to one actor are processed in the order sent, however the bytes are cut."""
    async with served() as running:
        peer = await prepare(running, 1)
        data = peer.bytes_of(*(Send(1, "TOGGLE", number, id=number) for number in range(500)))

        async def write() -> None:
            for start in range(0, len(data), 777):
                await peer.stream.send_all(data[start : start + 777])
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            answers = await peer.read(500)
        assert [(answer["id"], answer["ok"]["events"]) for answer in answers] == [(n, n + 1) for n in range(500)]
        history = await peer.ask(History(1, limit=1000))
        assert [event["payload"] for event in history["ok"]["events"]] == list(range(500))


async def test_two_dialects_at_one_socket() -> None:
    """A client that begins with ``{`` is answered in lines of JSON, any other in MessagePack; they see the same."""
    async with served() as running:
        frames = await prepare(running, 1)
        lines = await running.connect(Dialect.JSON)
        assert (await lines.ask(Send(1, "TOGGLE", {"lamp": 1}, id=7)))["ok"]["state"] == "on"
        assert await frames.ask(Get(1)) == await lines.ask(Get(1))


async def test_a_request_may_come_byte_by_byte() -> None:
    """It is carried out once, when its last byte is there."""
    async with served() as running:
        peer = await prepare(running, 1)
        before = running.engine.asked
        data = peer.bytes_of(Send(1, "TOGGLE", id=3))
        for byte in data[:-1]:
            await peer.stream.send_all(bytes([byte]))
            await trio.testing.wait_all_tasks_blocked()
        assert running.engine.asked == before
        await peer.stream.send_all(data[-1:])
        assert [answer["id"] for answer in await peer.read(1)] == [3]
        assert running.engine.asked == before + 1


async def test_a_client_that_leaves_disturbs_nobody() -> None:
    """One goes in the middle of a frame, one without waiting for its answer: its request counts, and others go on."""
    async with served() as running:
        peer = await prepare(running, 1)
        half = await running.connect()
        await half.stream.send_all(half.bytes_of(Send(1, "TOGGLE"))[:-3])
        await half.stream.aclose()
        hasty = await running.connect()
        await hasty.write(Send(1, "TOGGLE", "hasty"), *(Get(1) for _ in range(50)))
        await hasty.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        history = await peer.ask(History(1))
        assert [event["payload"] for event in history["ok"]["events"]] == ["hasty"]
        assert (await peer.ask(StatusRequest()))["ok"]["connections"] == 1


async def test_a_client_may_close_its_side_and_still_be_answered() -> None:
    """As ``nc -U`` does at the end of its input."""
    async with served() as running:
        await prepare(running, 1)
        peer = await running.connect(Dialect.JSON)
        await peer.write(Send(1, "TOGGLE", id=1), Get(1, id=2))
        await peer.stream.send_eof()
        assert [answer["id"] for answer in await peer.read(3)] == [1, 2]


async def test_a_client_that_does_not_read_is_cut_off(autojump_clock: MockClock) -> None:
    """Its answers wait for as long as ``PATIENCE``, and meanwhile everybody else is served."""
    async with served() as running:
        peer = await prepare(running, 1, BULKY)
        deaf = await running.connect()
        began = trio.current_time()
        await deaf.write(*(Definition("v", id=number) for number in range(60)))
        await trio.testing.wait_all_tasks_blocked()
        assert (await peer.ask(Send(1, "GO")))["ok"]["handled"]
        assert (await peer.ask(StatusRequest()))["ok"]["connections"] == 2
        assert trio.current_time() == began
        await trio.sleep(PATIENCE + 1)
        assert (await peer.ask(StatusRequest()))["ok"]["connections"] == 1
        assert len(await deaf.read(60)) < 60


async def test_a_slow_client_is_not_cut_off(autojump_clock: MockClock) -> None:
    """One that takes some of its answers every few seconds gets them all, each whole, however long it takes."""
    async with served() as running:
        await prepare(running, 1, BULKY)
        slow = await running.connect()
        began = trio.current_time()
        await slow.write(*(Definition("v", id=number) for number in range(60)))
        for number in range(60):
            (answer,) = await slow.read(1)
            assert (answer["id"], answer["ok"]["definition"]) == (number, BULKY)
            await trio.sleep(PATIENCE / 30)
        assert trio.current_time() - began > 1.5 * PATIENCE


async def test_answers_of_later_batches_wait_behind_a_backlog() -> None:
    """They come whole, none in the middle of another, and no more of them are made at a time than is stated."""
    async with served() as running:
        await prepare(running, 1, {**BULKY, "description": "x" * 1_000})
        peer = await running.connect()
        count = 2 * BATCH + 7
        await peer.write(*(Definition("v", id=number) for number in range(count)))
        assert [answer["id"] for answer in await peer.read(count)] == list(range(count))
        assert max(map(len, running.engine.batches)) == LARGE_ANSWERS
        await peer.write(*(Get(1, id=number) for number in range(count)))
        assert [answer["id"] for answer in await peer.read(count)] == list(range(count))
        assert max(map(len, running.engine.batches)) == LARGE_ANSWERS * GETS


async def test_a_client_that_does_not_read_is_not_read_from(autojump_clock: MockClock) -> None:
    """With answers waiting, its further requests stay in its socket: what it can make the daemon hold is bounded."""
    async with served() as running:
        await prepare(running, 1, BULKY)
        before = running.engine.asked
        deaf = await running.connect()
        with trio.move_on_after(PATIENCE / 2) as waiting:
            await deaf.write(*(Definition("v", id=number) for number in range(100_000)))
        assert waiting.cancelled_caught
        assert running.engine.asked - before < 10_000


@pytest.mark.parametrize(("under_way", "room"), [(UNDER_WAY - 1, True), (UNDER_WAY, False)])
async def test_a_connection_has_room_for_so_many_requests(under_way: int, *, room: bool) -> None:
    """With the limit of requests under way it is not read from, until an answer makes room."""
    ours, theirs = socket.socketpair()
    with select.epoll() as poll, ours, theirs:
        connection = Connection(ours, poll, About(1, "", "", 0, FRAME, UNDER_WAY), Access.standard())
        connection.under_way = under_way
        connection.update()
        assert connection.is_read is room
        connection.answer([Refusal(None, ErrorBody(code="c", message="m"))])
        assert connection.is_read


async def test_a_stop_answers_what_has_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in its first batch, with two more waiting, the server answers them all before it closes."""
    async with served() as running:
        peer = await prepare(running, 1)
        run, count = running.engine.run, 2 * BATCH + 7

        def stop_first(batch: Sequence[AnyRequest]) -> list[Answer | Refusal | None]:
            running.stop.set()
            return run(batch)

        monkeypatch.setattr(running.engine, "run", stop_first)
        await peer.write(*(Get(1, id=number) for number in range(count)))
        assert [answer["id"] for answer in await peer.read(count + 1)] == list(range(count))
        await running.stopped.wait()


async def test_a_stop_waits_for_whoever_reads() -> None:
    """Answers that the socket did not take at once are delivered; what is sent after the stop is not read."""
    async with served() as running:
        await prepare(running, 1, BULKY)
        peer = await running.connect()
        await peer.write(*(Definition("v", id=number) for number in range(60)))
        await trio.testing.wait_all_tasks_blocked()
        running.stop.set()
        await trio.testing.wait_all_tasks_blocked()
        await peer.write(Get(1, id=99))
        assert [answer["id"] for answer in await peer.read(60)] == list(range(60))
        with pytest.raises(trio.BrokenResourceError):
            await peer.read(1)
        await running.stopped.wait()
        assert 99 not in [request.id for batch in running.engine.batches for request in batch]


async def test_a_stop_does_not_wait_for_whoever_does_not_read(autojump_clock: MockClock) -> None:
    """Idle connections, new ones and one that never reads hold it up no longer than ``PATIENCE``."""
    async with served() as running:
        await prepare(running, 1, BULKY)
        deaf = await running.connect()
        await deaf.write(*(Definition("v") for _ in range(60)))
        await trio.testing.wait_all_tasks_blocked()
        new = await running.connect()
        began = trio.current_time()
        running.stop.set()
        await running.stopped.wait()
        assert trio.current_time() - began <= PATIENCE
        assert await new.stream.receive_some(1) == b""


@pytest.mark.parametrize("dialect", Dialect)
async def test_a_frame_over_the_limit_is_refused_and_dropped(dialect: Dialect) -> None:
    """The connection goes on with the next frame."""
    async with served() as running:
        await prepare(running, 1)
        peer = await running.connect(dialect)
        await peer.write(Hello(id=1), Send(1, "TOGGLE", "x" * FRAME, id=2), Get(1, id=3))
        greeting, refusal, answer = sorted(await peer.read(3), key=lambda answer: answer["id"] or 2)
        assert greeting["ok"]["limits"]["frame"] == FRAME
        assert error(refusal) == (None, "frame_too_large")
        assert (answer["id"], answer["ok"]["events"]) == (3, 0)


@pytest.mark.parametrize(
    ("dialect", "nonsense", "expected"),
    [
        (Dialect.JSON, b'{"op": "get", "id": 4,\n', (None, "malformed")),
        (Dialect.JSON, b'{"op": "fly", "id": 4}\n', (4, "unknown_op")),
        (Dialect.JSON, b'{"op": "get", "id": 4}\n', (4, "bad_request")),
        (Dialect.MSGPACK, b"\0\0\0\x03\x82\xa2i", (None, "malformed")),
        (Dialect.MSGPACK, b"\0\0\0\x01\xc1", (None, "malformed")),
        (Dialect.MSGPACK, b"\0\0\0\x0a\x82\xa2id\x04\xa2op\xa1f", (4, "unknown_op")),
    ],
)
async def test_nonsense_is_refused_and_the_connection_goes_on(
    dialect: Dialect, nonsense: bytes, expected: tuple[int | None, str]
) -> None:
    """The refusal has the request's id where that much can be read, and the requests beside it are carried out."""
    async with served() as running:
        await prepare(running, 1)
        peer = await running.connect(dialect)
        await peer.stream.send_all(peer.bytes_of(Get(1, id=1)) + nonsense + peer.bytes_of(Get(1, id=9)))
        answers = await peer.read(3)
        assert sorted(answer["id"] for answer in answers if "ok" in answer) == [1, 9]
        assert [error(answer) for answer in answers if "error" in answer] == [expected]


async def test_an_engine_that_dies_ends_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that the engine could not take back is not served on: the daemon ends at once, and is started again."""

    def die(batch: Sequence[AnyRequest]) -> NoReturn:
        raise MemoryError(len(batch))

    with trio.fail_after(PATIENCE / 2), pytest.RaisesGroup(MemoryError, flatten_subgroups=True):
        async with served() as running:
            peer = await running.connect()
            monkeypatch.setattr(running.engine, "run", die)
            await peer.write(Get(1))
            assert await peer.read(1) == []
