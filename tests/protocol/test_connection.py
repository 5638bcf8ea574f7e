"""The client's connection without a socket: numbers, outcomes, and peers that break the rules."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.protocol import errors
from statekeep.protocol.codec import RequestReader, encode_answers
from statekeep.protocol.connection import Connection
from statekeep.protocol.framing import ANSWER_LIMIT, REQUEST_LIMIT, Dialect, join_frames
from statekeep.protocol.messages import Answer, Get, Hello, Limits, Refusal, Send, Sent, VersionList, Versions, Welcome

SENT = Sent(id=1, handled=True, version="v", state={"a": "b"}, status="active", events=1)
VERSIONS = VersionList(versions=[])


def answered(*answers: Answer | Refusal) -> bytes:
    """Write what a daemon would."""
    return encode_answers(Dialect.MSGPACK, answers)


def test_the_daemon_reads_what_the_connection_writes() -> None:
    """Each request gets a number of its own, and the caller's object is left as it is."""
    connection, request = Connection(), Send("alice", "PAY_FEE", {"amount": 3})
    (first, one), (second, two) = connection.request(request), connection.request(request)
    read = RequestReader(REQUEST_LIMIT).feed(one + two)
    assert read == [
        Send("alice", "PAY_FEE", {"amount": 3}, id=first),
        Send("alice", "PAY_FEE", {"amount": 3}, id=second),
    ]
    assert first != second
    assert request.id == 0


def test_answers_may_overtake() -> None:
    """An outcome is read as the result of the request whose number it bears, whatever the order."""
    connection = Connection()
    sent, _ = connection.request(Send(1, "E"))
    listed, _ = connection.request(Versions())
    refused, _ = connection.request(Get("bob"))
    refusal = errors.UnknownActor("bob")
    data = answered(Refusal(refused, refusal.body()), Answer(listed, VERSIONS), Answer(sent, SENT))
    outcomes = [outcome for byte in data for outcome in connection.receive(bytes([byte]))]
    assert outcomes[1:] == [(listed, VERSIONS), (sent, SENT)]
    number, error = outcomes[0]
    assert number == refused
    assert isinstance(error, errors.UnknownActor)
    assert error.body() == refusal.body()


def test_nobody_gets_an_abandoned_answer() -> None:
    """An answer that comes after its caller gave up is dropped, and is no violation."""
    connection = Connection()
    number, _ = connection.request(Versions())
    connection.abandon(number)
    assert connection.receive(answered(Answer(number, VERSIONS))) == []


def test_abandoning_twice_or_late_does_nothing() -> None:
    """Giving up on what has been answered leaves no trace that would swallow something else."""
    connection = Connection()
    number, _ = connection.request(Versions())
    connection.receive(answered(Answer(number, VERSIONS)))
    connection.abandon(number)
    with pytest.raises(errors.ProtocolViolation, match="belongs to no request"):
        connection.receive(answered(Answer(number, VERSIONS)))


def test_a_greeting_sets_the_limits() -> None:
    """A request over the daemon's limit is refused before it is sent, because the daemon could not say which it was."""
    connection = Connection()
    number, _ = connection.request(Hello())
    welcome = Welcome(protocol=1, server="0", limits=Limits(frame=100, page=10, under_way=7))
    assert connection.receive(answered(Answer(number, welcome))) == [(number, welcome)]
    assert connection.window == 7
    with pytest.raises(errors.FrameTooLarge, match="100 bytes"):
        connection.request(Send(1, "E", "x" * 100))
    connection.request(Send(1, "E"))


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
    connection.request(Versions())
    with pytest.raises(errors.ProtocolViolation):
        connection.receive(join_frames([msgspec.msgpack.encode(reply)]))


@given(st.binary(max_size=200))
def test_garbage_raises_our_own_errors(data: bytes) -> None:
    """Whatever listens at the socket, a client sees a ``StatekeepError`` or waits for more."""
    for received in (data, join_frames([data])):
        connection = Connection()
        connection.request(Versions())
        with contextlib.suppress(errors.ProtocolViolation):
            assert connection.receive(received) == []


def test_an_absurd_answer_is_not_collected() -> None:
    """A peer that announces gigabytes is found out by the announcement."""
    with pytest.raises(errors.ProtocolViolation, match=str(ANSWER_LIMIT + 1)):
        Connection().receive((ANSWER_LIMIT + 1).to_bytes(4, "big"))


def test_fields_of_a_newer_daemon_are_ignored() -> None:
    """A result may grow without breaking the clients that are there."""
    connection = Connection()
    number, _ = connection.request(Versions())
    reply = {"id": number, "ok": {"versions": [], "mood": "fine"}, "took": 3}
    assert connection.receive(join_frames([msgspec.msgpack.encode(reply)])) == [(number, VERSIONS)]
