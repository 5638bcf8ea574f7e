"""A store at work, for faults to happen to: a process that says after each step what it has answered.

    python -m tests.faults.workload DIRECTORY SEED STEPS

Each step is one batch of requests, chosen by the seed: deploys, closes, spawns, events, erasures, keys and their
rotation; or the store is closed and opened again. Then a line of JSON is written to the file ``marks``: the number of
the step, the digest of all that the engine tells of its actors, and what may be in no file from now on. Sweeps and
rotations go on between the steps, and the log is written into the database every few pages.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import msgspec

from statekeep.daemon.engine import Engine, sweeping
from statekeep.daemon.store import SyncFailed, UnsafeStore, opening
from statekeep.protocol.messages import (
    Answer,
    AnyRequest,
    Batch,
    Close,
    Decisions,
    Deploy,
    Deployments,
    Erase,
    Get,
    History,
    KeyAddRecovery,
    KeyRewrap,
    KeyRotate,
    KeyStatus,
    Send,
    Spawn,
    StatusRequest,
    Verify,
)
from tests.engine.remains import stored
from tests.engine.worlds import ask, start
from tests.faults.disk import MARKS

EVENTS = "XYZ"

DEFINITION = {
    "initial": "a",
    "states": {
        "a": {"on": {"X": "b", "Y": "c"}},
        "b": {"on": {"X": "c", "Z": "a"}},
        "c": {"on": {"X": "a", "Y": "b"}},
    },
}


class Mark(msgspec.Struct):
    """What is true after a step: it was answered."""

    step: int
    told: str
    gone: list[str] = []
    """Beginnings of sealed values of whom this step has erased, in hex."""


class Story:
    """The requests that a seed makes; they need not be accepted."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._versions = 0
        self._written = 0

    def batch(self, actors: int) -> list[AnyRequest]:
        """The next batch, with ``actors`` spawned so far."""
        if not self._versions:
            return [self._deploy()]
        kind = self.random.randrange(12)
        if kind == 0:
            return [self._deploy()]
        if kind == 1:
            return [Close(f"v{self.random.randrange(self._versions)}")]
        if kind == 2 and actors:
            return [self._write(actors), Erase(self.random.randint(1, actors))]
        if kind == 3:
            return [KeyRotate()] if self.random.random() < 0.7 else [KeyRewrap(), KeyAddRecovery()]
        if kind == 4:
            return [Batch(requests=[self._write(actors) for _ in range(self.random.randint(1, 5))])]
        return [self._write(actors) for _ in range(self.random.randint(1, 4))]

    def _deploy(self) -> Deploy:
        version, self._versions = self._versions, self._versions + 1
        if not version:
            return Deploy("v0", DEFINITION)
        path = [self.random.choice(EVENTS) for _ in range(self.random.randrange(3))]
        parent = f"v{self.random.randrange(version)}"
        return Deploy(f"v{version}", DEFINITION, parent=parent, path=path, once=self.random.random() < 0.3)

    def _write(self, actors: int) -> Spawn | Send:
        self._written += 1
        key = f"request-{self._written}"
        if not actors or self.random.random() < 0.3:
            version = f"v{self.random.randrange(self._versions)}"
            return Spawn(version, f"actor-{self._written}", {"filling": "x" * 300}, idempotency_key=key)
        event, payload = self.random.choice(EVENTS), "y" * self.random.choice((0, 30, 900))
        patch = {"written": self._written}
        return Send(self.random.randint(1, actors), event, payload, context=patch, idempotency_key=key)


def number_of_actors(engine: Engine) -> int:
    """Those that were ever spawned."""
    return len(engine._world.actors.cohort) - 1


def told(engine: Engine) -> str:
    """A digest of all that the engine tells of every actor, of versions, changes of the routes, keys and backups."""
    digest = hashlib.sha256()
    for actor in range(1, number_of_actors(engine) + 1):
        digest.update(msgspec.json.encode(engine.run([Get(actor), History(actor), Decisions(actor=actor)])))
    changes = [(change.version, change.kind, change.position) for change in ask(engine, Deployments()).deployments]
    keys = ask(engine, KeyStatus())
    versions, backup = [row.name for row in engine._world.forest], ask(engine, StatusRequest()).backup
    digest.update(msgspec.json.encode([changes, versions, keys.epoch, keys.slots, backup]))
    return digest.hexdigest()


@contextmanager
def tight() -> Iterator[None]:
    """Small steps: sweeps of one cohort at a time, and a log that is often written into the database."""
    log = mock.patch.object(opening, "LOG_PAGES", (25, 25))
    with log, mock.patch.multiple(sweeping, CHUNK=1, AT_ONCE=1):
        yield


def differences(engine: Engine) -> list[Any]:
    """What ``verify`` finds."""
    found = list[Any]()
    cursor: int | None = 0
    while cursor is not None:
        page = ask(engine, Verify(cursor=cursor, limit=1_000))
        found += page.differences
        cursor = page.next
    return found


def examine(directory: Path) -> str:
    """Open a store in which something went wrong. It must be sound, and go on; what it tells, as ``told``."""
    engine = start(directory)
    try:
        assert engine._store._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        digest = told(engine)
        assert differences(engine) == []
        if engine._world.forest.rows:
            actor = ask(engine, Spawn("v0", "one more")).id
            assert ask(engine, Send(actor, "X")).handled
        return digest
    finally:
        engine.close()


def _erased(directory: Path, batch: list[AnyRequest]) -> list[bytes]:
    actors = [request.actor for request in batch if isinstance(request, Erase) and isinstance(request.actor, int)]
    return [value[:16] for value in stored(directory, *actors)] if actors else []


def work(directory: Path, seed: int, steps: int) -> Iterator[Mark]:
    """Do the work, step by step."""
    story = Story(seed)
    random = Random(-seed).randbytes
    with ExitStack() as stack:
        engine = stack.enter_context(closing(start(directory, random)))
        yield Mark(0, told(engine))
        for step in range(1, steps + 1):
            if story.random.random() < 0.05:
                stack.close()
                engine = stack.enter_context(closing(start(directory, random)))
            batch = story.batch(number_of_actors(engine))
            values = _erased(directory, batch)
            # Of a batch with an erasure, it is the last; when it was refused, nothing has to be gone.
            answers = engine.run(batch)
            gone = [value.hex() for value in values] if isinstance(answers[-1], Answer) else []
            yield Mark(step, told(engine), gone)


def main(directory: Path, seed: int, steps: int) -> int:
    """Work, and leave a mark after each step."""
    marks = os.open(directory / MARKS, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with tight():
        try:
            for mark in work(directory, seed, steps):
                os.write(marks, msgspec.json.encode(mark) + b"\n")
        except (SyncFailed, UnsafeStore, OSError):
            return 74
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
