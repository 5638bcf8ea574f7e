"""The client cut off between commit and answer, and the daemon killed under its clients: everything happens once."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from statekeep.protocol import Client
from statekeep.protocol.messages import Batch, History, Send, Spawn, Verify
from statekeep.protocol.records import Sent
from tests.daemon.processes import running
from tests.daemon.serving import LIGHT


class Cutting:
    """A proxy that passes everything on but for the answers which it is told to swallow, with their connections."""

    def __init__(self, path: Path, daemon: Path) -> None:
        self.path = path
        self.cut = 0
        """How many more answers, none of them a greeting's, to swallow."""
        self._daemon = str(daemon)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX) as daemon:
                daemon.connect(self._daemon)
                self._pass_on(client, daemon)

    def _pass_on(self, client: socket.socket, daemon: socket.socket) -> None:
        greeted = False
        # One request after the other: that is how these tests ask.
        while asked := client.recv(1 << 20):
            daemon.sendall(asked)
            answered = daemon.recv(1 << 20)
            if greeted and self.cut:
                self.cut -= 1
                return
            client.sendall(answered)
            greeted = True


@contextmanager
def cutting(directory: Path, daemon: Path) -> Iterator[Cutting]:
    """A proxy before a daemon."""
    proxy = Cutting(directory / "proxy", daemon)
    try:
        yield proxy
    finally:
        proxy.close()


def test_a_client_that_was_cut_off_gets_the_first_answer(tmp_path: Path) -> None:
    """The daemon has committed, the answer is lost, and the client asks again by itself: for each kind of write."""
    with running(tmp_path) as daemon, Client(daemon.socket) as direct, cutting(tmp_path, daemon.socket) as proxy:
        direct.deploy("light", LIGHT)
        with Client(proxy.path) as client:
            client.status()
            proxy.cut = 2
            lamp = client.spawn("light", context={"colour": "red"})
            assert (lamp.repeated, lamp.id, lamp.context) == (True, 1, {"colour": "red"})
            proxy.cut = 1
            sent = client.send(lamp.id, "TOGGLE", expect=0)
            assert (sent.repeated, sent.events) == (True, 1)
            proxy.cut = 1
            results = client.batch([Spawn("light"), Send(1, "TOGGLE"), Send(2, "TOGGLE")]).results
            assert [result.ok.repeated for result in results] == [True] * 3
            assert proxy.cut == 0
        status = direct.status()
        assert (status.actors, [direct.get(actor).events for actor in (1, 2)]) == (2, [2, 1])


def test_a_daemon_that_is_killed_and_comes_back_is_not_noticed(tmp_path: Path) -> None:
    """Clients that send all the while see no error; every event is there once, in order, and ``verify`` is content."""
    numbers, clients = range(4_000), 3
    failures: list[object] = []
    started = threading.Semaphore(0)

    def work(path: Path, lamp: str) -> None:
        with Client(path) as client:
            failures.extend(made for made in client.send_many(count(lamp)) if not isinstance(made, Sent))

    def count(lamp: str) -> Iterator[Send]:
        for number in numbers:
            if number % 1_000 == 0:
                started.release()
            yield Send(lamp, "TOGGLE", number)

    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        path = daemon.socket
        client.deploy("light", LIGHT)
        for lamp in range(clients):
            client.spawn("light", key=f"lamp-{lamp}")
        threads = [threading.Thread(target=work, args=(path, f"lamp-{lamp}")) for lamp in range(clients)]
        for thread in threads:
            thread.start()
        for _ in range(3 * clients):
            started.acquire()
        assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        for thread in threads:
            thread.join()
        assert failures == []
        for lamp in range(clients):
            history = client.pages(History(f"lamp-{lamp}", limit=1_000))
            assert [event.payload for page in history for event in page.events] == list(numbers)
        assert [found for page in client.pages(Verify()) for found in page.differences] == []


@pytest.mark.parametrize("size", [1, 1_000])
def test_a_batch_over_the_wire(tmp_path: Path, size: int) -> None:
    """As many spawns with keys of their own as a batch may have."""
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("light", LIGHT)
        results = client.call(Batch([Spawn("light", key=f"lamp-{number}") for number in range(size)])).results
        assert [result.ok.key for result in results] == [f"lamp-{number}" for number in range(size)]
