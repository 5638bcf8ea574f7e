"""The client's connection without a socket: numbers, outcomes, and peers that break the rules."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.protocol import errors
from statekeep.protocol.codec import RequestReader, encode_answers
from statekeep.protocol.connection import Connection, Exchange
from statekeep.protocol.framing import ANSWER_LIMIT, REQUEST_LIMIT, Dialect, join_frames
from statekeep.protocol.messages import Answer, Get, Hello, Refusal, Request, Send, Versions
from statekeep.protocol.records import Limits, Record, Sent, VersionList, Welcome

SENT = Sent(id=1, handled=True, version="v", state={"a": "b"}, status="active", events=1)
VERSIONS = VersionList(versions=[])


def answered(*answers: Answer | Refusal) -> bytes:
    """Write what a daemon would."""
    return encode_answers(Dialect.MSGPACK, answers)


def started(connection: Connection, *requests: Request[Record]) -> Exchange:
    """Begin an exchange on a connection whose daemon allows eight requests at once."""
    connection.window = 8
    exchange = Exchange(connection, requests)
    exchange.fill()
    return exchange


def test_the_daemon_reads_what_the_connection_writes() -> None:
    """Each request gets a number of its own, and the caller's object is left as it is."""
    connection, request = Connection(), Send("alice", "PAY_FEE", {"amount": 3})
    connection.window = 2
    data = Exchange(connection, [request, request]).fill()
    assert RequestReader(REQUEST_LIMIT).feed(data) == [
        Send("alice", "PAY_FEE", {"amount": 3}, id=1),
        Send("alice", "PAY_FEE", {"amount": 3}, id=2),
    ]
    assert request.id == 0


def test_answers_may_overtake() -> None:
    """An outcome is read as the result of the request whose number it bears, whatever the order and the chunks."""
    connection = Connection()
    one, two = started(connection, Send(1, "E"), Versions()), started(connection, Get("bob"))
    refusal = errors.UnknownActor("bob")
    data = answered(Refusal(3, refusal.body()), Answer(2, VERSIONS), Answer(1, SENT))
    assert [exchange for byte in data for exchange in connection.receive(bytes([byte]))] == [two, one, one]
    assert one.outcomes == [SENT, VERSIONS]
    (error,) = two.outcomes
    assert isinstance(error, errors.UnknownActor)
    assert error.body() == refusal.body()


def test_an_exchange_keeps_to_the_window() -> None:
    """The next requests go out when answers make room for them."""
    connection = Connection()
    exchange = started(connection, *[Versions()] * 10)
    assert len(exchange.under_way) == 8
    assert exchange.fill() == b""
    connection.receive(answered(Answer(5, VERSIONS)))
    assert RequestReader(REQUEST_LIMIT).feed(exchange.fill()) == [Versions(id=9)]


def test_a_late_answer_is_no_violation() -> None:
    """It comes after its caller gave up, and does no harm."""
    connection = Connection()
    exchange = started(connection, Versions())
    exchange.fail(errors.TimedOut(1))
    assert [type(outcome) for outcome in exchange.outcomes] == [errors.TimedOut]
    assert connection.receive(answered(Answer(1, VERSIONS))) == [exchange]


def test_an_answer_comes_once() -> None:
    """A second answer to a request belongs to nobody."""
    connection = Connection()
    started(connection, Versions())
    connection.receive(answered(Answer(1, VERSIONS)))
    with pytest.raises(errors.ProtocolViolation, match="belongs to no request"):
        connection.receive(answered(Answer(1, VERSIONS)))


def test_a_greeting_sets_the_limits() -> None:
    """A request over the daemon's limit is refused before it is sent, because the daemon could not say which it was."""
    connection = Connection()
    greeting = started(connection, Hello())
    welcome = Welcome(
        protocol=1,
        server="0",
        limits=Limits(frame=100, page=10, under_way=7, batch=1000, idempotency=1000, context=1 << 20),
    )
    connection.receive(answered(Answer(1, welcome)))
    assert greeting.outcomes == [welcome]
    assert connection.window == 7
    exchange = Exchange(connection, [Send(1, "E", "x" * 100), Send(1, "E")])
    assert RequestReader(REQUEST_LIMIT).feed(exchange.fill()) == [Send(1, "E", id=2)]
    too_large, pending = exchange.outcomes
    assert isinstance(too_large, errors.FrameTooLarge)
    assert "100 bytes" in too_large.message
    assert pending is None


def test_a_refusal_without_id_ends_the_connection() -> None:
    """It speaks of the connection as a whole, so it is raised."""
    with pytest.raises(errors.Busy):
        Connection().receive(answered(Refusal(None, errors.Busy("too many connections").body())))


@pytest.mark.parametrize(
    "reply",
    [
        {"id": 9, "ok": {}},
        {"id": None, "ok": {}},
        {"id": None},
        {"id": 1},
        {"ok": {}},
        {"id": 1, "ok": {"versions": 5}},
        {"id": 1, "ok": {}},
        [1, 2],
    ],
)
def test_what_is_no_answer_is_a_violation(reply: object) -> None:
    """Unknown numbers, missing outcomes and results of another shape end the connection in our own words."""
    connection = Connection()
    started(connection, Versions())
    with pytest.raises(errors.ProtocolViolation):
        connection.receive(join_frames([msgspec.msgpack.encode(reply)]))


@given(st.binary(max_size=200))
def test_garbage_raises_our_own_errors(data: bytes) -> None:
    """Whatever listens at the socket, a client sees a ``StatekeepError`` or waits for more."""
    for received in (data, join_frames([data])):
        connection = Connection()
        started(connection, Versions())
        with contextlib.suppress(errors.ProtocolViolation):
            assert connection.receive(received) == []


def test_an_absurd_answer_is_not_collected() -> None:
    """A peer that announces gigabytes is found out by the announcement."""
    with pytest.raises(errors.ProtocolViolation, match=str(ANSWER_LIMIT + 1)):
        Connection().receive((ANSWER_LIMIT + 1).to_bytes(4, "big"))


def test_fields_of_a_newer_daemon_are_ignored() -> None:
    """A result may grow without breaking the clients that are there."""
    connection = Connection()
    exchange = started(connection, Versions())
    reply = {"id": 1, "ok": {"versions": [], "mood": "fine"}, "took": 3}
    connection.receive(join_frames([msgspec.msgpack.encode(reply)]))
    assert exchange.outcomes == [VERSIONS]
