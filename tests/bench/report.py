"""Figures with their peers and their aims, as a table for people and as rows of JSON for machines."""

from __future__ import annotations

import os
import sqlite3
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

FILE = Path(__file__).parents[2] / "build" / "bench.json"


class Aim(NamedTuple):
    """What a figure should be, or its ratio to the peer's."""

    bound: float
    of_ratio: bool = False
    at_least: bool = False

    def __str__(self) -> str:
        times = " x" if self.of_ratio else ""
        return f"{'at least' if self.at_least else 'at most'} {number(self.bound)}{times}"

    def met(self, figure: float, ratio: float | None) -> bool | None:
        """Whether it is; None if there is no peer to tell."""
        value = ratio if self.of_ratio else figure
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, and one of a peer that was taken in the same run."""

    bench: str
    """The script, and what it was asked for."""
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
    aim: str = ""
    met: bool | None = None


def row(
    bench: str,
    name: str,
    unit: str,
    runs: Sequence[float],
    peer: str = "",
    peer_runs: Sequence[float] = (),
    aim: Aim | None = None,
) -> Row:
    """A row from the runs of both sides."""
    figure = statistics.median(runs)
    peer_figure = statistics.median(peer_runs) if peer_runs else None
    ratio = figure / peer_figure if peer_figure else None
    return Row(
        bench=bench,
        name=name,
        figure=figure,
        unit=unit,
        least=min(runs),
        most=max(runs),
        peer=peer if peer_runs else "",
        peer_figure=peer_figure,
        ratio=ratio,
        aim=str(aim) if aim else "",
        met=aim.met(figure, ratio) if aim else None,
    )


def publish(title: str, rows: Sequence[Row]) -> None:
    """Print the rows, and keep them in ``build/bench.json`` in the place of older ones of their bench."""
    print(f"\n{title}; {os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}")
    width = max(len(each.name) for each in rows)
    for each in rows:
        spread = f"({number(each.least)} - {number(each.most)})"
        beside = f"{number(each.ratio)} x {each.peer}, {number(each.peer_figure or 0)}" if each.ratio else ""
        aim = f"  [{verdict(each)}]" if each.aim else ""
        print(f"  {each.name:{width}} {number(each.figure):>12} {each.unit:8} {spread:26} {beside}{aim}".rstrip())
    FILE.parent.mkdir(exist_ok=True)
    mine = {each.bench for each in rows}
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode([r for r in kept() if r.bench not in mine] + [*rows])))


def kept() -> list[Row]:
    """The rows of ``build/bench.json``, in the order in which their benches were run."""
    return msgspec.json.decode(FILE.read_bytes(), type=list[Row]) if FILE.exists() else []


def verdict(measured: Row) -> str:
    """The aim of a row, and whether it was met."""
    answer = {True: "met", False: "not met", None: "not told"}[measured.met]
    return f"{measured.aim}: {answer}"


def number(figure: float) -> str:
    """A figure with three digits that count."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
