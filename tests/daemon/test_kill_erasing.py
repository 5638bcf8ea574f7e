"""SIGKILL while actors are erased under load: who was said to be gone is gone, and nobody is half there."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from random import Random

import pytest

from statekeep.protocol import Client
from statekeep.protocol.errors import ActorErased, ConnectionLost, NoDaemon, StatekeepError
from statekeep.protocol.messages import Erase, Get, Request, Send, Spawn, Verify
from statekeep.protocol.records import Actor, Erased, Record, Sent
from tests.daemon.processes import Daemon, running
from tests.daemon.serving import LIGHT
from tests.engine.remains import remains, stored

ACTORS = 30
"""To be erased in each life, and as many beside them, which stay."""

TOGGLES = 5


def spawn(client: Client, life: int) -> list[int]:
    """New actors with contexts and payloads; those with an odd number in their key are to stay."""
    spawned = client.call_many([Spawn("light", f"{life}-{number}", "x" * 50) for number in range(2 * ACTORS)])
    found = [actor.id for actor in spawned if isinstance(actor, Actor)]
    for number in range(TOGGLES):
        client.call_many([Send(actor, "TOGGLE", f"payload {number}") for actor in found])
    return found


class Load(threading.Thread):
    """Makes requests one after the other until the daemon is gone, and keeps what was answered."""

    def __init__(self, daemon: Daemon, requests: list[Request[Record]], step: threading.Semaphore) -> None:
        super().__init__()
        self.answers: list[Record] = []
        self._socket = daemon.socket
        self._requests = requests
        self._step = step

    def run(self) -> None:
        client = Client(self._socket)
        try:
            for request in self._requests:
                self.answers.append(client.call(request))
                self._step.release()
        except (NoDaemon, ConnectionLost):
            pass
        finally:
            client.close()
            self._step.release()


def look(client: Client, actors: list[int]) -> list[Actor | StatekeepError]:
    """Each as it is, or the reason why not."""
    return client.call_many([Get(actor) for actor in actors])


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_an_erasure_that_was_acknowledged_survives_and_leaves_nothing(tmp_path: Path, kills: int) -> None:
    """Half of the actors are erased one by one while the others get events, and the daemon is killed meanwhile.

    Afterwards everybody is there with all events or erased; those whose erasure was answered are erased, and of all
    who are, not one byte is in any file of the store. And again with the same store.
    """
    random, values, gone = Random(kills), list[bytes](), list[int]()
    for life in range(kills):
        with running(tmp_path) as daemon, Client(daemon.socket) as client:
            if life == 0:
                client.deploy("light", LIGHT)
            actors = spawn(client, life)
            before = {actor: stored(tmp_path / "data", actor) for actor in actors}
            step = threading.Semaphore(0)
            erasing = Load(daemon, [Erase(actor) for actor in actors[::2]], step)
            sending = Load(daemon, [Send(actor, "TOGGLE") for actor in actors[1::2] * 100], threading.Semaphore(0))
            for load in (erasing, sending):
                load.start()
            for _ in range(random.randrange(1, ACTORS)):
                step.acquire()
            assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
            for load in (erasing, sending):
                load.join()
        with running(tmp_path) as daemon, Client(daemon.socket) as client:
            acknowledged = {answer.id for answer in erasing.answers if isinstance(answer, Erased)}
            found = dict(zip(actors, look(client, actors), strict=True))
            erased = [actor for actor, state in found.items() if isinstance(state, ActorErased)]
            assert 0 < len(acknowledged) < ACTORS
            assert acknowledged <= set(erased) <= set(actors[::2])
            assert len(erased) <= len(acknowledged) + 1
            whole = [state for state in found.values() if isinstance(state, Actor)]
            assert len(whole) + len(erased) == len(actors)
            assert all(state.events == TOGGLES for state in whole if state.id in actors[::2])
            sent = sum(isinstance(answer, Sent) for answer in sending.answers)
            assert sent <= sum(state.events - TOGGLES for state in whole) <= sent + 1
            gone += erased
            values += [value for actor in erased for value in before[actor]]
            assert all(isinstance(state, ActorErased) for state in look(client, gone))
            assert remains(tmp_path / "data", values) == []
            verified = list(client.pages(Verify(limit=1_000)))
            assert [difference for page in verified for difference in page.differences] == []
