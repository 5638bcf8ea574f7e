"""The asynchronous client, under asyncio and under trio, against a daemon of a few lines."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from statekeep.protocol import AsyncClient, errors
from statekeep.protocol.aio import _Link
from statekeep.protocol.codec import encode_answers
from statekeep.protocol.framing import REQUEST_LIMIT, Dialect
from statekeep.protocol.messages import Answer, AnyRequest, Get, History, Send
from statekeep.protocol.records import HistoryPage, Record, Sent
from tests.protocol.fakes import FakeDaemon, HangUp, echo, fake_daemon

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Every test runs under both."""
    return request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the socket is."""
    return tmp_path / "s"


@pytest.fixture
def daemon(path: Path) -> Iterator[FakeDaemon]:
    """A daemon that handles every ``send``."""
    with fake_daemon(path) as daemon:
        yield daemon


class Gate:
    """Answers the event ``open`` once the gate is open and nothing else, and tells when each request has come in."""

    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self, request: AnyRequest) -> Record | None:
        self._arrived.release()
        if not isinstance(request, Send) or request.event != "open":
            return None
        self.opened.wait()
        return echo(request)

    async def arrival(self) -> None:
        """Wait until one more request has come in."""
        await anyio.to_thread.run_sync(self._arrived.acquire)


async def test_an_operation_is_awaited(daemon: FakeDaemon) -> None:
    """A method takes what its request takes, and returns the request's result."""
    async with AsyncClient(daemon.path, retry_for=0) as client:
        assert (await client.send("alice", "PAY_FEE", {"amount": 3})).version == "PAY_FEE"
        assert (await client.call(Send("alice", "APPROVE"))).version == "APPROVE"
    assert daemon.requests == [Send("alice", "PAY_FEE", {"amount": 3}, id=2), Send("alice", "APPROVE", id=3)]


async def test_a_refusal_is_raised(path: Path) -> None:
    """The daemon's error comes out of the call in the class of its code, and the connection goes on."""

    def refuse(request: AnyRequest) -> errors.StatekeepError:
        return errors.UnknownActor("bob")

    with fake_daemon(path, refuse) as daemon:
        async with AsyncClient(path) as client:
            for _ in range(2):
                with pytest.raises(errors.UnknownActor, match="'bob'"):
                    await client.get("bob")
        assert daemon.connections == 1


async def test_many_tasks_share_one_connection(path: Path) -> None:
    """Each of many tasks gets the answers to its own requests, whatever overtakes what."""
    wrong: list[str] = []

    async def work(name: str) -> None:
        wrong.extend([name for _ in range(20) if (await client.send(1, name)).version != name])

    with fake_daemon(path, overtaking=True) as daemon:
        async with AsyncClient(path) as client, anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(work, f"T{number}")
        assert daemon.connections == 1
    assert not wrong
    assert len(daemon.requests) == 1_000


async def test_tasks_that_come_first_connect_once(daemon: FakeDaemon) -> None:
    """A client that was never entered connects at the first call, once for all tasks."""
    client = AsyncClient(daemon.path)
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(client.send, 1, "E")
    client.close()
    assert daemon.connections == 1


async def test_many_requests_keep_their_order(path: Path) -> None:
    """Requests arrive in the order given, and outcomes are returned in it, refusals in their place."""

    def answer(request: AnyRequest) -> Record | errors.StatekeepError:
        return errors.ReservedEvent("E7") if isinstance(request, Send) and request.event == "E7" else echo(request)

    with fake_daemon(path, answer, overtaking=True) as daemon:
        async with AsyncClient(path) as client:
            requests = [Send(1, f"E{number}") for number in range(500)]
            outcomes = await client.call_many(requests)
            large = await client.call_many([Send(1, "x", "x" * REQUEST_LIMIT)])
    assert [request.event for request in daemon.requests if isinstance(request, Send)] == [r.event for r in requests]
    assert isinstance(outcomes.pop(7), errors.ReservedEvent)
    assert [out.version for out in outcomes if isinstance(out, Sent)] == [f"E{n}" for n in range(500) if n != 7]
    assert [type(outcome) for outcome in large] == [errors.FrameTooLarge]


async def test_pages_follow_the_cursor(path: Path) -> None:
    """Pages come until one names no next."""

    def page(request: AnyRequest) -> Record:
        assert isinstance(request, History)
        following = request.cursor + request.limit
        return HistoryPage(id=1, spawned_on="v", spawned_at=0, events=[], next=following if following < 30 else None)

    with fake_daemon(path, page):
        async with AsyncClient(path) as client:
            assert [page.next async for page in client.pages(History("alice", limit=10))] == [10, 20, None]


async def test_a_cancelled_task_disturbs_no_other(path: Path) -> None:
    """The task that reads for all is cancelled, and another that waits reads on."""
    gate, versions = Gate(), []

    async def wait_for_nothing() -> None:
        with driver:
            await client.send(1, "shut")

    async def wait_for_the_answer() -> None:
        versions.append((await client.send(1, "open")).version)

    driver = anyio.CancelScope()
    with fake_daemon(path, gate):
        async with AsyncClient(path, timeout=10) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(wait_for_nothing)
            await gate.arrival()
            tasks.start_soon(wait_for_the_answer)
            await gate.arrival()
            driver.cancel()
            await anyio.wait_all_tasks_blocked()
            gate.opened.set()
    assert versions == ["open"]


