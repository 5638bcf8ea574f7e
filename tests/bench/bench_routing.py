"""Who of a million actors matches a path: the tree of histories beside one look at each actor.

Usage: python -m tests.bench.bench_routing [ACTORS] [HISTORIES]

The peers keep for each actor the hash of each beginning of its history, as an engine without cohorts would, and
compare the one that is as long as the path: in pure Python, with numpy, and in C. They answer literal paths alone, and
trust the hash. Ours compares the events, and knows every kind of path.
"""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from statekeep.daemon.routing import evaluator, paths
from statekeep.daemon.routing.fingerprint import EMPTY
from tests.bench import report

RUNS = 7
LENGTH = 6
TYPES = 16
PATH = (3, 1, 4)

C_SOURCE = """
#include <stdint.h>
#include <stddef.h>
void match(const uint64_t *hashes, size_t actors, size_t length, size_t at, uint64_t wanted, uint8_t *out)
{
    for (size_t i = 0; i < actors; i++)
        out[i] = hashes[i * length + at] == wanted;
}
"""


class Tree:
    """Histories of the same length as a tree, and the actors of each."""

    def __init__(self, histories: list[tuple[int, ...]]) -> None:
        self.parent, self.symbol = array("I", [0]), array("I", [0])
        self.leaf = []
        children: dict[tuple[int, int], int] = {}
        for history in histories:
            node = 0
            for symbol in history:
                child = children.get((node, symbol))
                if child is None:
                    child = children[node, symbol] = len(self.parent)
                    self.parent.append(node)
                    self.symbol.append(symbol)
                node = child
            self.leaf.append(node)
        self.depth = array("I", bytes(4 * len(self.parent)))
        self.fingerprint = array("Q", [EMPTY]) * len(self.parent)

    def __len__(self) -> int:
        return len(self.parent)


def milliseconds(work: Callable[[], object]) -> list[float]:
    """What one pass takes, several times after one that warms up."""
    work()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def hashed(history: tuple[int, ...]) -> int:
    """What a peer keeps for a beginning."""
    value = EMPTY
    for symbol in history:
        value = ((value ^ symbol) * 0x100000001B3) & (2**64 - 1)
    return value


def in_c(hashes: array[int], actors: int, wanted: int) -> list[float]:
    """The loop in C, as the compiler optimises it."""
    with tempfile.TemporaryDirectory() as name:
        source, library = Path(name, "match.c"), Path(name, "match.so")
        source.write_text(C_SOURCE)
        subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", "-o", library, source], check=True)
        match = ctypes.CDLL(str(library)).match
        match.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_uint64]
        match.argtypes += [ctypes.c_void_p]
        out = array("B", bytes(actors))
        at = len(PATH) - 1
        return milliseconds(
            lambda: match(hashes.buffer_info()[0], actors, LENGTH, at, wanted, out.buffer_info()[0]),
        )


def main(actors: int = 1_000_000, distinct: int = 1_000) -> None:
    """Print one row for each peer."""
    pick = random.Random(1)
    histories = [tuple(pick.randrange(TYPES) for _ in range(LENGTH)) for _ in range(distinct)]
    histories[0] = (*PATH, *histories[0][len(PATH) :])
    tree = Tree(histories)
    path = paths.Path.parse([str(symbol) for symbol in PATH], int)
    ours = milliseconds(partial(evaluator.relate, tree, path))

    each = [[hashed(history[: n + 1]) for n in range(LENGTH)] for history in histories]
    hashes = array("Q", (value for actor in range(actors) for value in each[actor % distinct]))
    wanted, at = hashed(PATH), len(PATH) - 1
    rows = []

    def beside(peer: str, runs: list[float]) -> None:
        rows.append(report.row("routing", f"{actors:,} actors, {distinct:,} histories", "ms", ours, peer, runs))

    beside("each actor, pure Python", milliseconds(lambda: [h == wanted for h in hashes[at::LENGTH]]))
    try:
        numpy = import_module("numpy")
    except ModuleNotFoundError:
        print("numpy is left out: pip install numpy")
    else:
        columns = numpy.frombuffer(hashes, dtype=numpy.uint64).reshape(actors, LENGTH)
        beside("each actor, numpy", milliseconds(lambda: columns[:, at] == wanted))
    if shutil.which("cc"):
        beside("each actor, C", in_c(hashes, actors, wanted))
    else:
        print("C is left out: there is no compiler cc. Debian: apt-get install gcc")
    report.publish(f"who matches a path, medians (min - max) of {RUNS}", rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
