"""How errors put what they name into sentences."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

SHOWN: Final = 120
"""Characters of a caller's text that a message repeats: enough for any sensible name, and no way to flood a log."""

LISTED: Final = 20
"""Event types that a message lists: more than most states have."""


def shorten(text: str) -> str:
    """Cut what a caller wrote to the length that a message may repeat."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def quote(name: int | str) -> str:
    """Put what a caller named in quotes, an id or a key alike."""
    return repr(shorten(str(name)))


def nearest(name: str, known: Iterable[str]) -> str:
    """Ask whether the caller meant the name that is most like the one given; nothing if none is."""
    near = difflib.get_close_matches(name[:SHOWN], known, n=1)
    return f"Did you mean {quote(near[0])}?" if near else ""


def events_text(count: int) -> str:
    """Count events in words."""
    return f"{count:,} event{'' if count == 1 else 's'}"
