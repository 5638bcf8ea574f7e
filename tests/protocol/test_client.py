"""The blocking client against a daemon of a few lines."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from statekeep.protocol import Client, dialing, errors, messages
from statekeep.protocol.client import _Link
from statekeep.protocol.codec import encode_answers
from statekeep.protocol.connection import Exchange
from statekeep.protocol.framing import REQUEST_LIMIT, Dialect
from statekeep.protocol.messages import Answer, AnyRequest, History, Send
from statekeep.protocol.records import Actor, HistoryPage, Record, Sent
from tests.protocol.fakes import WELCOME, FakeDaemon, HangUp, echo, fake_daemon


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the socket is."""
    return tmp_path / "s"


@pytest.fixture
def daemon(path: Path) -> Iterator[FakeDaemon]:
    """A daemon that handles every ``send``."""
    with fake_daemon(path) as daemon:
        yield daemon


def silent(request: AnyRequest) -> None:
    """Never answer."""


def test_an_operation_is_a_call(daemon: FakeDaemon) -> None:
    """A method takes what its request takes, and returns the request's result."""
    with Client(daemon.path, retry_for=0) as client:
        assert client.send("alice", "PAY_FEE", {"amount": 3}).version == "PAY_FEE"
        assert client.call(Send("alice", "APPROVE")).version == "APPROVE"
    assert daemon.requests == [
        Send("alice", "PAY_FEE", {"amount": 3}, id=2),
        Send("alice", "APPROVE", id=3),
    ]


def test_a_refusal_is_raised(path: Path) -> None:
    """The daemon's error comes out of the call in the class of its code, and the connection goes on."""

    def refuse(request: AnyRequest) -> errors.StatekeepError:
        return errors.UnknownActor("bob")

    with fake_daemon(path, refuse) as daemon, Client(path) as client:
        for _ in range(2):
            with pytest.raises(errors.UnknownActor, match="'bob'"):
                client.get("bob")
        assert daemon.connections == 1


def test_many_requests_keep_their_order(path: Path) -> None:
    """Requests arrive in the order given, and outcomes are returned in it, even if answers overtake each other."""
    with fake_daemon(path, overtaking=True) as daemon, Client(path) as client:
        outcomes = client.call_many(Send(1, f"E{number}") for number in range(1_000))
    assert [outcome.version for outcome in outcomes if isinstance(outcome, Sent)] == [f"E{n}" for n in range(1_000)]
    assert [request.event for request in daemon.requests if isinstance(request, Send)] == [
        f"E{n}" for n in range(1_000)
    ]


def test_many_requests_fail_one_by_one(path: Path) -> None:
    """A refusal, or a request over the limit, takes its own place and no other's."""

    def answer(request: AnyRequest) -> Record | errors.StatekeepError:
        return errors.ReservedEvent("E1") if isinstance(request, Send) and request.event == "E1" else echo(request)

    with fake_daemon(path, answer), Client(path) as client:
        large = Send(1, "E2", "x" * REQUEST_LIMIT)
        outcomes = client.call_many([Send(1, "E0"), Send(1, "E1"), large, Send(1, "E3")])
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Sent, errors.ReservedEvent, errors.FrameTooLarge, Sent]


def test_the_window_of_the_daemon_is_kept(path: Path) -> None:
    """No more requests are under way than the daemon allows: the next ones wait for answers."""
    arrived: list[AnyRequest] = []

    def hold_the_first_window(request: AnyRequest) -> None:
        arrived.append(request)

    with fake_daemon(path, hold_the_first_window), Client(path, timeout=0.05) as client:
        client.call_many(Send(1, "E") for _ in range(100))
    assert len(arrived) == WELCOME.limits.under_way