async def test_a_cancelled_write_is_finished_by_others(path: Path) -> None:
    """A frame of which half was written before its task was cancelled is written to its end by the task that reads."""
    gate, versions = Gate(), []

    async def wait_for_the_answer() -> None:
        versions.append((await client.send(1, "open")).version)

    async def write_much() -> None:
        with writer:
            await client.send(1, "shut", "x" * 1_000_000)

    writer = anyio.CancelScope()
    with fake_daemon(path, gate):
        async with AsyncClient(path, timeout=10) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(wait_for_the_answer)
            await gate.arrival()
            tasks.start_soon(write_much)
            await anyio.wait_all_tasks_blocked()
            assert client._link
            assert client._link._outgoing
            tasks.start_soon(wait_for_the_answer)
            await anyio.wait_all_tasks_blocked()
            writer.cancel()
            gate.opened.set()
    assert versions == ["open", "open"]


async def test_a_large_request_is_written_by_the_task_that_reads(path: Path) -> None:
    """It waits for something to come, and turns to writing as soon as another's request does not fit the socket."""
    gate = Gate()
    gate.opened.set()
    with fake_daemon(path, gate):
        async with AsyncClient(path, timeout=10) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.send, 1, "shut")
            await gate.arrival()
            assert (await client.send(1, "open", "x" * 1_000_000)).version == "open"
            tasks.cancel_scope.cancel()


async def test_a_call_in_a_cancelled_scope_sends_nothing(daemon: FakeDaemon) -> None:
    """Who was cancelled before the call does not make it."""
    async with AsyncClient(daemon.path, retry_for=0) as client:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await client.send(1, "never")
        await client.send(1, "E")
    assert daemon.requests == [Send(1, "E", id=2)]


async def test_a_cancelled_call_is_not_sent_much_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is cancelled when its request is ready still sends it, and not along with somebody's next call."""
    gate, scope = Gate(), anyio.CancelScope()
    checkpoint = anyio.lowlevel.checkpoint

    async def interrupted() -> None:
        scope.cancel()
        await checkpoint()

    with fake_daemon(path, gate):
        async with AsyncClient(path) as client:
            monkeypatch.setattr("anyio.lowlevel.checkpoint", interrupted)
            with scope:
                await client.send(1, "shut")
            assert scope.cancelled_caught
            with anyio.fail_after(10):
                await gate.arrival()


async def test_answers_are_read_though_nothing_can_be_written() -> None:
    """A daemon that answered before it closed the connection is heard."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    sent = Sent(id=1, handled=True, version="v", state="s", status="active", events=1)
    theirs.sendall(encode_answers(Dialect.MSGPACK, [Answer(1, sent)]))
    theirs.close()
    link = _Link(ours, timeout=1)
    assert await link.run([Send(1, "E")]) == [sent]
    link.close(errors.ConnectionLost("the test is over"))


async def test_silence_ends_in_time_for_the_one_who_waits(path: Path) -> None:
    """One call gives up; the connection and the other calls on it go on, and the late answer is nobody's."""
    gate = Gate()
    with fake_daemon(path, gate) as daemon:
        async with AsyncClient(path, timeout=0.05) as client:
            with pytest.raises(errors.TimedOut, match=r"0\.05 s"):
                await client.send(1, "open")
            gate.opened.set()
            assert client._link
            client._link._timeout = 10
            assert (await client.send(1, "open")).version == "open"
        assert daemon.connections == 1


async def test_a_lost_connection_is_said_to_all_and_made_anew(path: Path) -> None:
    """Everybody who waits is told; nothing is repeated where the caller wants that; the next call works."""
    lost: list[str] = []

    def hang_up(request: AnyRequest) -> Record | None:
        if isinstance(request, Get):
            raise HangUp
        return echo(request) if isinstance(request, Send) and request.event == "again" else None

    async def wait() -> None:
        with pytest.raises(errors.ConnectionLost) as caught:
            await client.send(1, "E")
        lost.append(caught.value.message)

    with fake_daemon(path, hang_up):
        async with AsyncClient(path, timeout=10, retry_for=0) as client:
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                with pytest.raises(errors.ConnectionLost, match="the daemon closed it"):
                    await client.get(1)
            assert len(lost) == 3
            assert (await client.send(1, "again")).handled


async def test_closing_tells_those_who_wait(path: Path) -> None:
    """Nobody waits on a connection that this side has closed."""
    gate = Gate()

    async def wait() -> None:
        with pytest.raises(errors.ConnectionLost, match="this side closed it"):
            await client.send(1, "shut")

    with fake_daemon(path, gate):
        async with AsyncClient(path, timeout=10) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await gate.arrival()
            client.close()


async def test_an_error_in_the_body_comes_out_as_it_is(daemon: FakeDaemon) -> None:
    """Leaving the client wraps nothing into groups."""
    with pytest.raises(ZeroDivisionError):
        async with AsyncClient(daemon.path):
            raise ZeroDivisionError


async def test_no_daemon_is_said(path: Path) -> None:
    """The same error as the blocking client's."""
    with pytest.raises(errors.NoDaemon, match="there is no such socket"):
        async with AsyncClient(path):
            pass


async def test_a_storm_is_waited_out(path: Path) -> None:
    """While the daemon's queue is full, connecting is tried again, and in the end the reason is said."""
    daemon = FakeDaemon(path, echo, overtaking=False, backlog=0)
    crowd = [AsyncClient(path, timeout=10) for _ in range(5)]
    async with anyio.create_task_group() as tasks:
        for client in crowd:
            tasks.start_soon(hurry, client)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(errors.NoDaemon, match="queue of connections was full"):
            await AsyncClient(path, timeout=0.02).status()
        daemon.start()
    daemon.stop()
    assert daemon.connections == 5


async def hurry(client: AsyncClient) -> None:
    """Connect, ask once and make room for the next."""
    async with client:
        assert (await client.send(1, "E")).handled
