"""How fast the evaluator is, beside what the machine's memory allows and what plain Python takes.

Usage: python -m tests.bench.bench_evaluator [NODES ...]
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from functools import partial
from random import Random
from time import perf_counter_ns

from statekeep.daemon.routing import evaluator
from statekeep.daemon.routing.fingerprint import EMPTY
from statekeep.daemon.routing.paths import Path
from statekeep.daemon.routing.replaying import UNKNOWN
from tests.bench import report

SIZES = (1_000, 1_000_000, 10_000_000)
RUNS = 7
EVENT_TYPES = 12
PYTHON_NODES = 20_000
"""Nodes that the specification is timed on: it takes about a microsecond for each."""

PATHS = {
    "literal path of 3": ["0", "1", "2"],
    "pattern of 6 tokens": ["**", "1", "*", "2", "**", "3"],
    "pattern of 200 tokens": ["**", "1", "*", "2"] * 50,
}


class Columns:
    """A random trie: each node continues one of the ``reach`` nodes before it."""

    def __init__(self, count: int, reach: int) -> None:
        random = Random(count).random
        self.parent = array("I", (max(0, i - 1 - int(random() * min(i, reach))) for i in range(count)))
        self.symbol = array("I", (int(random() * EVENT_TYPES) for _ in range(count)))
        self.depth = array("I", bytes(4 * count))
        self.fingerprint = array("Q", [EMPTY]) * count

    def __len__(self) -> int:
        return len(self.parent)


class WarmTable:
    """A table of 64 configurations in which every cell is known, two in three of them handled."""

    def __init__(self) -> None:
        random = Random(1)
        self.width = 16
        self.cells = array("I", (random.randrange(64) << 1 | (random.random() < 2 / 3) for _ in range(64 * 16)))
        self.column_of = array("I", range(EVENT_TYPES))
        self.initial = 0

    def next(self, _configuration: int, _symbol: int, /) -> int:
        """Never asked: every cell is known."""
        return UNKNOWN


def per_node(work: Callable[[], object], nodes: int, runs: int = RUNS) -> list[float]:
    """Nanoseconds for each node, several times after one that warms up."""
    work()
    times = []
    for _ in range(runs):
        start = perf_counter_ns()
        work()
        times.append((perf_counter_ns() - start) / nodes)
    return times


def copy(columns: Columns) -> Callable[[], None]:
    """Copies as many bytes as a pass with a short path reads and writes: two columns in, eight bytes a node out."""
    source = memoryview(columns.parent.tobytes() + columns.symbol.tobytes())
    target = memoryview(bytearray(len(source)))

    def work() -> None:
        target[:] = source

    return work


def specification(columns: Columns, path: Path) -> Callable[[], object]:
    """The relation of every node in plain Python, each from its parent's state."""

    def work() -> object:
        states = [path.start]
        for parent, symbol in zip(columns.parent[1:], columns.symbol[1:], strict=True):
            states.append(path.advance(states[parent], symbol))
        return bytearray(map(path.judge, states))

    return work


def measure(columns: Columns, shape: str) -> list[report.Row]:
    """One row for each thing that the evaluator does to these columns."""
    nodes, copied = len(columns), per_node(copy(columns), len(columns))
    wanted, table = b"\1" * nodes, WarmTable()
    works: dict[str, Callable[[], object]] = {
        f"relate, {name}": partial(evaluator.relate, columns, Path.parse(texts, int)) for name, texts in PATHS.items()
    }
    works["replay of all, marking included"] = lambda: evaluator.replay(columns, wanted, table)
    return [
        report.row(bench(nodes), f"{name}, {shape}", "ns", per_node(work, nodes), "a copy of two columns", copied)
        for name, work in works.items()
    ]


def plain() -> list[report.Row]:
    """The same beside plain Python."""
    columns, rows = Columns(PYTHON_NODES, reach=64), list[report.Row]()
    for name, texts in PATHS.items():
        path = Path.parse(texts, int)
        ours = per_node(partial(evaluator.relate, columns, path), PYTHON_NODES)
        theirs = per_node(specification(columns, path), PYTHON_NODES, runs=3)
        rows.append(report.row(bench(PYTHON_NODES), f"relate, {name}, local", "ns", ours, "plain Python", theirs))
    return rows


def bench(nodes: int) -> str:
    """What the figures are of."""
    return f"evaluator, {nodes:,} nodes"


def main() -> None:
    """Measure the sizes asked for, and a small one beside plain Python."""
    for size in [int(argument) for argument in sys.argv[1:]] or SIZES:
        # Histories that grow side by side, and the worst case: every step from a node anywhere in memory.
        rows = measure(Columns(size, reach=64), "local") + measure(Columns(size, reach=size), "scattered")
        report.publish(f"{size:,} nodes, for each of them, medians (min - max) of {RUNS}", rows)
    report.publish(f"{PYTHON_NODES:,} nodes, for each of them, medians (min - max) of {RUNS}", plain())


if __name__ == "__main__":
    main()
