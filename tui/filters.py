"""Filters as they are typed: ``version:loan-v1 state:awaiting_docs key:usr-* since:2h``, of actors and of decisions."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args

from statekeep.protocol.records import Outcome, Status, Version
from statekeep.tui import look
from statekeep.tui.cli.arguments import actor
from statekeep.tui.cli.filters import moment


class Unusable(ValueError):
    """The filter can't be understood; says what would be right."""


class Field(NamedTuple):
    """What may stand before a colon: the field of the request and the option of a command that say the same."""

    request: str
    read: Callable[[str], Any] = str
    """Raises ``ValueError``, or as argparse wants it, where the value is none."""
    option: str | None = None
    """``--name`` where there is none; empty where the command takes it without one."""


class Filter(NamedTuple):
    """What was typed, word by word, and as fields of the request."""

    text: str = ""
    words: tuple[tuple[str, str], ...] = ()
    request: Mapping[str, Any] = {}

    def get(self, name: str) -> str | None:
        """What was typed behind a name."""
        return dict(self.words).get(name)


def _one_of(*values: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in values:
            raise ValueError(f"is one of {', '.join(values)}")
        return value

    return read


def _yes_or_no(value: str) -> bool:
    return _one_of("yes", "no")(value) == "yes"


ACTORS: Final = {
    "version": Field("version"),
    "state": Field("state"),
    "key": Field("key"),
    "tag": Field("tag"),
    "status": Field("status", _one_of(*get_args(Status))),
    "rescue": Field("needs_rescue", _yes_or_no),
    "since": Field("updated_after", moment, "--updated-after"),
    "until": Field("updated_before", moment, "--updated-before"),
}
"""What actors can be filtered by."""

DECISIONS: Final = {
    "route": Field("route"),
    "actor": Field("actor", actor, ""),
    "outcome": Field("outcome", _one_of(*get_args(Outcome))),
    "since": Field("since", moment),
    "until": Field("until", moment),
}
"""What decisions can be filtered by."""

_AGO: Final = ("15m", "1h", "1d", "7d")


def parse(text: str, fields: Mapping[str, Field] = ACTORS) -> Filter:
    """Read a filter of actors, or of something else. A word without a colon is a state, or a route.

    Raises ``Unusable``.
    """
    bare = "state" if fields is ACTORS else "route"
    words: dict[str, str] = {}
    request: dict[str, Any] = {}
    for word in text.split():
        name, colon, value = word.partition(":")
        if not colon:
            name, value = bare, word
        if name not in fields:
            raise Unusable(f"There is no filter {name}: use {', '.join(fields)}.")
        if not value:
            raise Unusable(f"{name}: wants a value.")
        if name in words:
            raise Unusable(f"{name}: is there twice.")
        try:
            request[fields[name].request] = fields[name].read(value)
        except (ValueError, argparse.ArgumentTypeError) as problem:
            raise Unusable(f"{name}: {problem}.") from problem
        words[name] = value
    return Filter(" ".join(text.split()), tuple(words.items()), request)


def decisions(text: str) -> Filter:
    """Read a filter of decisions. Raises ``Unusable``."""
    found = parse(text, DECISIONS)
    if ("route" in found.request) == ("actor" in found.request):
        raise Unusable("Decisions are about a route or about an actor: name one of them.")
    return found


def options(wanted: Filter, fields: Mapping[str, Field]) -> list[str]:
    """The filter as the words of a command."""
    made: list[str] = []
    for name, typed in wanted.words:
        option = f"--{name}" if fields[name].option is None else fields[name].option
        if name == "rescue":
            made.append("--needs-rescue" if typed == "yes" else "--no-needs-rescue")
        elif option:
            made += [option, typed]
        else:
            made.insert(0, typed)
    return made


def population(versions: Sequence[Version], wanted: Filter) -> int | None:
    """How many actors pass, if the populations of the versions tell; else None."""
    typed = dict(wanted.words)
    name, state, status, rescue = (typed.pop(word, None) for word in ("version", "state", "status", "rescue"))
    if typed or (rescue is not None and (state or status)):
        return None
    chosen = [version for version in versions if name in (None, version.version)]
    if rescue is not None:
        waiting = sum(version.needs_rescue for version in chosen)
        return waiting if rescue == "yes" else sum(one.active + one.finished for one in chosen) - waiting
    if state is not None and "*" in state:
        return None
    return sum(
        row.actors
        for version in chosen
        for row in version.states
        if (state is None or state in look.active_paths(row.state)) and status in (None, row.status)
    )


def completions(text: str, versions: Sequence[Version]) -> list[str]:
    """Whole filters of actors that begin as what is typed: its last word completed."""
    before = text.split(" ")[:-1]
    chosen = [version for version in versions if f"version:{version.version}" in before] or versions
    return complete(
        text,
        ACTORS,
        {
            "version": [version.version for version in versions],
            "state": sorted({path for one in chosen for row in one.states for path in look.active_paths(row.state)}),
            "status": get_args(Status),
            "rescue": ("yes", "no"),
        },
    )


def complete_decisions(text: str, versions: Sequence[Version]) -> list[str]:
    """Whole filters of decisions that begin as what is typed."""
    routes = [version.version for version in versions if version.parent]
    return complete(text, DECISIONS, {"route": routes, "outcome": get_args(Outcome)})


def complete(text: str, fields: Mapping[str, Field], values: Mapping[str, Sequence[str]]) -> list[str]:
    """Whole filters that begin as what is typed, of fields with these values."""
    *before, word = text.split(" ")
    name, colon, _ = word.partition(":")
    known = _AGO if name in ("since", "until") else values.get(name, ())
    words = [f"{name}:{one}" for one in known] if colon else [f"{one}:" for one in fields]
    return [" ".join([*before, one]) for one in words if word and one.startswith(word)]
