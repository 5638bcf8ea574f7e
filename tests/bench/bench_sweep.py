"""What a large deploy does to those who go on sending: their latency before it, during its sweep, and after it.

Usage: python -m tests.bench.bench_sweep [ACTORS] [DISTINCT]

Making the actors takes a minute for a million. Then a real daemon is started on the store, and 50 connections send one
event at a time while another deploys a version that takes half of the actors over.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

from statekeep.protocol import Client
from statekeep.protocol.messages import Deploy, Deployments, Preview
from tests.bench.bench_daemon import daemon, measure
from tests.bench.bench_deploy import TYPES, definition, populated

CONNECTIONS = 50


def resident(pid: int) -> float:
    """MiB of a process that are in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def deploy(at: Path, version: str, took: list[float]) -> None:
    """Deploy a version for every second first event, and note when it was answered and when all had moved."""
    with Client(at, timeout=300) as client:
        start = time.perf_counter()
        client.call(Deploy(version, definition(version), "v1", ["**", TYPES[1]]))
        took.append(time.perf_counter() - start)
        while any(d.swept < d.cohorts for d in client.call(Deployments()).deployments):
            time.sleep(0.01)
        took.append(time.perf_counter() - start)


def main(actors: int = 200_000, distinct: int = 200_000) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        start = time.perf_counter()
        populated(directory, actors, distinct).close()
        print(f"{actors:,} actors with {distinct:,} distinct histories, made in {time.perf_counter() - start:.0f} s")
        start = time.perf_counter()
        with daemon(directory) as at, Client(at, timeout=300) as client:
            print(f"start-up {time.perf_counter() - start:.2f} s, {resident(client.status().pid):.0f} MiB")
            previews = []
            for _ in range(5):
                start = time.perf_counter()
                client.call(Preview("v2", definition("v2"), "v1", ["**", TYPES[1]]))
                previews.append((time.perf_counter() - start) * 1e3)
            print(f"preview {sorted(previews)[2]:.1f} ms")
            took = list[float]()
            deploying = threading.Thread(target=deploy, args=(at, "v2", took))
            print(f"{'':10} {'events/s':>10} {'p50 ms':>8} {'p99 ms':>8}")
            for label, seconds in (("before", 3.0), ("during", 3.0), ("after", 3.0)):
                if label == "during":
                    deploying.start()
                rate, p50, p99 = measure(at, CONNECTIONS, 1, seconds, TYPES[0])
                print(f"{label:10} {rate:10,.0f} {p50:8.2f} {p99:8.2f}")
                if label == "during":
                    deploying.join()
            print(f"deploy answered after {took[0] * 1e3:.0f} ms, all moved after {took[1] * 1e3:.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
