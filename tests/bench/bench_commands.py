"""What it costs to start a command: milliseconds of CPU, beside a Python that does nothing.

Usage: python -m tests.bench.bench_commands [RUNS]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from statekeep.protocol import Client
from statekeep.protocol.messages import Deploy
from statekeep.tui.cli.bench import RING
from tests.bench.daemons import daemon
from tests.bench.report import publish, row

STATEKEEP = [sys.executable, "-c", "import sys; from statekeep.tui.cli import main; sys.exit(main())"]
COMMANDS = (("--help",), ("versions",), ("versions", "--json"), ("actor", "alice"), ("actor", "alice", "--json"))


def milliseconds(command: Sequence[str], runs: int) -> list[float]:
    """The CPU, of user and system, that each run of a command took."""
    taken = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return taken


def main(runs: int = 10) -> None:
    """Start each command so often, at a daemon of its own."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name, daemon(Path(name)) as at:
        with Client(at) as client:
            client.call(Deploy("ring", RING))
            client.spawn("ring", "alice")
        bare = milliseconds([sys.executable, "-c", "pass"], runs)
        command = [*STATEKEEP, "--socket", str(at)]
        rows = [
            row(
                "commands",
                " ".join(["statekeep", *words]),
                "ms",
                milliseconds([*command, *words], runs),
                "python",
                bare,
            )
            for words in COMMANDS
        ]
    publish("CPU of a command from start to end", rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
