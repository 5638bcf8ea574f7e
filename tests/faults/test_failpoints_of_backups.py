"""A kill at each named point of backups and of shipping: the store is as it was, and so is what was shipped by then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest import mock

import pytest

from statekeep.daemon.engine import Engine
from statekeep.daemon.engine.backups import Backups
from statekeep.daemon.restoring import Place, rehearse
from statekeep.daemon.store import Kind, Secret, Until, shipment, shipping
from statekeep.daemon.store.shipment import Generation
from statekeep.daemon.store.shipping import Shipping
from statekeep.daemon.store.writing import Writes
from statekeep.protocol.messages import AnyRequest, Backup, BackupEnd, BackupRead
from tests.engine.worlds import KEY, start
from tests.faults.copier import Copier
from tests.faults.workload import Story, examine, number_of_actors, told

POINTS: Final[dict[str, tuple[Any, str]]] = {
    "batch": (Engine, "run"),
    "copy begun": (Backups, "backup"),
    "copy read": (Backups, "backup_read"),
    "copy ended": (Backups, "backup_end"),
    "backup noted": (Writes, "put_backup"),
    "generation begun": (Shipping, "_begin"),
    "generation ended": (Shipping, "_end"),
    "keys shipped": (Generation, "begin"),
    "base or piece shipped": (Generation, "add"),
    "file written": (shipment, "_write"),
    "directory synced": (shipment, "sync_directory"),
    "piece read": (Shipping, "_ship"),
    "piece settled": (Shipping, "_settle"),
    "log emptied": (Shipping, "_checkpoint"),
    "log about to be emptied": (Shipping, "flush"),
    "old ones removed": (Shipping, "_remove_old"),
}
"""Each point, and the function that is passed there."""

STEPS = 60

PLACE: Final = Secret(Kind.FILE, KEY)


class AtOnce:
    """A pool of threads that has none: whatever it is given is done when ``submit`` returns."""

    def __init__(self, *_: object) -> None:
        pass

    def submit(self, function: Any, *values: Any) -> Future[None]:
        done = Future[None]()
        try:
            done.set_result(function(*values))
        except OSError as problem:
            done.set_exception(problem)
        return done

    def shutdown(self) -> None:
        pass


class Unthreaded(threading.Thread):
    """A thread that is at its end when ``start`` returns."""

    def start(self) -> None:
        self.run()

    def join(self, timeout: float | None = None) -> None:
        pass


@contextmanager
def one_thread() -> Iterator[None]:
    """Nothing goes on beside what is copied, and generations are short."""
    executor = mock.patch.object(shipping, "ThreadPoolExecutor", AtOnce)
    thread = mock.patch("statekeep.daemon.store.backup.threading.Thread", Unthreaded)
    sizes = mock.patch.multiple(shipping, FULL=200_000, REBASE=100_000)
    with executor, thread, sizes:
        yield


class BackedUp(Story):
    """Likewise, with backups in between."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.backups = 0

    def batch(self, actors: int) -> list[AnyRequest]:
        if actors and self.random.random() < 0.15:
            self.backups += 1
            number, end = self.backups, 1 << 40
            ended = BackupEnd(number, kept=self.random.random() < 0.7, verified=self.random.random() < 0.5)
            return [Backup(), BackupRead(number), BackupRead(number, end), self._write(actors), ended]
        return super().batch(actors)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 22))])
def test_a_kill_while_backing_up_costs_neither_the_store_nor_what_was_shipped(room: Path, seed: int) -> None:
    """The copy tells what was told before the step or after it; what was shipped is whole, and goes as far as said."""
    directory, story, tells, reach = room / "work", BackedUp(seed), list[str](), list[int]()
    directory.mkdir()
    copier = Copier(directory, room, POINTS)
    clock = count(1_700_000_000_000, 2_000)
    with one_thread(), copier.everywhere(), closing(start(directory, Random(seed).randbytes)) as engine:
        engine._store.ship(directory / "shipped", clock.__next__, 60_000)
        tells.append(told(engine))
        for copier.step in range(1, STEPS + 1):
            batch = story.batch(number_of_actors(engine))
            assert engine._store.shipping is not None
            reach.append(engine._store.shipping.lag.position)
            copier.watching = True
            engine.run(batch)
            copier.watching = False
            tells.append(told(engine))
    passed = {point.split(" ", 1)[1] for point, _, _ in copier.made}
    if seed == 1:  # not every story comes by all of them
        assert passed == POINTS.keys()
    for point, step, copy in copier.made:
        found = rehearse(copy / "shipped", Until(), Place(copy, [PLACE], clock.__next__), copy)
        assert found.position >= reach[step - 1], f"{point} in step {step}"
        assert examine(copy) in tells[step - 1 : step + 1], f"{point} in step {step}"
