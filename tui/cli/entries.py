"""What ``import`` reads, whatever it comes from: actors with a key, a state or events, and a context.

A line is one of: what ``export`` writes; a row of somebody's own table, ``key, state, context``; a persisted snapshot
of XState 5, or a state of XState 4 as it was stored. What does not fit is refused with the reason, and the others go
on.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TextIO

import msgspec
from msgspec import UNSET

from statekeep.daemon.statecharts import START, start_event
from statekeep.daemon.statecharts.targets import split
from statekeep.protocol.records import Record, StateValue

_V4: Final = frozenset({"_event", "_sessionid", "actions", "activities", "configuration", "transitions"})
"""What only a stored state of XState 4 has."""


class Event(Record, frozen=True, forbid_unknown_fields=True):
    """An event that an actor has processed."""

    event: str
    payload: Any = None
    context: Any = UNSET
    """The patch that came with it."""


class Entry(NamedTuple):
    """An actor to be made."""

    line: int
    key: str
    version: str
    context: Any
    state: StateValue | None
    events: list[Event]

    @property
    def history(self) -> list[str]:
        """The event types that the actor will have."""
        started = [] if self.state is None else [start_event(self.state)]
        return started + [event.event for event in self.events]


class Misfit(NamedTuple):
    """A line that can't be imported, and why."""

    line: int
    key: str
    reason: str


class _Unfit(Exception):
    """Why."""


def read(file: TextIO, form: str, version: str | None, histories: frozenset[str]) -> Iterator[Entry | Misfit]:
    """Every line of a file, as an actor or as a misfit.

    ``form`` is ``csv`` or ``jsonl``; ``version`` is where actors go whose line does not say; ``histories`` are the
    versions whose definitions have history states.
    """
    for number, found in _rows(file) if form == "csv" else _objects(file):
        key = str(found.get("key") or "") if isinstance(found, Mapping) else ""
        try:
            yield _entry(number, found, version, histories)
        except (_Unfit, ValueError, msgspec.ValidationError) as problem:
            yield Misfit(number, key, str(problem))


def _rows(file: TextIO) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(file)
    for row in reader:
        given: dict[str, Any] = {name: text for name, text in row.items() if name is not None and text}
        try:
            given |= {"context": json.loads(given["context"])} if "context" in given else {}
        except ValueError as problem:
            yield reader.line_num, f"its context is not JSON: {problem}"
        else:
            yield reader.line_num, given


def _objects(file: TextIO) -> Iterator[tuple[int, Any]]:
    for number, text in enumerate(file, 1):
        if text.strip():
            try:
                yield number, json.loads(text)
            except ValueError as problem:
                yield number, f"not JSON: {problem}"


def _entry(number: int, found: Any, version: str | None, histories: frozenset[str]) -> Entry:
    if not isinstance(found, Mapping):
        raise _Unfit(found if isinstance(found, str) else "not an object")
    row = dict(found)
    if "snapshot" in row:
        row |= _snapshot(row.pop("snapshot"), str(row.get("version") or version) in histories)
    elif "value" in row:
        row |= _snapshot(row, str(row.get("version") or version) in histories)
    key, onto = row.get("key"), row.get("version") or version
    if key is None and isinstance(row.get("id"), int):
        key = f"actor-{row['id']}"  # an export of an actor that has none
    if not isinstance(key, str) or not key:
        raise _Unfit("it has no key; a key is what makes a repeated import change nothing")
    if not isinstance(onto, str):
        raise _Unfit("it names no version; say --version for all that do not")
    events = msgspec.convert(row.get("events", []), list[Event])
    state = _value(row["state"]) if row.get("state") else None
    if events and events[0].event.startswith(START):
        state, events = _started(events[0].event), events[1:]
    return Entry(number, key, onto, row.get("context"), state, events)


def _value(state: Any) -> StateValue:
    """A state in a cell or an object; an object in a cell is JSON."""
    if isinstance(state, str) and state.startswith("{"):
        state = json.loads(state)
    if not isinstance(state, str | dict):
        raise _Unfit("its state is neither text nor an object")
    return state


def _started(event: str) -> StateValue:
    """The state that a start names; several paths become one value."""
    paths = event.removeprefix(START).split(" + ")
    if len(paths) == 1:
        return paths[0]
    value: dict[str, Any] = {}
    for path in paths:
        below = value
        for key in split(path):
            below = below.setdefault(key, {})
    return value


def _snapshot(found: Any, history: bool) -> dict[str, Any]:
    """State and context of a persisted snapshot of XState. ``history``: its definition has history states."""
    if not isinstance(found, Mapping) or "value" not in found:
        raise _Unfit("its snapshot has no value")
    if _V4 & found.keys():
        children, status = found.get("children"), "done" if found.get("done") else "active"
        recorded = history and found.get("historyValue")
    else:
        children, status = found.get("children"), found.get("status", "active")
        recorded = found.get("historyValue")
    if status not in {"active", "done"}:
        raise _Unfit(f"its snapshot has the status {status}; only what is active or done can start in a state")
    if children:
        raise _Unfit(f"its snapshot has actors of its own ({', '.join(children)}), whose state would be lost")
    if recorded:
        raise _Unfit("its snapshot has recorded history states, which no start can restore")
    return {"state": found["value"], "context": found.get("context")}
