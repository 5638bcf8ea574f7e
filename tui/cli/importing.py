"""What ``import`` does with the entries that it reads: makes what is not there, and goes on with what was begun."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from statekeep.daemon.statecharts import load
from statekeep.protocol import Client
from statekeep.protocol.errors import KeyExists, StatekeepError, from_body
from statekeep.protocol.messages import Batch, Definition, Deliver, History, Send, Spawn
from statekeep.protocol.records import Record
from statekeep.tui.cli.blocks import Block, Line, Span, line
from statekeep.tui.cli.entries import Entry, Event, Misfit, read
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.moving import BATCH, CHUNK
from statekeep.tui.cli.output import bar_for, print_json, show
from statekeep.tui.cli.wording import count

_SHOWN: Final = 20
"""Misfits that are named on a terminal; ``--json`` has them all."""

_INTERNAL: Final = "xstate."


class Imported(Record, frozen=True, kw_only=True):
    """What ``--json`` prints of an import."""

    made: int
    continued: int
    """Those that an import before this one had begun."""
    unchanged: int
    events: int
    misfits: list[dict[str, Any]]


def import_file(client: Client, args: argparse.Namespace) -> int:
    """Make actors; 1 if there were misfits."""
    form = args.format or ("csv" if args.file.endswith(".csv") else "jsonl")
    if args.version is not None:
        client.call(Definition(args.version))  # refused once, and not once a line
    work = _Import(client)
    with _opened(args.file) as (file, lines), bar_for(lines, "lines") as advance:
        entries = iter(read(file, form, args.version, _with_history_states(client)))
        while some := list(islice(entries, CHUNK)):
            work.take(some)
            advance(some[-1].line)
    if args.json:
        print_json(work.result())
    else:
        show(_view(work.result()))
    return Exit.REFUSED if work.misfits else Exit.DONE


class _Import:
    """Makes actors, a chunk at a time. What a chunk before a crash has made is found again by its keys."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.made = self.continued = self.unchanged = self.events = 0
        self.misfits: list[Misfit] = []

    def take(self, entries: Sequence[Entry | Misfit]) -> None:
        self.misfits += [entry for entry in entries if isinstance(entry, Misfit)]
        found = [entry for entry in entries if isinstance(entry, Entry)]
        left: list[tuple[Entry, int]] = []
        spawns = [Spawn(one.version, one.key, one.context, one.state) for one in found]
        for entry, made in zip(found, self._batch(spawns), strict=True):
            if not isinstance(made, StatekeepError):
                self.made += 1
                left.append((entry, len(entry.history) - len(entry.events)))
            elif isinstance(made, KeyExists):
                left += self._begun(entry)
            else:
                self._refuse(entry, made)
        self._send(left)

    def _begun(self, entry: Entry) -> list[tuple[Entry, int]]:
        """What is left of an actor that is there: if it is the one that is meant, the events that it has not had."""
        pages = list(self._client.pages(History(entry.key, limit=BATCH)))
        there = [event.event for page in pages for event in page.events]
        if pages[0].spawned_on != entry.version or there[: len(entry.history)] != entry.history[: len(there)]:
            self.misfits.append(Misfit(entry.line, entry.key, "the key belongs to an actor with another history"))
            return []
        if len(there) >= len(entry.history):
            self.unchanged += 1
            return []
        self.continued += 1
        return [(entry, len(there))]

    def _send(self, left: Sequence[tuple[Entry, int]]) -> None:
        """Send the events of each from its number on, in their order, each at the place that it had."""
        sends, whose = list[Send | Deliver](), list[Entry]()
        for entry, done in left:
            started = len(entry.history) - len(entry.events)
            for number, event in enumerate(entry.events[done - started :], done):
                sends.append(_request(entry.key, event, number))
                whose.append(entry)
        refused: set[str] = set()
        for entry, sent in zip(whose, self._batch(sends), strict=True):
            if not isinstance(sent, StatekeepError):
                self.events += 1
            elif entry.key not in refused:  # what follows is refused for the same reason
                refused.add(entry.key)
                self._refuse(entry, sent)

    def _batch(self, requests: Sequence[Spawn | Send | Deliver]) -> Iterator[Record | StatekeepError]:
        for first in range(0, len(requests), BATCH):
            for result in self._client.call(Batch(list(requests[first : first + BATCH]))).results:
                yield result.ok if result.error is None else from_body(result.error)

    def _refuse(self, entry: Entry, error: StatekeepError) -> None:
        self.misfits.append(Misfit(entry.line, entry.key, str(error)))

    def result(self) -> Imported:
        return Imported(
            made=self.made,
            continued=self.continued,
            unchanged=self.unchanged,
            events=self.events,
            misfits=[misfit._asdict() for misfit in self.misfits],
        )


def _request(key: str, event: Event, number: int) -> Send | Deliver:
    kind = Deliver if event.event.startswith(_INTERNAL) else Send
    return kind(key, event.event, event.payload, context=event.context, expect=number, require=True)


def _with_history_states(client: Client) -> frozenset[str]:
    """The versions whose definitions have history states: what XState 4 has recorded matters to these alone."""
    found = (client.call(Definition(version.version)) for version in client.versions().versions)
    charts = ((each.version, load(each.definition, guards=each.guards)) for each in found)
    return frozenset(version for version, chart in charts if any(node.kind == "history" for node in chart.nodes))


@contextmanager
def _opened(name: str) -> Iterator[tuple[TextIO, int]]:
    """A file and the number of its lines; 0 if that can't be known."""
    if name == "-":
        yield sys.stdin, 0
        return
    try:
        with Path(name).open(encoding="utf-8", newline="") as file:
            lines = sum(1 for _ in file)
            file.seek(0)
            yield file, lines
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8"
        advice = "Name a file of JSON lines or CSV, or - for stdin."
        raise UnusableInput(f"{name} can't be read: {reason}.", f"read {name}", advice) from problem


def _view(done: Imported) -> Iterator[Block]:
    text = f"{count(done.made, 'actor')} made, {count(done.continued)} continued, {count(done.unchanged)} unchanged"
    yield line(Span(text, "strong"), f"; {count(done.events, 'event')} sent.")
    if done.misfits:
        yield Line()
        yield line(Span(f"{count(len(done.misfits), 'line')} not imported:", "bad"))
    for misfit in done.misfits[:_SHOWN]:
        whose = f" ({misfit['key']})" if misfit["key"] else ""
        yield line(f"line {misfit['line']}{whose}: {misfit['reason']}", indent=2)
    if len(done.misfits) > _SHOWN:
        yield line(f"and {count(len(done.misfits) - _SHOWN)} more; --json has them all", indent=2)
