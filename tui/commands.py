"""The command line that ``:`` opens: ``:actors version:loan-v2``, ``:actor alice``, ``:paths loan-v1``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from statekeep.protocol.records import Version
from statekeep.tui import filters
from statekeep.tui.cli.arguments import actor

HELP: Final = {
    "overview": "all versions, their populations, the last deploys",
    "actors [FILTER]": "actors, for example version:loan-v1 state:awaiting_docs",
    "actor ACTOR": "one actor, by key or id",
    "versions [VERSION]": "definitions, differences, routes",
    "paths [VERSION]": "which ways the actors of a version have gone",
    "deploy [PARENT]": "see who would move, then deploy",
    "decisions [ROUTE | FILTER]": "what was decided, and why",
    "theme NAME": "other colours",
    "help": "the keys",
    "quit": "leave; the daemon goes on",
}
"""What can be typed, and what it shows."""

_WORDS: Final = [words.split()[0] for words in HELP]
_SHORT: Final = {
    "q": "quit",
    "h": "help",
    "o": "overview",
    "a": "actors",
    "v": "versions",
    "p": "paths",
    "d": "decisions",
}


class Command(NamedTuple):
    """A screen, or an act of the application, and what it is to be about."""

    name: str
    about: dict[str, Any]


def parse(text: str) -> Command:
    """Read a command line. Raises ``ValueError``, which says what would be right."""
    word, _, rest = text.strip().removeprefix(":").partition(" ")
    name = _SHORT.get(word, word)
    rest = rest.strip()
    if name not in _WORDS:
        near = difflib.get_close_matches(name, _WORDS, 1)
        raise ValueError(f"There is no command {word}." + (f" Did you mean {near[0]}?" if near else " ? lists them."))
    match name:
        case "actors":
            filters.parse(rest)
            return Command(name, {"text": rest})
        case "actor":
            if not rest:
                raise ValueError("Name the actor: `:actor alice`, or its id.")
            return Command(name, {"actor": actor(rest)})
        case "versions" | "paths":
            return Command(name, {"version": rest or None})
        case "deploy":
            return Command(name, {"parent": rest or None})
        case "decisions":
            if rest:
                filters.decisions(rest)
            return Command(name, {"text": rest})
        case "theme":
            return Command(name, {"theme": rest})
    return Command(name, {})


def completions(text: str, versions: Sequence[Version], themes: Sequence[str]) -> list[str]:
    """Whole command lines that begin as what is typed."""
    word, space, rest = text.partition(" ")
    if not space:
        return [name for name in _WORDS if name.startswith(word)]
    names = [version.version for version in versions]
    match word:
        case "actors":
            return [f"actors {one}" for one in filters.completions(rest, versions)]
        case "versions" | "paths" | "deploy" | "decisions":
            return [f"{word} {name}" for name in names if name.startswith(rest)]
        case "theme":
            return [f"theme {name}" for name in themes if name.startswith(rest)]
    return []
