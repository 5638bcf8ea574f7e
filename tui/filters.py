"""The filter of the actors, as it is typed: ``version:loan-v1 state:awaiting_docs key:usr-* rescue:yes``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from statekeep.protocol.records import Version
from statekeep.tui import look
from statekeep.tui.asking import takes

STATUSES: Final = ("active", "done", "error", "stopped")

FIELDS: Final = {
    "version": "version",
    "state": "state",
    "key": "key",
    "tag": "tag",
    "status": "status",
    "rescue": "needs_rescue",
}
"""What can be typed before a colon, and the field of the request that it sets."""


class Unusable(ValueError):
    """The filter can't be understood; says what would be right."""


class Filter(NamedTuple):
    """Which actors, in words and as fields of the request."""

    text: str = ""
    fields: tuple[tuple[str, Any], ...] = ()

    def request(self) -> dict[str, Any]:
        """The fields of ``actors`` that it sets."""
        return {FIELDS[name]: value for name, value in self.fields}


def known_fields() -> list[str]:
    """The words that this package's protocol can filter by."""
    return [name for name, field in FIELDS.items() if takes("actors", field)]


def parse(text: str) -> Filter:
    """Read a filter. A word without a colon is a state. Raises ``Unusable``."""
    fields: dict[str, Any] = {}
    for word in text.split():
        name, colon, value = word.partition(":")
        if not colon:
            name, value = "state", word
        if name not in FIELDS:
            raise Unusable(f"There is no filter {name}: use {', '.join(known_fields())}.")
        if name not in known_fields():
            raise Unusable(f"This daemon can't filter by {name} yet: use {', '.join(known_fields())}.")
        if not value:
            raise Unusable(f"{name}: wants a value.")
        if name in fields:
            raise Unusable(f"{name}: is there twice.")
        fields[name] = _value(name, value)
    return Filter(" ".join(text.split()), tuple(fields.items()))


def _value(name: str, value: str) -> Any:
    if name == "rescue":
        if value not in ("yes", "no"):
            raise Unusable("rescue: is yes or no.")
        return value == "yes"
    if name == "status" and value not in STATUSES:
        raise Unusable(f"status: is one of {', '.join(STATUSES)}.")
    return value


def population(versions: Sequence[Version], wanted: Filter) -> int | None:
    """How many actors pass, if the populations of the versions tell; else None."""
    fields = dict(wanted.fields)
    name, state, status, rescue = (fields.pop(field, None) for field in ("version", "state", "status", "rescue"))
    if fields or (rescue is not None and (state or status)):
        return None
    chosen = [version for version in versions if name in (None, version.version)]
    if rescue is not None:
        waiting = sum(version.needs_rescue for version in chosen)
        return waiting if rescue else sum(version.active + version.finished for version in chosen) - waiting
    if state is not None and "*" in state:
        return None
    return sum(
        row.actors
        for version in chosen
        for row in version.states
        if (state is None or state in look.active_paths(row.state)) and status in (None, row.status)
    )


def completions(text: str, versions: Sequence[Version]) -> list[str]:
    """Whole filters that begin as what is typed: its last word completed."""
    *before, word = text.split(" ")
    name, colon, value = word.partition(":")
    if not colon:
        words = [f"{field}:" for field in known_fields()]
    else:
        chosen = [version for version in versions if f"version:{version.version}" in before] or versions
        values: dict[str, list[str]] = {
            "version": [version.version for version in versions],
            "state": sorted({path for one in chosen for row in one.states for path in look.active_paths(row.state)}),
            "status": list(STATUSES),
            "rescue": ["yes", "no"],
        }
        words = [f"{name}:{one}" for one in values.get(name, []) if one.startswith(value)]
    return [" ".join([*before, one]) for one in words if word and one.startswith(word)]
