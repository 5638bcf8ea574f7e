"""A million actors with ten million events: deploys, start-up, memory, throughput, reads, and sends during a deploy.

Usage: python -m tests.bench.bench_million [HISTORIES] [ACTORS]

Making the actors takes minutes, and is itself the first figure. Then deploys are made in process, and after that a real
daemon serves the store; a second one, with ten thousand actors, is what its throughput is held against.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from statekeep.protocol import Client
from statekeep.protocol.messages import Actors, CountRequest, Deploy, Deployments, Get
from tests.bench import report
from tests.bench.bench_deploy import TYPES, definition, deploys, populated, script, timed
from tests.bench.daemons import Load, daemon, measure
from tests.bench.report import Aim, Row

EVENTS = 9
"""Of each actor, and its spawn: ten million in all."""

FEW = 10_000
RUNS = 3
SECONDS = 2.0
QUESTIONS = 100


class Figures:
    """The rows of one run."""

    def __init__(self, actors: int, distinct: int) -> None:
        self.bench = f"{actors:,} actors, {distinct:,} histories"
        self.rows: list[Row] = []

    def add(self, name: str, unit: str, runs: Sequence[float], aim: Aim | None = None) -> None:
        """A figure without a peer."""
        self.rows.append(report.row(self.bench, name, unit, runs, aim=aim))

    def beside(
        self, name: str, unit: str, runs: Sequence[float], peer: str, theirs: Sequence[float], aim: Aim | None = None
    ) -> None:
        """A figure and its peer's."""
        self.rows.append(report.row(self.bench, name, unit, runs, peer, theirs, aim))


