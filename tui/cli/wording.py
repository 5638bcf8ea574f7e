"""How numbers, times, states and foreign text read, on a terminal as in a pipe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from statekeep.protocol.records import StateValue

UNSOUND: Final = "damaged: the actors on the disk are not what was written; see `statekeep verify`"
"""What is said with an answer about all actors whose ``damaged`` is true."""

_UNITS: Final = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of showing; line feeds stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def count(number: int, noun: str = "") -> str:
    """``1,203 actors``; the noun is given in the singular."""
    if not noun:
        return f"{number:,}"
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") else f"{number:,} {noun}s"


def left_out(erased: int, damaged: int) -> list[str]:
    """What is said beside an export of the actors that are not in it."""
    told = []
    if erased:
        told.append(f"erased since, and so left out: {count(erased, 'actor')} that may have been decided")
    if damaged:
        told.append(f"damaged, and so left out: {count(damaged, 'actor')}; see `statekeep verify`")
    return told


def state(value: StateValue) -> str:
    """A state as a dotted path; the regions of a parallel state stand side by side: ``review.(legal + risk.open)``."""
    if isinstance(value, str):
        return value
    return " + ".join(_region(name, child) for name, child in value.items()) or "(no states)"


def _region(name: str, child: StateValue) -> str:
    if not child:
        return name
    inner = state(child)
    return f"{name}.({inner})" if isinstance(child, dict) and len(child) > 1 else f"{name}.{inner}"


def path(events: Sequence[str]) -> str:
    """A route's path; the empty one takes every actor."""
    return ", ".join(events) or "every actor"


def moment(milliseconds: int, now: float | None = None) -> str:
    """A time of this machine's zone, and how long ago that was: ``2026-03-01 09:30:00 (5 min ago)``."""
    passed = (time.time() if now is None else now) - milliseconds / 1000
    return f"{date(milliseconds)} ({ago(passed)})"


def date(milliseconds: int) -> str:
    """A time of this machine's zone: ``2026-03-01 09:30:00``."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago(seconds: float) -> str:
    """A length of time in its largest unit, looking back."""
    for size, unit in _UNITS:
        if seconds >= size:
            number = int(seconds // size)
            return f"{number:,} {unit}{'s' if unit == 'day' and number > 1 else ''} ago"
    return "just now"


def size(number: int) -> str:
    """Bytes as a person reads them, in powers of 1,024."""
    shown, units = float(number), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while shown >= 1_024 and len(units) > 1:
        shown, units = shown / 1_024, units[1:]
    return f"{shown:,.0f} {units[0]}" if units[0] == "bytes" else f"{shown:,.1f} {units[0]}"


def duration(seconds: float) -> str:
    """A measured time, to the digits that mean something."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
