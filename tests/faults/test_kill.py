"""SIGKILL under everything at once: clients work on over the kills, and what they were answered holds.

Nobody who sends or spawns notices a kill but by the time it takes: the clients repeat what was not answered under the
idempotency key that it had. An operator, whose requests have none, looks and repeats.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from statekeep.protocol import Client
from statekeep.protocol.errors import (
    ActorErased,
    ConnectionLost,
    NoDaemon,
    Refused,
    RotationUnderWay,
    StatekeepError,
    VersionExists,
)
from statekeep.protocol.messages import (
    Batch,
    Close,
    Deploy,
    Erase,
    History,
    KeyRotate,
    Request,
    Send,
    StatusRequest,
    Verify,
)
from statekeep.protocol.records import Record, Sent
from tests.daemon.processes import running
from tests.daemon.serving import LIGHT

SENDERS = 3
PIPELINED = 12
PATIENCE = 60.0
"""Seconds that a client goes on trying: longer than any start on a busy machine."""


class Worker(threading.Thread):
    """Works until it is told to stop, whatever becomes of the daemon; ``answered`` is released at each answer."""

    def __init__(self, socket: Path, answered: threading.Semaphore) -> None:
        super().__init__()
        self.client = Client(socket, retry_for=PATIENCE)
        self.failure: Exception | None = None
        self.stopping = False
        self._answered = answered
        self._back = threading.Event()

    def run(self) -> None:
        try:
            for _ in self.work():
                self._answered.release()
                if self.stopping:
                    return
        except Exception as failure:  # noqa: BLE001 - the test looks at it
            self.failure = failure
        finally:
            self.client.close()
            self._answered.release()

    def work(self) -> Iterator[None]:
        """Do the next thing; yields when it was answered."""
        raise NotImplementedError

    def insist(self, request: Request[Record]) -> Record | Refused:
        """Repeat a request that has no idempotency key until it is answered."""
        while True:
            try:
                return self.client.call(request)
            except Refused as refused:
                return refused
            except (ConnectionLost, NoDaemon):
                self._back.wait(0.02)  # nobody announces the next daemon


class Sender(Worker):
    """Sends numbered events to an actor of its own, some one by one and some in batches."""

    def __init__(self, socket: Path, answered: threading.Semaphore, number: int) -> None:
        super().__init__(socket, answered)
        self.key = f"sender-{number}"
        self.sent = 0

    def work(self) -> Iterator[None]:
        self.client.spawn("v0", self.key)
        while True:
            sends = [Send(self.key, "TOGGLE", self.sent + number) for number in range(PIPELINED)]
            self.sent += PIPELINED
            if self.sent // PIPELINED % 3:
                outcomes: list[Sent | StatekeepError] = self.client.call_many(sends)
            else:
                results = self.client.call(Batch(requests=[*sends]))
                outcomes = [one.ok for one in results.results if isinstance(one.ok, Sent)]
            assert [type(outcome) for outcome in outcomes] == [Sent] * PIPELINED, outcomes
            yield


class Eraser(Worker):
    """Spawns actors, has them do something, and erases them."""

    def __init__(self, socket: Path, answered: threading.Semaphore) -> None:
        super().__init__(socket, answered)
        self.erased: list[int] = []
        self.left = 0

    def work(self) -> Iterator[None]:
        while True:
            actor = self.client.spawn("v0", context={"to": "go"}).id
            self.left += 1
            self.client.send(actor, "TOGGLE", "x" * 100)
            found = self.insist(Erase(actor))
            assert not isinstance(found, Refused), found
            self.erased.append(actor)
            self.left -= 1
            yield


class Operator(Worker):
    """Deploys version upon version, each for whoever has toggled so often, closes some, and rotates the keys."""

    def __init__(self, socket: Path, answered: threading.Semaphore) -> None:
        super().__init__(socket, answered)
        self.deployed = 1
        self.rotated = 0

    def work(self) -> Iterator[None]:
        while True:
            child, parent = f"v{self.deployed}", f"v{self.deployed - 1}"
            path = ["TOGGLE"] * (self.deployed % 5)
            found = self.insist(Deploy(child, LIGHT | {"description": child}, parent=parent, path=path))
            assert not isinstance(found, Refused) or isinstance(found, VersionExists), found
            self.deployed += 1
            yield
            if self.deployed % 4 == 0:
                self.insist(Close(child))
            found = self.insist(KeyRotate())
            assert not isinstance(found, Refused) or isinstance(found, RotationUnderWay), found
            self.rotated += 1
            yield
            # A forest of thousands would make the test one of deploys.
            for _ in range(20):
                self.client.call(StatusRequest())
                yield


def check(socket: Path) -> None:
    """Verify finds nothing; the work goes on meanwhile."""
    with Client(socket, retry_for=PATIENCE) as client:
        verified = list(client.pages(Verify(limit=1_000)))
        assert [found for page in verified for found in page.differences] == []


def compare(socket: Path, senders: list[Sender], eraser: Eraser, operator: Operator) -> None:
    """Everything that was answered is there, once; and nothing else is."""
    with Client(socket) as client:
        for sender in senders:
            found = [event.payload for page in client.pages(History(sender.key, limit=1_000)) for event in page.events]
            assert found == list(range(sender.sent))
        for actor in eraser.erased:
            with pytest.raises(ActorErased):
                client.get(actor)
        versions = {version.version: version for version in client.versions().versions}
        assert set(versions) == {f"v{number}" for number in range(operator.deployed)}
        assert sum(version.active + version.finished for version in versions.values()) == len(senders) + eraser.left


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_clients_work_on_over_kills(tmp_path: Path, kills: int) -> None:
    """Events, spawns, deploys, closes, erasures and rotations are under way whenever the daemon is killed.

    No sender ever gets an error. In the end each history has every event that was sent, in order, once; who was said
    to be erased is; and ``verify`` finds nothing, then and after each start.
    """
    random, answered = Random(kills), threading.Semaphore(0)
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("v0", LIGHT)
    senders = [Sender(daemon.socket, answered, number) for number in range(SENDERS)]
    eraser, operator = Eraser(daemon.socket, answered), Operator(daemon.socket, answered)
    workers = [*senders, eraser, operator]
    try:
        for life in range(kills + 1):
            with running(tmp_path) as daemon:
                if life == 0:
                    for worker in workers:
                        worker.start()
                check(daemon.socket)
                for _ in range(random.randrange(5, 60)):
                    assert answered.acquire(timeout=PATIENCE)
                    assert [worker.failure for worker in workers if worker.failure] == []
                if life < kills:
                    assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
                    continue
                for worker in workers:
                    worker.stopping = True
                for worker in workers:
                    worker.join()
                check(daemon.socket)
                compare(daemon.socket, senders, eraser, operator)
    finally:
        for worker in workers:
            worker.stopping = True
            worker.client.retry_for = 0
    assert [worker.failure for worker in workers if worker.failure] == []
    assert all(sender.sent for sender in senders)
    assert eraser.erased
    assert operator.deployed > 1
