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
from tests.bench.daemons import RUNS, Load, bare, daemon, measure
from tests.bench.peers import node, postgres
from tests.bench.report import Aim

LOADS = {
    "1 connection": Load(1),
    "50 connections": Load(50),
    "50 connections, 16 under way": Load(50, 16),
}
ALONE = "bare SQLite, a commit an event"
IN_NODE = "XState + better-sqlite3, FULL"
AIMS = {
    ("1 connection", ALONE): Aim(0.4, of_ratio=True, at_least=True),
    ("50 connections", IN_NODE): Aim(3, of_ratio=True, at_least=True),
    ("50 connections, 16 under way", IN_NODE): Aim(10, of_ratio=True, at_least=True),
}


def main(seconds: float = 2.0) -> None:
    """Take turns, so that a disk's mood meets all alike."""
    ours: dict[str, list[float]] = {name: [] for name in LOADS}
    peers: dict[str, list[float]] = {}
    absent = [reason for reason in (node.missing(), postgres.missing()) if reason]
    for reason in absent:
        print(reason)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as made, daemon(Path(made)) as at:
        directory = Path(made)
        with Client(at) as client:
            client.call(Deploy("ring", RING))
            client.call_many([Spawn("ring") for _ in range(50)])
        for _ in range(RUNS):
            for name, load in LOADS.items():
                ours[name].append(measure(at, load, seconds)[0])
            peers.setdefault(ALONE, []).append(bare(directory, 1, seconds))
            peers.setdefault("bare SQLite, a commit for 100", []).append(bare(directory, 100, seconds))
            if not node.missing():
                for synchronous in ("FULL", "NORMAL"):
                    label = f"XState + better-sqlite3, {synchronous}"
                    peers.setdefault(label, []).append(node.events_per_second(directory, seconds, synchronous))
            if not postgres.missing():
                with postgres.cluster() as where:
                    for connections in (1, 50):
                        label = f"PostgreSQL, {connections} connections"
                        peers.setdefault(label, []).append(postgres.events_per_second(where, connections, seconds))
    rows = [
        report.row("peers", name, "ev/s", ours[name], peer, peers[peer], AIMS.get((name, peer)))
        for name in LOADS
        for peer in peers
    ]
    report.publish(f"durable events a second, medians (min - max) of {RUNS} runs of {seconds:g} s", rows)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
