"""Clients that work on whatever becomes of the daemon, and remember what they were answered.

Who sends or spawns repeats what was not answered under the idempotency key that it had. An operator, whose requests
have none, looks and repeats.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from statekeep.protocol import Client
from statekeep.protocol.errors import (
    BackupFailed,
    ConnectionLost,
    NoDaemon,
    Refused,
    RotationUnderWay,
    StatekeepError,
    UnknownBackup,
    VersionExists,
)
from statekeep.protocol.messages import (
    Backup,
    BackupEnd,
    BackupRead,
    Batch,
    Close,
    Deploy,
    Erase,
    KeyRotate,
    Request,
    Send,
    StatusRequest,
)
from statekeep.protocol.records import CopyPart, Record, Sent, StoreCopy
from tests.daemon.serving import LIGHT

PIPELINED = 12
LENGTH = 50 * PIPELINED
"""Events of one actor: looking at a history takes longer the longer it is, and more are sent meanwhile."""
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
    """Sends numbered events to actors of its own, one after the other, some one by one and some in batches."""

    def __init__(self, socket: Path, answered: threading.Semaphore, number: int) -> None:
        super().__init__(socket, answered)
        self.number = number
        self.answered: dict[str, int] = {}
        """The events of each actor, by key."""

    def work(self) -> Iterator[None]:
        while True:
            key = f"sender-{self.number}-{len(self.answered)}"
            self.client.spawn("v0", key)
            for sent in range(0, LENGTH, PIPELINED):
                self.answered[key] = sent
                yield
                sends = [Send(key, "TOGGLE", sent + number) for number in range(PIPELINED)]
                if sent // PIPELINED % 3:
                    outcomes: list[Sent | StatekeepError] = self.client.call_many(sends)
                else:
                    results = self.client.call(Batch(requests=[*sends]))
                    outcomes = [one.ok for one in results.results if isinstance(one.ok, Sent)]
                assert [type(outcome) for outcome in outcomes] == [Sent] * PIPELINED, outcomes
            self.answered[key] = LENGTH


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


class Keeper(Worker):
    """Takes one backup after the other, each into a file of its own in ``directory``."""

    def __init__(self, socket: Path, answered: threading.Semaphore, directory: Path) -> None:
        super().__init__(socket, answered)
        self.taken: list[tuple[Path, StoreCopy]] = []
        """Those that are complete, and of which the daemon was told so."""
        self._directory = directory

    def work(self) -> Iterator[None]:
        while True:
            begun = self.insist(Backup())
            if isinstance(begun, BackupFailed):
                continue
            assert isinstance(begun, StoreCopy), begun
            if (content := self._read(begun.backup)) is not None:
                path = self._directory / f"backup-{len(self.taken)}"
                path.write_bytes(content)
                ended = self.insist(BackupEnd(begun.backup))
                if isinstance(ended, StoreCopy):
                    self.taken.append((path, ended))
            yield

    def _read(self, backup: int) -> bytes | None:
        """The whole copy; None if it went with the daemon that made it."""
        content = b""
        while True:
            part = self.insist(BackupRead(backup, len(content)))
            if isinstance(part, UnknownBackup):
                return None
            assert isinstance(part, CopyPart), part
            content += part.data
            if not part.copy.sha256:
                self._back.wait(0.02)  # nor does anybody announce that a copy is complete
            elif not part.data:
                return content
