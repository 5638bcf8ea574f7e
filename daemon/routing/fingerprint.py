"""The fingerprint of a history or a path: its name on record. Shown and logged, never trusted."""

from collections.abc import Iterable
from typing import Final

EMPTY: Final = 0xCBF29CE484222325
"""The fingerprint of no events: the offset basis of FNV-1a, 64 bit."""

_PRIME: Final = 0x100000001B3


def fingerprint(event_types: Iterable[str]) -> int:
    """FNV-1a 64 over each event type's UTF-8 bytes and one zero byte."""
    value = EMPTY
    for event_type in event_types:
        for byte in event_type.encode() + b"\0":
            value = (value ^ byte) * _PRIME & 0xFFFFFFFFFFFFFFFF
    return value
