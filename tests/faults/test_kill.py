"""SIGKILL under everything at once: clients work on over the kills, and what they were answered holds.

Nobody who sends or spawns notices a kill but by the time it takes.
"""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from statekeep.daemon.restoring import Place, Restored, rehearse
from statekeep.daemon.store import Kind, Secret, Until, master_key
from statekeep.protocol import Client
from statekeep.protocol.errors import ActorErased
from statekeep.protocol.messages import History, Verify
from tests.daemon.processes import running
from tests.daemon.serving import LIGHT
from tests.faults.workers import PATIENCE, Eraser, Keeper, Operator, Sender, Worker

SENDERS = 3


class Crew(NamedTuple):
    """All who work."""

    senders: list[Sender]
    eraser: Eraser
    operator: Operator
    keeper: Keeper

    @property
    def workers(self) -> list[Worker]:
        return [*self.senders, self.eraser, self.operator, self.keeper]

    def failures(self) -> list[Exception]:
        return [worker.failure for worker in self.workers if worker.failure]


def verified(socket: Path) -> None:
    """``verify`` finds nothing; the work goes on meanwhile."""
    with Client(socket, retry_for=PATIENCE) as client:
        pages = list(client.pages(Verify(limit=1_000)))
        assert [found for page in pages for found in page.differences] == []


def payloads(client: Client, actor: str) -> list[object]:
    """What came with the events of an actor."""
    return [event.payload for page in client.pages(History(actor, limit=1_000)) for event in page.events]


def there(socket: Path, crew: Crew) -> None:
    """What was answered before a kill is there after it, while the work goes on."""
    answered = [each for sender in crew.senders for each in list(sender.answered.items())[-2:]]
    backups = len(crew.keeper.taken)
    with Client(socket, retry_for=PATIENCE) as client:
        for key, least in answered:
            assert payloads(client, key)[:least] == list(range(least))
        if backups:
            last = client.status().backup
            assert last is not None
            assert last.time >= crew.keeper.taken[backups - 1][1].time


def compare(socket: Path, crew: Crew) -> None:
    """Everything that was answered is there, once; and nothing else is."""
    with Client(socket) as client:
        lengths = {key: length for sender in crew.senders for key, length in sender.answered.items()}
        for key, length in lengths.items():
            assert payloads(client, key) == list(range(length))
        for actor in crew.eraser.erased:
            with pytest.raises(ActorErased):
                client.get(actor)
        versions = {version.version: version for version in client.versions().versions}
        assert set(versions) == {f"v{number}" for number in range(crew.operator.deployed)}
        spawned = len(lengths) + crew.eraser.left
        assert sum(version.active + version.finished for version in versions.values()) == spawned


def tried_out(backup: Path, directory: Path) -> Restored:
    """What a backup holds; it is restored and verified, and that is thrown away."""
    key = Secret(Kind.FILE, master_key(directory / "data" / "master.key"))
    return rehearse(backup, Until(), Place(directory, [key], lambda: time.time_ns() // 1_000_000), directory)


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_clients_work_on_over_kills(tmp_path: Path, kills: int) -> None:
    """Events, spawns, deploys, closes, erasures, rotations, backups and shipping are under way at every kill.

    No client ever gets an error. After each start what was answered before is there, and ``verify`` finds nothing; what
    was shipped up to the kill can be restored, as far as ``status`` had said at least. In the end each history has
    every event that was sent, in order, once; who was said to be erased is; and every backup can be restored.
    """
    random, answered, ship = Random(kills), threading.Semaphore(0), tmp_path / "shipped"
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("v0", LIGHT)
    crew = Crew(
        [Sender(daemon.socket, answered, number) for number in range(SENDERS)],
        Eraser(daemon.socket, answered),
        Operator(daemon.socket, answered),
        Keeper(daemon.socket, answered, tmp_path),
    )
    try:
        for life in range(kills + 1):
            with running(tmp_path, "--ship", str(ship)) as daemon:
                if life == 0:
                    for worker in crew.workers:
                        worker.start()
                there(daemon.socket, crew)
                verified(daemon.socket)
                for _ in range(random.randrange(5, 60)):
                    assert answered.acquire(timeout=PATIENCE)
                    assert crew.failures() == []
                with Client(daemon.socket, retry_for=PATIENCE) as client:
                    shipped = client.status().shipped
                assert shipped is not None
                if life < kills:
                    assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
                    if shipped.time is not None:
                        assert tried_out(ship, tmp_path).position >= shipped.position
                    continue
                for worker in crew.workers:
                    worker.stopping = True
                for worker in crew.workers:
                    worker.join()
                verified(daemon.socket)
                compare(daemon.socket, crew)
    finally:
        for worker in crew.workers:
            worker.stopping = True
            worker.client.retry_for = 0
    assert crew.failures() == []
    assert all(sum(sender.answered.values()) for sender in crew.senders)
    assert crew.eraser.erased
    assert crew.operator.deployed > 1
    assert crew.keeper.taken
    for path, copy in random.sample(crew.keeper.taken, min(5, len(crew.keeper.taken))):
        assert tried_out(path, tmp_path).position == copy.position
