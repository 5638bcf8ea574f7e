"""Write the figures of ``build/bench.json`` into the README beside this file, so that none is typed by hand.

Usage: python -m tests.bench.figures
"""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.bench.report import FILE, Row, kept, number, verdict

README = Path(__file__).with_name("README.md")
HEADING = "## Last figures\n"


def machine() -> str:
    """Of which the figures are, as far as it tells."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    processor = model.partition(": ")[2] or platform.machine()
    made = time.strftime("%d %B %Y", time.gmtime(FILE.stat().st_mtime))
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{made}; {os.cpu_count()} cores of {processor}, Linux {platform.release()}, {versions}."


def line(row: Row) -> str:
    """A row of a table."""
    spread = f"{number(row.least)} to {number(row.most)}"
    beside = f"{row.peer}: {number(row.peer_figure or 0)}" if row.peer else ""
    ratio = f"{number(row.ratio)} x" if row.ratio else ""
    aim = verdict(row) if row.aim else ""
    return f"| {row.name} | {number(row.figure)} {row.unit} | {spread} | {beside} | {ratio} | {aim} |\n"


def tables(rows: list[Row]) -> Iterator[str]:
    """A table for each bench, after one of all the aims."""
    aims = [row for row in rows if row.aim]
    met = sum(row.met is True for row in aims)
    yield f"{machine()} Of {len(aims)} aims {met} are met.\n"
    for bench, measured in groupby(rows, lambda row: row.bench):
        yield f"\n### {bench}\n\n| what | median | least to most | beside | ratio | aim |\n|---|---|---|---|---|---|\n"
        yield from map(line, measured)


def main() -> None:
    """Put the tables under their heading."""
    before, heading, _ = README.read_text().partition(HEADING)
    README.write_text(f"{before}{heading}\n{''.join(tables(kept()))}")


if __name__ == "__main__":
    main()
