"""What a send and a deploy cost as things grow: histories, versions, siblings, actors. In process, CPU alone.

Usage: python -m tests.bench.bench_growth

The store is in memory, so that the figures are of the work and not of the disk.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Deploy, Send, Spawn
from statekeep.tui.cli.bench import RING
from tests.bench import report
from tests.bench.bench_deploy import TYPES, definition, finish, populated, run
from tests.bench.report import Aim

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory in memory, and a private one inside
RUNS = 5
BATCH = 200

FLAT = Aim(1.5, of_ratio=True)
"""What does not grow may vary by as much, on a machine with others on it."""


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine on the ring of six states, in memory."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, closing(populated(Path(name), 1, 1)) as made:
        run(made, [Deploy("ring", RING)])
        yield made


def microseconds(made: Engine, actor: int) -> list[float]:
    """What one of a batch of sends costs, several times."""
    batch = [Send(actor, "NEXT") for _ in range(BATCH)]
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run(made, batch)
        times.append((time.perf_counter() - start) / BATCH * 1e6)
    return times


def by_history() -> dict[str, list[float]]:
    """An actor with ever more events behind it."""
    found = {}
    with engine() as made:
        actor = run(made, [Spawn("ring")])[0].id
        sent = 0
        for length in (1, 100, 10_000):
            run(made, [Send(actor, "NEXT") for _ in range(length - sent)])
            found[f"send, behind {length:,} events"] = microseconds(made, actor)
            sent = length + RUNS * BATCH
    return found


def by_versions(siblings: bool) -> dict[str, list[float]]:
    """An actor that is on the last of a chain of versions, or on the parent of ever more siblings that pass it by."""
    found, deployed = {}, 0
    with engine() as made:
        for count in (1, 20, 200):
            for number in range(deployed, count):
                parent = "ring" if siblings or not number else f"ring-{number - 1}"
                path = ["OTHER"] if siblings and not number else [f"OTHER{number}"] if siblings else []
                run(made, [Deploy(f"ring-{number}", RING | {"id": f"m{number}"}, parent=parent, path=path)])
            deployed = count
            actor = run(made, [Spawn("ring")])[0].id
            what = "siblings below its version" if siblings else "versions in a chain"
            found[f"send, {count} {what}"] = microseconds(made, actor)
    return found


def deploy(actors: int, distinct: int) -> list[float]:
    """Milliseconds of a deploy that moves a sixteenth of all, swept to its end."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, closing(populated(Path(name), actors, distinct)) as made:
        times = []
        for repeat in range(RUNS):
            target: dict[str, Any] = {"definition": definition(f"checked_{repeat}"), "path": [TYPES[repeat]]}
            start = time.perf_counter()
            run(made, [Deploy(f"v2-{repeat}", parent="v1", **target)])
            finish(made)
            times.append((time.perf_counter() - start) * 1e3)
        return times


def main() -> None:
    """Print what each costs, beside the smallest of its kind."""
    series: list[Callable[[], dict[str, list[float]]]] = [
        by_history,
        partial(by_versions, siblings=False),
        partial(by_versions, siblings=True),
    ]
    rows = []
    for measured in series:
        found = measured()
        smallest = next(iter(found))
        rows += [
            report.row("growth", name, "us", runs, smallest, found[smallest], FLAT) for name, runs in found.items()
        ]
    for distinct in (100, 1_000):
        few = deploy(2_000, distinct)
        for actors in (2_000, 20_000):
            runs = few if actors == 2_000 else deploy(actors, distinct)
            name = f"deploy, {actors:,} actors, {distinct:,} histories"
            rows.append(report.row("growth", name, "ms", runs, f"2,000 actors, {distinct:,} histories", few, FLAT))
    report.publish(f"growth, medians (min - max) of {RUNS}", rows)


if __name__ == "__main__":
    main()
