"""How things look on every screen: marks, bars and short numbers. No colour stands alone: each has its own sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from statekeep.protocol.records import Outcome, StateValue, Status
from statekeep.tui.cli.blocks import Span, Style
from statekeep.tui.cli.views import OUTCOME_STYLES

OUTCOMES: Final[dict[Outcome, str]] = {
    "migrated": "→",
    "diverged": "≠",
    "pending": "…",
    "blocked": "‖",
    "kept": "=",
    "final": "■",
    "rescue": "!",
}
"""Each outcome's sign, in the order in which people ask for them."""

STATUSES: Final[dict[Status, tuple[str, Style]]] = {
    "active": ("●", "good"),
    "done": ("■", "quiet"),
    "error": ("!", "bad"),
    "stopped": ("□", "quiet"),
}

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_LEVELS: Final = "▁▂▃▄▅▆▇█"


def outcome(name: Outcome) -> Span:
    """``→ migrated``."""
    return Span(f"{OUTCOMES.get(name, '·')} {name}", OUTCOME_STYLES.get(name, ""))


def in_order(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes as people ask for them; one that a newer daemon knows comes last."""
    known = list(OUTCOMES)
    return sorted(outcomes, key=lambda name: known.index(name) if name in known else len(known))


def short(number: float) -> str:
    """A number in at most five columns: ``999``, ``12.3k``, ``1.20M``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size * 0.9995:
            value = number / size
            digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
            return f"{value:.{digits}f}{unit}"
    return f"{number:.0f}"


def percent(part: int, whole: int) -> str:
    """A share; never 0 % for some nor 100 % for not all."""
    if not whole:
        return "-"
    if 0 < part < whole:
        share = 100 * part / whole
        return "<1%" if share < 1 else ">99%" if share > 99 else f"{share:.0f}%"
    return "100%" if part else "0%"


def bar(part: float, whole: float, width: int) -> str:
    """A bar of eighths of a column; something that is there is never nothing."""
    if not whole or not part:
        return ""
    eighths = max(1, round(8 * width * min(part / whole, 1)))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def stacked(parts: Sequence[tuple[int, str, Style]], whole: int, width: int) -> list[Span]:
    """Parts of a whole beside each other, each ``(number, letter, style)``; the smallest gets a column too."""
    if not whole:
        return []
    shares = [max(1, round(width * number / whole)) if number else 0 for number, _, _ in parts]
    while sum(shares) > width and max(shares) > 1:
        shares[shares.index(max(shares))] -= 1
    return [Span(letter * share, style) for share, (_, letter, style) in zip(shares, parts, strict=True) if share]


def sparkline(values: Iterable[float], width: int) -> str:
    """The last values as a row of small columns."""
    last = list(values)[-width:]
    top = max(last, default=0)
    if not top:
        return "▁" * len(last)
    return "".join(_LEVELS[min(7, int(8 * value / top))] if value else "▁" for value in last)


def active_paths(value: StateValue) -> set[str]:
    """The dotted paths of all states that a state value has active, parents too."""
    if isinstance(value, str):
        return {value} if value else set()
    found = set()
    for name, child in value.items():
        found.add(name)
        found |= {f"{name}.{below}" for below in active_paths(child)}
    return found
