"""What the check of a definition finds, collected until everything has been looked at."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from statekeep.protocol.records import Finding

SHOWN_OF_A_KIND = 100
"""A definition of 256 KiB can hold 10,000 guards; nobody reads more than this many lines that say the same."""

Level = Literal["error", "warning"]

_COMPARED = 50
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a definition, and one step of its machine, may be at most."""

    definition_bytes: int = 256 * 1024
    """As compact JSON in UTF-8."""
    depth: int = 32
    """Levels of states below the root."""
    states: int = 2_000
    transitions: int = 10_000
    microsteps: int = 256
    """For one event. XState itself has no bound unless ``options.maxIterations`` sets one."""


class Findings:
    """Findings in the order in which they were made."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._kinds: Counter[tuple[Level, str]] = Counter()

    def error(self, code: str, path: str, message: str, hint: str = "") -> None:
        self._add("error", code, path, message, hint)

    def warning(self, code: str, path: str, message: str, hint: str = "") -> None:
        self._add("warning", code, path, message, hint)

    def _add(self, level: Level, code: str, path: str, message: str, hint: str) -> None:
        if self.shows_more(level, code):
            self._found.append(Finding(level=level, code=code, path=path, message=message, hint=hint))
        self._kinds[level, code] += 1

    def has_errors(self) -> bool:
        return any(level == "error" for level, _ in self._kinds)

    def shows_more(self, level: Level, code: str) -> bool:
        """Whether another one of these would be shown: worth asking before costly advice is worked out."""
        return self._kinds[level, code] < SHOWN_OF_A_KIND

    def all(self) -> list[Finding]:
        """Errors first; where there were too many of a kind, a last one says how many are not shown."""
        omitted = [
            Finding(level=level, code=code, path="$", message=f"{count - SHOWN_OF_A_KIND} more of these are not shown")
            for (level, code), count in self._kinds.items()
            if count > SHOWN_OF_A_KIND
        ]
        return sorted([*self._found, *omitted], key=lambda finding: finding.level)


def member(path: str, key: str) -> str:
    """The JSON path of a member of an object."""
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}"
    return path + "[" + msgspec.json.encode(key).decode() + "]"


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that was probably meant; of very many, only the first are compared."""
    from difflib import get_close_matches  # noqa: PLC0415  (3 ms to import, and only mistakes need it)

    matches = get_close_matches(name[:80], known[:_COMPARED], n=1)
    return matches[0] if matches else None