def resident(at: Path) -> float:
    """MiB of the daemon that are in memory."""
    with Client(at, timeout=300) as client:
        pages = int(Path(f"/proc/{client.status().pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def made(figures: Figures, directory: Path, actors: int, distinct: int) -> None:
    """Make the actors, and deploy to them while nobody sends."""
    start = time.perf_counter()
    engine = populated(directory, actors, distinct, EVENTS)
    figures.add("filling the store, in process", "ev/s", [actors * (EVENTS + 1) / (time.perf_counter() - start)])
    found = deploys(engine, RUNS)
    engine.close()
    moved, update = found.pop("deploy, all moved"), script(actors, distinct, 1)
    for name, runs in found.items():
        figures.add(name, "ms", runs)
    aim = Aim(100 if distinct < actors else 3_000)
    figures.beside("deploy, all moved", "ms", moved, "PostgreSQL, one UPDATE", update, aim)


def questions(actors: int) -> Iterator[tuple[str, Callable[[random.Random], Any], Aim]]:
    """What is asked, each time somewhere else."""
    page, count = Aim(5), Aim(10)
    hour_ago = time.time_ns() // 1_000_000 - 3_600_000
    yield "actors, by id", lambda c: Actors(cursor=c.randrange(actors)), page
    latest, v1, state = EVENTS * actors, "v1", "waiting"
    yield "actors, one state", lambda c: Actors(cursor=c.randrange(actors), version=v1, state=state), page
    yield "actors, no such state", lambda c: Actors(state=f"state_{c.randrange(actors)}"), page
    yield "actors, latest first", lambda _: Actors(order="updated"), page
    yield "latest first, further on", lambda c: Actors(order="updated", cursor=latest + c.randrange(actors)), page
    yield "latest first, one state", lambda _: Actors(order="updated", version=v1, state=state), page
    yield "count, by version and state", lambda _: CountRequest(), count
    yield "count, one state", lambda _: CountRequest(version=v1, state=state), count
    yield "count, of the last hour", lambda _: CountRequest(updated_after=hour_ago), count
    yield "get", lambda c: Get(1 + c.randrange(actors)), Aim(1)


def read(figures: Figures, at: Path, actors: int) -> None:
    """Ask each question through the socket, while nobody sends."""
    with Client(at, timeout=300) as client:
        for name, ask, aim in questions(actors):
            chance, found = random.Random(1), list[float]()
            for _ in range(RUNS):
                took = sorted(timed(partial(client.call, ask(chance))) for _ in range(QUESTIONS))
                found.append(took[QUESTIONS * 99 // 100])
            figures.add(f"{name}, p99 of {QUESTIONS}", "ms", found, aim)


def throughput(figures: Figures, at: Path, few: Path, actors: int) -> None:
    """Take turns, so that the machine's mood meets both alike."""
    for under_way in (1, 16):
        found: list[list[float]] = [[], []]
        for _ in range(RUNS):
            for runs, where, count in zip(found, (at, few), (actors, FEW), strict=True):
                runs.append(measure(where, Load(under_way=under_way, event=TYPES[0], actors=count), SECONDS)[0])
        name, aim = f"50 connections, {under_way} under way", Aim(0.7, of_ratio=True, at_least=True)
        figures.beside(name, "ev/s", found[0], f"{FEW:,} actors", found[1], aim)


def beside_load(figures: Figures, at: Path, actors: int) -> None:
    """Look at actors, one at a time, while 50 connections send."""
    looks, sends = Load(1, event="", actors=actors), Load(event=TYPES[0], actors=actors)
    with ThreadPoolExecutor() as both:
        sending = both.submit(measure, at, sends, SECONDS + 1)
        time.sleep(0.5)
        _, p50, p99 = measure(at, looks, SECONDS)
        sending.result()
    figures.add("get beside sends, p50", "ms", [p50])
    figures.add("get beside sends, p99", "ms", [p99], Aim(1))


def deploy(at: Path, version: str, took: list[float]) -> None:
    """Deploy a version for every history with some event, and note when it was answered and when all were judged."""
    with Client(at, timeout=300) as client:
        start = time.perf_counter()
        client.call(Deploy(version, definition(version), "v1", ["**", TYPES[15]]))
        took.append((time.perf_counter() - start) * 1e3)
        while any(d.swept < d.cohorts for d in client.call(Deployments()).deployments):
            time.sleep(0.05)
        took.append((time.perf_counter() - start) * 1e3)


def during_deploy(figures: Figures, at: Path, actors: int) -> None:
    """The latency of those who send, without a deploy and during one."""
    load, took = Load(event=TYPES[0], actors=actors), list[float]()
    without = measure(at, load, SECONDS)
    deploying = threading.Thread(target=deploy, args=(at, "beside", took))
    deploying.start()
    during = measure(at, load, SECONDS)
    deploying.join()
    figures.beside("sends during a deploy, p99", "ms", [during[2]], "without", [without[2]], Aim(3, of_ratio=True))
    figures.beside("sends during a deploy", "ev/s", [during[0]], "without", [without[0]])
    figures.add("deploy beside sends, answered", "ms", took[:1])
    figures.add("deploy beside sends, all moved", "ms", took[1:])


def main(distinct: int = 1_000, actors: int = 1_000_000) -> None:
    """Fill a store, and measure what can be done with it."""
    figures, memory = Figures(actors, distinct), Aim(600 if distinct < actors else 1_536)
    where = os.environ.get("BENCH_DIR")
    with tempfile.TemporaryDirectory(dir=where) as name, tempfile.TemporaryDirectory(dir=where) as other:
        populated(Path(other), FEW, min(distinct, FEW), EVENTS).close()
        made(figures, Path(name), actors, distinct)
        starts, rested = list[float](), list[float]()
        for _ in range(1 + RUNS):
            start = time.perf_counter()
            with daemon(Path(name)) as at:
                starts.append(time.perf_counter() - start)
                rested.append(resident(at))
        figures.add("start-up, from rows", "s", starts[:1])
        figures.add("start-up after a clean stop", "s", starts[1:], Aim(5))
        figures.add("memory after the start", "MiB", rested, memory)
        with daemon(Path(name)) as at, daemon(Path(other)) as few:
            read(figures, at, actors)
            throughput(figures, at, few, actors)
            beside_load(figures, at, actors)
            during_deploy(figures, at, actors)
            figures.add("memory at the end", "MiB", [resident(at)], memory)
    report.publish(f"{figures.bench}, {EVENTS + 1} events each, medians (min - max) of {RUNS}", figures.rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
