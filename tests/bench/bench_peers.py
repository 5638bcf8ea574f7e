"""Durable events and a migration, beside what a team would build itself: XState with better-sqlite3, PostgreSQL.

Usage: python -m tests.bench.bench_peers [SECONDS]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from statekeep.protocol import Client
from statekeep.protocol.messages import Deploy, Spawn
from statekeep.tui.cli.bench import RING
from tests.bench import report
from tests.bench.bench_daemon import bare, daemon, measure
from tests.bench.peers import node, postgres

RUNS = 3
LOADS = {"1 connection": (1, 1), "50 connections": (50, 1), "50 connections, 16 under way": (50, 16)}


def main(seconds: float = 2.0) -> None:
    """Take turns, so that a disk's mood meets all alike."""
    ours: dict[str, list[float]] = {name: [] for name in LOADS}
    peers: dict[str, list[float]] = {}
    absent = [reason for reason in (node.missing(), postgres.missing()) if reason]
    print(*absent, sep="\n")
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name, daemon(Path(name)) as at:
        directory = Path(name)
        with Client(at) as client:
            client.call(Deploy("ring", RING))
            client.call_many([Spawn("ring") for _ in range(50)])
        for _ in range(RUNS):
            for load, (connections, under_way) in LOADS.items():
                ours[load].append(measure(at, connections, under_way, seconds)[0])
            peers.setdefault("bare SQLite, a commit an event", []).append(bare(directory, 1, seconds))
            if not node.missing():
                for synchronous in ("FULL", "NORMAL"):
                    label = f"XState + better-sqlite3, {synchronous}"
                    peers.setdefault(label, []).append(node.events_per_second(directory, seconds, synchronous))
            if not postgres.missing():
                with postgres.cluster() as where:
                    for connections in (1, 50):
                        label = f"PostgreSQL, {connections} connections"
                        peers.setdefault(label, []).append(postgres.events_per_second(where, connections, seconds))
    rows = [report.row(load, "ev/s", ours[load], peer, peers[peer]) for load in LOADS for peer in peers]
    report.publish(f"durable events a second, medians (min - max) of {RUNS} runs of {seconds:g} s", rows)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
