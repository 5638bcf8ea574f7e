"""A disk that refuses a write or a sync, once or from then on: nobody is told what is not so.

A write that fails is taken back, and the work goes on. After a sync that failed, nobody knows what is on the disk: the
process ends. In both cases the store opens again with all that was answered, also when the power is cut later: what a
failed sync has left in the kernel's memory, where the next process reads it, is not taken for durable.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random

import pytest

from statekeep.protocol import Client
from statekeep.protocol.errors import ConnectionLost, StatekeepError, StorageFailed
from tests.daemon.processes import command, running
from tests.daemon.serving import LIGHT
from tests.faults.disk import MARKS, Disk, environment, read_log
from tests.faults.test_power import look, read_marks
from tests.faults.workload import Mark, examine, tight

SEED = 3
STEPS = 25
MORE_STEPS = 5
CUTS = 4
EIO, ENOSPC = 5, 28

ENDED = 74
"""How the work ends when the disk can't be trusted, or a store can't be opened."""


class Work:
    """Processes that work on one directory, one after the other, and the disk under them."""

    def __init__(self, room: Path, preloaded: Path) -> None:
        self.directory = room / "work"
        self.directory.mkdir()
        self.disk = Disk()
        self._log = room / "log"
        self._preloaded = preloaded

    def run(self, seed: int, steps: int, fault: str = "") -> tuple[int, list[Mark]]:
        """Work until that is done, or the fault has ended it; the exit code, and the marks that were left."""
        (self.directory / MARKS).unlink(missing_ok=True)
        self._log.unlink(missing_ok=True)
        ended = subprocess.run(
            [sys.executable, "-m", "tests.faults.workload", str(self.directory), str(seed), str(steps)],
            env=environment(self._preloaded, self.directory, self._log, fault),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert ended.returncode in (0, ENDED), ended.stderr
        return ended.returncode, read_marks((self.directory / MARKS).read_bytes())

    def cut(self, room: Path, marks: list[Mark], random: Random) -> None:
        """Cut the power at some points of what the last process did."""
        log, at = read_log(self._log), 0
        for cut in sorted(random.randrange(len(log) + 1) for _ in range(CUTS)):
            self.pass_by(at, cut)
            at = cut
            answered = len(read_marks(bytes(self.disk.marks)))
            if answered:
                self.disk.image(room / "image", random)
                look(room / "image", marks, answered)
                shutil.rmtree(room / "image")
        self.pass_by(at, len(log))

    def pass_by(self, begin: int = 0, end: int | None = None) -> None:
        """Take note of what the last process did, or of a part of it."""
        if not begin:
            self.disk.marks.clear()
        for change in read_log(self._log)[begin:end]:
            self.disk.apply(change)


def faults(kind: str, *, every: int, until: int) -> list[object]:
    """Faults at some calls of this kind in the default run, and at more of them in the slow one."""
    return [
        pytest.param(f"{kind}:{number}:{errno}{lasts}", marks=[pytest.mark.slow] if place % 10 else [])
        for place, (number, errno, lasts) in enumerate(
            (number, errno, lasts)
            for number in range(1, until, every)
            for errno in ((EIO, ENOSPC) if kind == "write" else (EIO,))
            for lasts in ("", "+")
        )
    ]


@pytest.fixture(scope="module")
def whole(preloaded: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Mark]:
    """What is told after each step, where nothing fails."""
    return Work(tmp_path_factory.mktemp("whole"), preloaded).run(SEED, STEPS)[1]


@pytest.mark.parametrize("fault", [*faults("write", every=23, until=560), *faults("sync", every=7, until=220)])
def test_nothing_is_acknowledged_falsely(room: Path, preloaded: Path, whole: list[Mark], fault: str) -> None:
    """Whichever call fails: what was told before is told by the next process, and survives a power cut under that."""
    work, random = Work(room, preloaded), Random(fault)
    ended, marks = work.run(SEED, STEPS, fault)
    work.pass_by()
    with tight():
        if marks and (not ended or not fault.endswith("+")):
            shutil.copytree(work.directory, room / "copy")
            (room / "copy" / MARKS).unlink()
            # What ended with the process may be there, as a whole: it was not answered.
            under_way = [mark.told for mark in whole[len(marks) :][:1]] if ended else []
            assert examine(room / "copy") in [marks[-1].told, *under_way]
        ended, marks = work.run(SEED + 1, MORE_STEPS)
        assert not ended
        assert len(marks) == MORE_STEPS + 1
        work.cut(room, marks, random)


def send_until(failure: type[StatekeepError], client: Client) -> int:
    """Send to the lamp until that fails so; how many were answered."""
    for sent in count():
        try:
            client.send("lamp", "TOGGLE")
        except failure:
            return sent
    raise AssertionError


@contextmanager
def lit(room: Path, preloaded: Path, fault: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """A daemon whose disk will fail so, with a lamp in it, and a client that repeats nothing."""
    data = room / "data"
    data.mkdir()
    given = environment(preloaded, data, room / "log", fault)
    with subprocess.Popen(command(room), env=given, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while "listens at" not in process.stderr.readline():
            assert process.poll() is None
        client = Client(room / "s", retry_for=0)
        client.deploy("light", LIGHT)
        client.spawn("light", "lamp")
        yield process, client


def test_a_daemon_that_can_not_sync_ends_with_a_sentence(room: Path, preloaded: Path) -> None:
    """The client that waits loses its connection, and so knows that it does not know; the next daemon has the rest."""
    with lit(room, preloaded, "sync:60:5+") as (process, client):
        assert process.stderr
        with client:
            sent = send_until(ConnectionLost, client)
        said = process.stderr.read()
        assert process.wait() == ENDED
    assert "the disk failed to sync the log of the store" in said
    assert "Traceback" not in said
    with running(room) as daemon, Client(daemon.socket) as client:
        assert sent <= client.get("lamp").events <= sent + 1


def test_a_full_disk_is_no_end(room: Path, preloaded: Path) -> None:
    """Who sends gets an error with a code, and the daemon serves on: reads, and who comes when there is room again."""
    with lit(room, preloaded, "write:200:28+") as (process, client):
        assert process.stderr
        with client:
            sent = send_until(StorageFailed, client)
            with pytest.raises(StorageFailed):
                client.send("lamp", "TOGGLE")
            assert client.get("lamp").events == sent
        process.terminate()
        process.stderr.read()
    with running(room) as daemon, Client(daemon.socket) as client:
        assert client.get("lamp").events == sent
        assert client.send("lamp", "TOGGLE").handled
