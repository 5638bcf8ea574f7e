"""SIGKILL under load: what was acknowledged is there, in order, once."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from random import Random

import pytest

from statekeep.protocol import Client
from statekeep.protocol.errors import ConnectionLost, NoDaemon
from statekeep.protocol.messages import Actors, Decisions, History, Send, Verify
from statekeep.protocol.records import Sent
from tests.daemon.processes import Daemon, running
from tests.daemon.serving import LIGHT

CLIENTS = 4
PIPELINED = 16

BRIGHT = {**LIGHT, "description": "takes over whoever has toggled twice"}


class Sender:
    """Sends numbered events to an actor of its own, and notes each that is acknowledged."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.history: list[int] = []
        """Numbers found in the actor's history, after the last kill."""
        self.acknowledged: list[int] = []
        """Numbers acknowledged since then."""
        self._next = 0

    def send_until_lost(self, daemon: Daemon, enough: threading.Semaphore) -> None:
        """Send until the daemon is gone; each batch that was answered releases the semaphore once."""
        client = Client(daemon.socket, retry_for=0)
        try:
            while self._send_some(client):
                enough.release()
        except (NoDaemon, ConnectionLost):
            pass  # it died before the greeting
        finally:
            client.close()

    def _send_some(self, client: Client) -> bool:
        numbers = range(self._next, self._next + PIPELINED)
        self._next += PIPELINED
        outcomes = client.call_many([Send(self.key, "TOGGLE", number) for number in numbers])
        answered = [number for number, outcome in zip(numbers, outcomes, strict=True) if isinstance(outcome, Sent)]
        self.acknowledged += answered
        lost = [outcome for outcome in outcomes if not isinstance(outcome, Sent)]
        assert all(isinstance(outcome, ConnectionLost) for outcome in lost), lost
        return not lost

    def compare(self, client: Client) -> None:
        """Compare the actor's history with what was acknowledged, and begin anew."""
        found = [event.payload for page in client.pages(History(self.key, limit=1_000)) for event in page.events]
        certain = self.history + self.acknowledged
        assert found[: len(certain)] == certain
        # Behind them may stand what was durable when the daemon died, and could not say so any more.
        rest = found[len(certain) :]
        first = self.acknowledged[-1] + 1 if self.acknowledged else self._next - PIPELINED
        assert rest == list(range(first, first + len(rest)))
        assert len(rest) <= PIPELINED
        self.history, self.acknowledged = found, []


def work_until_killed(daemon: Daemon, senders: list[Sender], random: Random) -> None:
    """Let all send at once, and kill the daemon somewhere in its work."""
    enough = threading.Semaphore(0)
    threads = [threading.Thread(target=sender.send_until_lost, args=(daemon, enough)) for sender in senders]
    for thread in threads:
        thread.start()
    for _ in range(random.randrange(1, 40)):
        enough.acquire()
    assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    for thread in threads:
        thread.join()


def check_decisions(client: Client) -> None:
    """Whoever has toggled twice was routed, once."""
    for actor in client.call(Actors()).actors:
        outcomes = [made.outcome for made in client.call(Decisions(actor=actor.id)).decisions]
        assert outcomes == ["pending", *["migrated"] * (actor.events >= 2)]
        assert actor.version == ("bright" if actor.events >= 2 else "light")


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(tmp_path: Path, kills: int) -> None:
    """Several clients send numbered events and note each that is acknowledged, and the daemon is killed meanwhile.

    Afterwards every history goes on with the numbers that were acknowledged, in their order; what follows was sent
    last, without a gap; and no number is there twice. And again with the same store.
    """
    random, senders = Random(kills), [Sender(f"lamp-{number}") for number in range(CLIENTS)]
    for life in range(kills + 1):
        with running(tmp_path) as daemon:
            with Client(daemon.socket) as client:
                if life == 0:
                    client.deploy("light", LIGHT)
                    client.deploy("bright", BRIGHT, parent="light", path=["TOGGLE", "TOGGLE"])
                    for sender in senders:
                        client.spawn("light", key=sender.key)
                for sender in senders:
                    sender.compare(client)
                check_decisions(client)
                verified = list(client.pages(Verify(limit=1_000)))
                assert [found for page in verified for found in page.differences] == []
            if life < kills:
                work_until_killed(daemon, senders, random)
    assert all(len(set(sender.history)) == len(sender.history) for sender in senders)
    assert sum(len(sender.history) for sender in senders) > kills * PIPELINED