def test_both_directions_move_at_once(path: Path) -> None:
    """Requests and answers that fill both sockets' buffers do not wait for each other forever."""
    context = "x" * 500_000

    def large(request: AnyRequest) -> Record:
        return Actor(
            id=1,
            version="v",
            state="s",
            status="active",
            events=0,
            fingerprint="0" * 16,
            position=1,
            updated=1,
            context=context,
        )

    with fake_daemon(path, large), Client(path, timeout=20) as client:
        outcomes = client.call_many(messages.Spawn("v", context=context) for _ in range(12))
    assert [type(outcome) for outcome in outcomes] == [Actor] * 12


def test_pages_follow_the_cursor(path: Path) -> None:
    """Pages come until one names no next, each asked for with the cursor of the one before."""

    def page(request: AnyRequest) -> Record:
        assert isinstance(request, History)
        following = request.cursor + request.limit
        return HistoryPage(id=1, spawned_on="v", spawned_at=0, events=[], next=following if following < 30 else None)

    with fake_daemon(path, page) as daemon, Client(path) as client:
        assert [page.next for page in client.pages(History("alice", limit=10))] == [10, 20, None]
    assert [request.cursor for request in daemon.requests if isinstance(request, History)] == [0, 10, 20]


def test_threads_take_turns(daemon: FakeDaemon) -> None:
    """Each of many threads gets the answers to its own requests."""
    wrong: list[str] = []

    def work(name: str) -> None:
        wrong.extend(name for _ in range(50) if client.send(1, name).version != name)

    with Client(daemon.path) as client:
        threads = [threading.Thread(target=work, args=(f"T{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert len(daemon.requests) == 400


def test_silence_ends_in_time(path: Path) -> None:
    """A call gives up and says that its outcome is unknown; the next call starts on a new connection."""
    with fake_daemon(path, silent) as daemon, Client(path, timeout=0.05) as client:
        for _ in range(2):
            with pytest.raises(errors.TimedOut, match=r"0\.05 s.*look before you repeat"):
                client.get(1)
        assert daemon.connections == 2


def test_a_lost_connection_is_said_and_made_anew(path: Path) -> None:
    """Nothing is repeated by itself where the caller wants that, and the next call works."""
    calls: list[AnyRequest] = []

    def hang_up_once(request: AnyRequest) -> Record:
        calls.append(request)
        if len(calls) == 1:
            raise HangUp
        return echo(request)

    with fake_daemon(path, hang_up_once), Client(path, retry_for=0) as client:
        with pytest.raises(errors.ConnectionLost, match="the daemon closed it"):
            client.send(1, "E")
        assert client.send(1, "E").handled
    assert len(calls) == 2


def test_a_loss_leaves_what_was_answered(path: Path) -> None:
    """Of many requests, those answered before the loss keep their answers, and each other one says that it was lost."""
    window = WELCOME.limits.under_way

    def hang_up_after_one_window(request: AnyRequest) -> Record:
        if isinstance(request, Send) and request.event == "last":
            raise HangUp
        return echo(request)

    with fake_daemon(path, hang_up_after_one_window), Client(path) as client:
        outcomes = client.call_many([*[Send(1, "E")] * window, *[Send(1, "last")] * window])
    assert [type(outcome) for outcome in outcomes] == [Sent] * window + [errors.ConnectionLost] * window


def test_answers_are_read_though_nothing_can_be_written() -> None:
    """A daemon that answered before it closed the connection is heard."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    sent = [Sent(id=1, handled=True, version=f"v{n}", state="s", status="active", events=n) for n in range(2)]
    theirs.sendall(encode_answers(Dialect.MSGPACK, [Answer(number, sent[number - 1]) for number in (1, 2)]))
    theirs.close()
    link = _Link(ours, timeout=1)
    link.connection.window = 2
    exchange = Exchange(link.connection, [Send(1, "E")] * 2)
    link.run(exchange)
    link.close()
    assert exchange.outcomes == sent


def test_an_interrupt_leaves_no_answer_behind(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C in the middle of a call, the next call is on a connection where nothing is under way."""

    def interrupt(_: _Link, deadline: float) -> None:
        raise KeyboardInterrupt

    with Client(daemon.path) as client:
        with monkeypatch.context() as patch:
            patch.setattr(_Link, "_wait", interrupt)
            with pytest.raises(KeyboardInterrupt):
                client.send(1, "first")
        assert client.send(1, "second").version == "second"
    assert daemon.connections == 2


def test_a_request_that_can_not_be_written_leaves_no_trace(daemon: FakeDaemon) -> None:
    """The caller sees Python's own error, and the client goes on."""
    with Client(daemon.path) as client:
        with pytest.raises(TypeError):
            client.send(1, "E", object())
        assert client.send(1, "F").version == "F"


@pytest.mark.parametrize(
    ("leftover", "reason", "cure"),
    [
        ("nothing", "there is no such socket", "Start the daemon with `statekeepd`"),
        ("a dead socket", "nobody listens there any more", "Start the daemon with `statekeepd`"),
        ("a file", "that is no socket", "Check the path"),
    ],
)
def test_no_daemon_names_the_socket_the_reason_and_the_cure(path: Path, leftover: str, reason: str, cure: str) -> None:
    """Whoever forgot to start the daemon reads what was tried and what to type."""
    if leftover == "a dead socket":
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    elif leftover == "a file":
        path.touch()
    with pytest.raises(errors.NoDaemon) as caught:
        Client(path).status()
    assert str(path) in caught.value.message
    assert reason in caught.value.message
    assert cure in caught.value.hint


def test_a_path_that_no_socket_can_have_is_said(tmp_path: Path) -> None:
    """The system takes about a hundred bytes; the error says so instead of failing strangely."""
    with pytest.raises(errors.NoDaemon, match="too long"):
        Client(tmp_path / ("x" * 200)).status()


def test_a_storm_is_waited_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the daemon's queue is full, connecting is tried again."""
    daemon = FakeDaemon(path, echo, overtaking=False, backlog=0)
    crowd = []
    while waiting := dialing.dial(str(path)):
        crowd.append(waiting)
    attempts = iter([0.0, 0.0])

    def pauses() -> Iterator[float]:
        yield from attempts
        for waiting in crowd:
            waiting.close()
        daemon.start()
        while True:
            yield 0.001

    monkeypatch.setattr("statekeep.protocol.client.pauses", pauses)
    with Client(path) as client:
        assert client.send(1, "E").handled
    assert next(attempts, None) is None
    daemon.stop()


def test_a_queue_that_stays_full_is_said(path: Path) -> None:
    """After the timeout the error is that of a daemon that can't be reached: nothing was sent."""
    daemon = FakeDaemon(path, echo, overtaking=False, backlog=0)
    crowd = []
    while waiting := dialing.dial(str(path)):
        crowd.append(waiting)
    with pytest.raises(errors.NoDaemon, match="queue of connections was full"):
        Client(path, timeout=0.01).status()
    for waiting in crowd:
        waiting.close()
    daemon.stop()


def test_a_stranger_at_the_socket_is_recognised(path: Path) -> None:
    """A peer that speaks another protocol ends in our own error."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def greet() -> None:
        stranger, _ = listener.accept()
        stranger.sendall(b"220 mail.example.org ESMTP\r\n")
        stranger.recv(1)
        stranger.close()

    thread = threading.Thread(target=greet)
    thread.start()
    with pytest.raises(errors.ProtocolViolation):
        Client(path).status()
    thread.join()
    listener.close()


def test_a_daemon_of_another_protocol_refuses_the_greeting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the greeting is refused with is what the caller sees."""

    def refuse(_: FakeDaemon, request: AnyRequest) -> messages.Refusal:
        return messages.Refusal(request.id, errors.UnsupportedProtocol((1,), 7).body())

    monkeypatch.setattr(FakeDaemon, "_answer", refuse)
    with fake_daemon(path), pytest.raises(errors.UnsupportedProtocol, match="speaks protocol 7"):
        Client(path).status()
