"""A watch without a socket: what it sends, what it takes in, and when it comes again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from statekeep.protocol import errors
from statekeep.protocol.framing import Dialect, FrameReader, join_frames
from statekeep.protocol.messages import Credit, Watch
from statekeep.protocol.records import Notice
from statekeep.protocol.subscription import Subscription


def notice(position: int) -> Notice:
    """The notice of an event."""
    return Notice(kind="event", token=str(position), position=position, time=0, version="v")


def part(*positions: int, **more: Any) -> bytes:
    """The bytes of a part of the stream."""
    fields = {"id": 1, "notices": list(map(notice, positions)), "token": str(positions[-1]), **more}
    return join_frames([msgspec.msgpack.encode(fields)])


def sent(data: bytes, kind: Any) -> list[Any]:
    """The requests in what is to be sent."""
    frames = FrameReader(1 << 20, Dialect.MSGPACK).feed(data)
    return [msgspec.msgpack.decode(frame, type=kind) for frame in frames if isinstance(frame, bytes)]


def test_credits_are_granted_as_notices_are_taken() -> None:
    """Never more than asked for are on the way or waiting, and the daemon never rests while half are taken."""
    subscription = Subscription(Watch(credits=4))
    assert sent(subscription.begin(), Watch) == [Watch(credits=4, id=1)]
    subscription.receive(part(1, 2, 3, 4))
    grants = [sent(subscription.take()[1], Credit) for _ in range(4)]
    assert grants == [[], [Credit(1, 2, id=2)], [], [Credit(1, 2, id=3)]]


def test_a_new_connection_goes_on_behind_the_last_part() -> None:
    """What came and was not taken is not asked for again, and takes up its share of the credits."""
    subscription = Subscription(Watch(after="0", kinds=["event"], credits=4))
    subscription.begin()
    subscription.receive(part(1, 2, 3)[:-1])
    subscription.receive(part(1, 2, 3)[-1:])
    subscription.take()
    assert sent(subscription.begin(), Watch) == [Watch(after="3", kinds=["event"], credits=2, id=1)]
    assert [subscription.take()[0].position for _ in range(2)] == [2, 3]


def test_a_part_without_notices_moves_on() -> None:
    """Its token is where to go on, though there is nothing to take."""
    subscription = Subscription(Watch())
    subscription.begin()
    subscription.receive(part(7, notices=[]))
    assert not subscription.ready
    assert sent(subscription.begin(), Watch)[0].after == "7"


def test_a_watch_by_key_goes_on_by_id() -> None:
    """Once the id is known: were the actor erased while the connection is lost, its key would lead nowhere."""
    subscription = Subscription(Watch(actor="alice"))
    subscription.receive(part(7, notices=[]))
    assert sent(subscription.begin(), Watch)[0].actor == "alice"
    subscription.receive(part(8, notices=[msgspec.structs.replace(notice(8), actor=3)]))
    assert sent(subscription.begin(), Watch)[0].actor == 3


def test_answers_to_grants_are_no_news() -> None:
    """They come in between, and nothing follows from them."""
    subscription = Subscription(Watch())
    subscription.begin()
    subscription.receive(join_frames([msgspec.msgpack.encode({"id": 2, "ok": {"credits": 3}})]) + part(1))
    assert [subscription.take()[0]] == [notice(1)]


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff\xff", join_frames([b"\x93"]), join_frames([msgspec.msgpack.encode({"id": 1, "notices": [1]})])],
)
def test_what_is_no_part_is_said(data: bytes) -> None:
    """And ends the watch for good: coming again would not help."""
    subscription = Subscription(Watch())
    subscription.begin()
    subscription.receive(part(1))
    with pytest.raises(errors.ProtocolViolation) as raised:
        subscription.receive(data)
    with pytest.raises(errors.ProtocolViolation):
        subscription.lost(raised.value, 0.0)


def test_the_end_is_the_loss_of_the_connection() -> None:
    """After which the pauses grow, until the patience is at its end; a part that comes ends the loss."""
    subscription = Subscription(Watch(), patience=10.0)
    lost = errors.ConnectionLost("gone")
    with pytest.raises(errors.ConnectionLost):
        subscription.lost(lost, 0.0)  # it never began
    subscription.begin()
    subscription.receive(part(1))
    with pytest.raises(errors.ConnectionLost):
        subscription.receive(b"")
    pauses = [subscription.lost(lost, 100.0) for _ in range(12)]
    assert 0.005 <= pauses[0] <= 0.015
    assert 1.0 <= pauses[-1] <= 3.0
    with pytest.raises(errors.ConnectionLost):
        subscription.lost(lost, 110.5)
    subscription.receive(part(2))
    assert subscription.lost(lost, 200.0) <= 0.015


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (errors.Stopping(), True),
        (errors.Busy("full"), True),
        (errors.NoDaemon("s", "gone"), True),
        (errors.UnknownActor("bob"), False),
        (errors.BadRequest("no token"), False),
    ],
)
def test_only_trouble_that_passes_is_waited_for(error: errors.StatekeepError, *, again: bool) -> None:
    """A daemon that restarts is; a refusal is raised."""
    subscription = Subscription(Watch())
    subscription.begin()
    subscription.receive(part(1))
    if again:
        assert subscription.lost(error, 0.0) > 0
    else:
        with pytest.raises(type(error)):
            subscription.lost(error, 0.0)
