"""Durable events a second through the real socket, beside what the same disk allows bare SQLite in the same run.

Usage: python -m tests.bench.bench_daemon [SECONDS]

The load comes from a process of its own, over raw sockets with prepared frames: what is measured is the daemon.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from statekeep.protocol import Client
from statekeep.protocol.messages import Deploy, Send, Spawn
from statekeep.tui.cli.bench import RING
from statekeep.tui.cli.load import apply, frame

RUNS = 3


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


def load(at: Path, event: str, connections: int, under_way: int, seconds: float, results: Any) -> None:
    """Send to one actor on each connection; put (events a second, latencies in ms) into ``results``."""
    frames = [frame(Send(number + 1, event)) for number in range(connections)]
    found = apply(str(at), frames, under_way, seconds)
    assert not found.refused
    results.put((found.rate, found.latencies))


def measure(
    at: Path, connections: int, under_way: int, seconds: float, event: str = "NEXT"
) -> tuple[float, float, float]:
    """(events a second, median and 99th percentile of an answer in ms)."""
    results: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=load, args=(at, event, connections, under_way, seconds, results))
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


def main(seconds: float = 2.0) -> None:
    """Take turns, so that a disk's mood meets all alike."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name, daemon(Path(name)) as at:
        directory = Path(name)
        with Client(at) as client:
            client.call(Deploy("ring", RING))
            client.call_many([Spawn("ring") for _ in range(50)])
        for _ in range(RUNS):
            for connections, under_way in ((1, 1), (50, 1), (50, 16)):
                label = f"statekeep, {connections} connections, {under_way} under way"
                rows.setdefault(label, []).append(measure(at, connections, under_way, seconds))
            for group in (1, 100):
                rows.setdefault(f"bare SQLite, {group} a commit", []).append((bare(directory, group, seconds), 0, 0))
    machine = f"{os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}"
    print(f"medians (min - max) of {RUNS} runs of {seconds:g} s; {machine}")
    print(f"{'':40} {'events/s':>26} {'p50 ms':>8} {'p99 ms':>8}")
    for label, runs in rows.items():
        rates = [rate for rate, _, _ in runs]
        p50, p99 = (statistics.median(run[k] for run in runs) for k in (1, 2))
        cell = f"{statistics.median(rates):,.0f} ({min(rates):,.0f} - {max(rates):,.0f})"
        print(f"{label:40} {cell:>26} " + (f"{p50:8.2f} {p99:8.2f}" if p50 else ""))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
