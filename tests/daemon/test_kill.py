"""SIGKILL under load: what was acknowledged is there, in order, once."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from random import Random

import pytest

from statekeep.protocol import Client
from statekeep.protocol.errors import ConnectionLost, NoDaemon
from statekeep.protocol.messages import Actors, Decisions, History, Send, Sent
from tests.daemon.processes import Daemon, running
from tests.daemon.serving import LIGHT

CLIENTS = 4
PIPELINED = 16

BRIGHT = {**LIGHT, "description": "takes over whoever has toggled twice"}


class Sender:
    """A client of its own thread that sends numbered events to its own actor until the daemon is gone."""

    def __init__(self, daemon: Daemon, key: str, first: int, enough: threading.Semaphore) -> None:
        self.key = key
        self.sent = first
        """Where its numbers have come to."""
        self.acknowledged: list[int] = []
        self._daemon = daemon
        self._enough = enough
        self.thread = threading.Thread(target=self._send)
        self.thread.start()

    def _send(self) -> None:
        client = Client(self._daemon.socket)
        try:
            while self._send_some(client):
                self._enough.release()
        except NoDaemon:
            pass
        finally:
            client.close()

    def _send_some(self, client: Client) -> bool:
        numbers = range(self.sent, self.sent + PIPELINED)
        self.sent += PIPELINED
        outcomes = client.call_many([Send(self.key, "TOGGLE", number) for number in numbers])
        answered = [number for number, outcome in zip(numbers, outcomes, strict=True) if isinstance(outcome, Sent)]
        self.acknowledged += answered
        lost = [outcome for outcome in outcomes if not isinstance(outcome, Sent)]
        assert all(isinstance(outcome, ConnectionLost) for outcome in lost), lost
        return not lost


def history(client: Client, key: str) -> list[int]:
    """The numbers of all events that an actor has processed."""
    return [event.payload for page in client.pages(History(key, limit=1_000)) for event in page.events]


def kill_and_compare(directory: Path, acknowledged: dict[str, list[int]], random: Random) -> None:
    """One life of a daemon that ends by SIGKILL somewhere in its work, and what the next finds of it."""
    enough = threading.Semaphore(0)
    with running(directory) as daemon:
        senders = [Sender(daemon, key, 1_000_000 * len(acknowledged[key]), enough) for key in acknowledged]
        for _ in range(random.randrange(1, 40)):
            enough.acquire()
        assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
        for sender in senders:
            sender.thread.join()
    with running(directory) as daemon, Client(daemon.socket) as client:
        for sender in senders:
            found = history(client, sender.key)
            before = acknowledged[sender.key]
            assert found[: len(before)] == before
            new = found[len(before) :]
            assert new[: len(sender.acknowledged)] == sender.acknowledged
            # Behind them may stand what was durable when the daemon died, and could not say so any more.
            rest = new[len(sender.acknowledged) :]
            first = 1_000_000 * len(before) + len(sender.acknowledged)
            assert rest == list(range(first, first + len(rest)))
            assert first + len(rest) <= sender.sent
            acknowledged[sender.key] = found
        check_decisions(client)


def check_decisions(client: Client) -> None:
    """Whoever has toggled twice was routed, once."""
    for actor in client.call(Actors()).actors:
        outcomes = [made.outcome for made in client.call(Decisions(actor=actor.id)).decisions]
        assert outcomes == ["pending", *["migrated"] * (actor.events >= 2)]
        assert actor.version == ("bright" if actor.events >= 2 else "light")


@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(tmp_path: Path, kills: int) -> None:
    """Several clients send numbered events and note each that is acknowledged, and the daemon is killed meanwhile.

    Afterwards every history begins with the numbers that were acknowledged, in their order; what follows was sent
    last, without a gap; and no number is there twice. And again with the same store.
    """
    random = Random(kills)
    acknowledged: dict[str, list[int]] = {f"lamp-{number}": [] for number in range(CLIENTS)}
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("light", LIGHT)
        client.deploy("bright", BRIGHT, parent="light", path=["TOGGLE", "TOGGLE"])
        for key in acknowledged:
            client.spawn("light", key=key)
        daemon.end(signal.SIGKILL)
    for _ in range(kills):
        kill_and_compare(tmp_path, acknowledged, random)
    assert sum(map(len, acknowledged.values())) > kills * PIPELINED
