"""Reads of single actors, pages and counts among many actors, in the engine alone.

Usage: python -m tests.bench.bench_reads [ACTORS] [HISTORIES] [REPEATS]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Actors, AnyRequest, CountRequest, Get
from tests.bench.bench_deploy import LENGTH, populated, run


def questions(actors: int) -> dict[str, Callable[[random.Random], AnyRequest]]:
    """What is asked, by its name; each time somewhere else."""

    def cursor(chance: random.Random) -> int:
        return chance.randrange(actors)

    def position(chance: random.Random) -> int:
        return LENGTH * actors + 2 + cursor(chance)

    hour_ago = time.time_ns() // 1_000_000 - 3_600_000
    return {
        "get": lambda chance: Get(1 + cursor(chance)),
        "actors, by id": lambda chance: Actors(cursor=cursor(chance)),
        "actors, one state": lambda chance: Actors(cursor=cursor(chance), version="v1", state="waiting"),
        "actors, no such state": lambda chance: Actors(state=f"state_{cursor(chance)}"),
        "actors, latest first": lambda _: Actors(order="updated"),
        "actors, latest first, further on": lambda chance: Actors(order="updated", cursor=position(chance)),
        "actors, latest first, one state": lambda _: Actors(order="updated", version="v1", state="waiting"),
        "count": lambda _: CountRequest(),
        "count, one state": lambda _: CountRequest(version="v1", state="waiting"),
        "count, of the last hour": lambda _: CountRequest(updated_after=hour_ago),
    }


def spread(engine: Engine, ask: Callable[[random.Random], AnyRequest], repeats: int) -> tuple[float, float, float]:
    """The median, the 99th of a hundred and the longest, in milliseconds."""
    chance, took = random.Random(1), list[float]()
    for _ in range(repeats):
        request: Any = ask(chance)
        start = time.perf_counter()
        run(engine, [request])
        took.append((time.perf_counter() - start) * 1e3)
    took.sort()
    return took[len(took) // 2], took[len(took) * 99 // 100], took[-1]


def main(actors: int = 100_000, histories: int = 1_000, repeats: int = 200) -> None:
    """Print a line for each question."""
    with tempfile.TemporaryDirectory() as directory:
        engine = populated(Path(directory), actors, histories)
        try:
            print(f"{actors:,} actors, {histories:,} distinct histories, {repeats} of each; milliseconds")
            print(f"{'':36}{'p50':>9}{'p99':>9}{'max':>9}")
            for name, ask in questions(actors).items():
                print(f"{name:36}" + "".join(f"{value:9.2f}" for value in spread(engine, ask, repeats)))
        finally:
            engine.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
