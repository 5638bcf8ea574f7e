"""A daemon in a process of its own, a load from another, and what the same disk allows bare SQLite."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from statekeep.protocol.messages import Get, Send
from statekeep.tui.cli.load import apply, frame

RUNS = 3

DIFFERENT = 2_000
"""Actors that a connection goes round, where they are chosen at random."""


@contextlib.contextmanager
def daemon(directory: Path) -> Iterator[Path]:
    """The socket of a daemon that lives as long as the block."""
    at = directory / "statekeep.sock"
    command = [sys.executable, "-m", "statekeep.daemon", "--data", str(directory), "--socket", str(at)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "listens" in line:
            break
    try:
        yield at
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


class Load(NamedTuple):
    """What is asked of a daemon."""

    connections: int = 50
    under_way: int = 1
    """Requests on each connection."""
    event: str = "NEXT"
    """What is sent; nothing: looks at actors."""
    actors: int = 0
    """How many there are to choose from at random; none: an actor for each connection."""

    def frames(self) -> list[list[bytes]]:
        """What each connection asks for, again and again."""
        chance = random.Random(self.actors)
        return [
            [self._frame(1 + chance.randrange(self.actors)) for _ in range(DIFFERENT)]
            if self.actors
            else [self._frame(1 + number)]
            for number in range(self.connections)
        ]

    def _frame(self, actor: int) -> bytes:
        return frame(Send(actor, self.event) if self.event else Get(actor))


def put(load: Load, at: Path, seconds: float, results: Any) -> None:
    """Put (requests a second, latencies in ms) into ``results``."""
    found = apply(str(at), load.frames(), load.under_way, seconds)
    assert not found.refused
    results.put((found.rate, found.latencies))


def measure(at: Path, load: Load, seconds: float) -> tuple[float, float, float]:
    """(Requests a second, median and 99th percentile of an answer in ms)."""
    results: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=put, args=(load, at, seconds, results))
    process.start()
    rate, latencies = results.get()
    process.join()
    return rate, statistics.median(latencies), latencies[int(len(latencies) * 0.99)]


def bare(directory: Path, group: int, seconds: float) -> float:
    """Events a second of SQLite alone: an update and an insert each, ``group`` of them a commit, FULL."""
    db = sqlite3.connect(directory / "bare.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=10000"):
        db.execute(statement)
    db.execute("CREATE TABLE IF NOT EXISTS actors (id INTEGER PRIMARY KEY, state INTEGER)")
    db.execute("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, actor INTEGER, payload BLOB)")
    db.executemany("INSERT OR IGNORE INTO actors VALUES (?, 0)", [(n,) for n in range(1, 1001)])
    events, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        db.execute("BEGIN IMMEDIATE")
        for _ in range(group):
            events += 1
            db.execute("UPDATE actors SET state = state + 1 WHERE id = ?", (1 + events % 1000,))
            db.execute("INSERT INTO events (actor, payload) VALUES (?, ?)", (events % 1000, b"0123456789" * 3))
        db.execute("COMMIT")
    rate = events / (time.perf_counter() - start)
    db.close()
    return rate
