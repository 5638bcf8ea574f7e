"""A durable deploy and its preview over many actors, decisions included, beside the fsync of the same disk, and beside
the one UPDATE that a team would write for PostgreSQL, which leaves no decisions.

Usage: python -m tests.bench.bench_deploy [ACTORS] [REPEATS]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from statekeep.daemon.engine import About, Engine
from statekeep.daemon.store import make_master_key, open_store
from statekeep.protocol.messages import Answer, AnyRequest, Deploy, Preview, Send, Spawn
from tests.bench import report
from tests.bench.peers import postgres

LENGTH = 6
"""Events of each history; with 16 event types there are 16 million of them."""

TYPES = [f"EVENT_{number:02}" for number in range(16)]


def definition(target: str) -> dict[str, Any]:
    """A machine that takes every event in every state, so that no history is like another."""
    on = {name: target if number % 2 else "waiting" for number, name in enumerate(TYPES)}
    return {"id": "case", "initial": "waiting", "states": {"waiting": {"on": on}, target: {"on": on}}}


def event(number: int, step: int) -> str:
    """An event of the history of this number; consecutive ones differ in the first: a sixteenth shall migrate."""
    return TYPES[(number >> 4 * step) & 15]


def run(engine: Engine, requests: Sequence[AnyRequest]) -> list[Any]:
    """The results of all requests, in batches as a busy socket would bring them."""
    answers = [a for start in range(0, len(requests), 1_000) for a in engine.run(requests[start : start + 1_000])]
    assert all(isinstance(answer, Answer) for answer in answers), answers
    return [answer.ok for answer in answers if isinstance(answer, Answer)]


def finish(engine: Engine) -> None:
    """Go on with the sweep to its end, as the server does between batches."""
    while engine.sweeping:
        engine.run([])


def engine_on(directory: Path) -> Engine:
    """An engine on a new store."""
    store = open_store(directory / "store.db", make_master_key(directory / "master.key"), now=0)
    return Engine(store, lambda: time.time_ns() // 1_000_000, About(os.getpid(), "", "", 0, 1 << 20, 1_024))


def populated(directory: Path, actors: int, distinct: int, length: int = LENGTH) -> Engine:
    """An engine with so many actors, each with ``length`` events; the histories repeat after ``distinct``."""
    engine = engine_on(directory)
    run(engine, [Deploy(version="v1", definition=definition("paid"))])
    run(engine, [Spawn("v1") for _ in range(actors)])
    for step in range(length):
        run(engine, [Send(actor + 1, event(actor % distinct, step)) for actor in range(actors)])
    return engine


def timed(action: Callable[[], object]) -> float:
    """Milliseconds that ``action`` takes."""
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3


def fsync(directory: Path) -> float:
    """Milliseconds of one fdatasync of 4 KiB, the median of twenty."""
    with (directory / "probe").open("wb", buffering=0) as file:

        def once() -> None:
            file.write(bytes(4096))
            os.fdatasync(file.fileno())

        return statistics.median(timed(once) for _ in range(20))


def script(actors: int, distinct: int, repeats: int) -> list[float]:
    """Milliseconds of the migration script that a team would write for PostgreSQL; nothing where it is missing."""
    if reason := postgres.missing():
        print(reason)
        return []
    with postgres.cluster() as where:
        return [postgres.migration(where, actors, distinct)[0] for _ in range(repeats)]


def deploys(engine: Engine, repeats: int) -> dict[str, list[float]]:
    """Milliseconds of previews and deploys, one after the other, each of a version for another first event."""
    found: dict[str, list[float]] = {"preview": [], "deploy answered": [], "deploy, all moved": []}
    for repeat in range(repeats):
        target = definition(f"checked_{repeat}")
        plan: dict[str, Any] = {"definition": target, "parent": "v1", "path": [TYPES[repeat]]}
        preview, deploy = [cls(version=f"v2-{repeat}", **plan) for cls in (Preview, Deploy)]
        run(engine, [preview])  # a person has looked at it before
        found["preview"].append(timed(partial(run, engine, [preview])))
        found["deploy answered"].append(timed(partial(run, engine, [deploy])))
        rest = timed(partial(finish, engine))
        found["deploy, all moved"].append(found["deploy answered"][-1] + rest)
    return found


def main(actors: int = 50_000, repeats: int = 5) -> None:
    """Deploy to actors with few histories, and to as many who have a history each."""
    rows = []
    for distinct in (200, actors):
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as directory:
            engine = populated(Path(directory), actors, distinct)
            found = deploys(engine, repeats)
            engine.close()
            synced = [fsync(Path(directory)) for _ in range(repeats)]
        peers = {"fdatasync": synced, "PostgreSQL, one UPDATE": script(actors, distinct, min(repeats, 3))}
        rows += [
            report.row("deploy", f"{name}, {distinct:,} histories", "ms", runs, peer, taken)
            for name, runs in found.items()
            for peer, taken in peers.items()
            if taken and (peer == "fdatasync" or name == "deploy, all moved")
        ]
    report.publish(f"{actors:,} actors, {LENGTH} events each, medians (min - max) of {repeats}", rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
