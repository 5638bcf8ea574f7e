"""What those who watch cost those who send: events a second and latencies without a watch, with one, and with ten.

Usage: python -m tests.bench.bench_watch [SECONDS]

The watches are processes of their own, as clients are; one of the ten reads nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from statekeep.protocol import Client
from statekeep.protocol.messages import Deploy, Spawn
from statekeep.tui.cli.bench import RING
from tests.bench import report
from tests.bench.daemons import RUNS, Load, daemon, measure


def watch(at: Path, last: Any) -> None:
    """Take what comes, and keep the last position."""
    with Client(at).watch(kinds=["event"], ahead=4_096) as watching:
        for notice in watching:
            last.value = notice.position


def busy(at: Path, watches: int, connections: int, under_way: int, seconds: float) -> tuple[float, ...]:
    """(events a second, p50, p99 in ms, share of the events that a watch was told by the end of the load)."""
    lasts = [multiprocessing.Value("q", 0) for _ in range(watches)]
    readers = [multiprocessing.Process(target=watch, args=(at, last)) for last in lasts]
    with socket.socket(socket.AF_UNIX) as silent, Client(at) as client:
        before = client.status().position
        if watches > 1:
            silent.connect(str(at))
            silent.sendall(b'{"op":"watch","credits":2000000000}\n')
        for reader in readers:
            reader.start()
        while client.stats().watches < watches:
            time.sleep(0.01)
        rate, p50, p99 = measure(at, Load(connections, under_way), seconds)
        told = [max(last.value - before, 0) for last in lasts]
        for reader in readers:
            reader.kill()
            reader.join()
    return rate, p50, p99, statistics.mean(told) / (rate * seconds) if told else 0


def main(seconds: float = 2.0) -> None:
    """Take turns, so that the machine's mood meets all alike."""
    rows: dict[tuple[int, int, int], list[tuple[float, ...]]] = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name, daemon(Path(name)) as at:
        with Client(at) as client:
            client.call(Deploy("ring", RING))
            client.call_many([Spawn("ring", key=f"ring-{n}") for n in range(50)])
        for _ in range(RUNS):
            for connections, under_way in ((50, 1), (50, 16)):
                for watches in (0, 1, 9):
                    found = busy(at, watches, connections, under_way, seconds)
                    rows.setdefault((connections, under_way, watches), []).append(found)
    published = list[report.Row]()
    for (connections, under_way, watches), runs in rows.items():
        columns, without = zip(*runs, strict=True), [*zip(*rows[connections, under_way, 0], strict=True)]
        name = f"{connections} connections, {under_way} under way, {watches} watches"
        for what, unit, mine, beside in zip(
            ("", ", p50", ", p99"), ("ev/s", "ms", "ms"), columns, without, strict=False
        ):
            peer = "no watch" if watches else ""
            published.append(report.row("watch", f"{name}{what}", unit, mine, peer, beside if watches else ()))
        if watches:
            told = [share * 100 for *_, share in runs]
            published.append(report.row("watch", f"{name}, told by the end of the load", "%", told))
    report.publish(f"medians of {RUNS} runs of {seconds:g} s", published)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
