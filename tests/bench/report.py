"""Figures with their peers, as a table for people and as rows of JSON for machines."""

from __future__ import annotations

import os
import sqlite3
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

FILE = Path(__file__).parents[2] / "build" / "bench.json"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, and one of a peer that was taken in the same run."""

    name: str
    figure: float
    """The median."""
    unit: str
    least: float
    most: float
    peer: str = ""
    peer_figure: float | None = None
    ratio: float | None = None
    """The figure divided by the peer's: of rates more is better, of times less."""


def row(name: str, unit: str, runs: Sequence[float], peer: str = "", peer_runs: Sequence[float] = ()) -> Row:
    """A row from the runs of both sides."""
    figure = statistics.median(runs)
    peer_figure = statistics.median(peer_runs) if peer_runs else None
    return Row(
        name=name,
        figure=figure,
        unit=unit,
        least=min(runs),
        most=max(runs),
        peer=peer if peer_runs else "",
        peer_figure=peer_figure,
        ratio=figure / peer_figure if peer_figure else None,
    )


def publish(title: str, rows: Sequence[Row]) -> None:
    """Print the rows, and keep them in ``build/bench.json`` in the place of older ones with their names."""
    print(f"\n{title}; {os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}")
    width = max(len(each.name) for each in rows)
    for each in rows:
        spread = f"({number(each.least)} - {number(each.most)})"
        beside = f"{each.ratio:8.2f} x {each.peer}, {number(each.peer_figure or 0)}" if each.ratio else ""
        print(f"  {each.name:{width}} {number(each.figure):>12} {each.unit:8} {spread:26} {beside}".rstrip())
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(_merged(rows))))


def _merged(rows: Iterable[Row]) -> list[Row]:
    before = msgspec.json.decode(FILE.read_bytes(), type=list[Row]) if FILE.exists() else []
    new = {(each.name, each.peer): each for each in rows}
    return [each for each in before if (each.name, each.peer) not in new] + list(new.values())


def number(figure: float) -> str:
    """A figure with three digits that count."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
