"""``export`` and ``import``: actors with their events and contexts, out of one store and into another."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

from msgspec import UNSET

from statekeep.protocol import Client
from statekeep.protocol.errors import DamagedActor
from statekeep.protocol.messages import Actors, Get, History, StatusRequest
from statekeep.protocol.records import Actor, EventRecord, Record
from statekeep.tui.cli import exports
from statekeep.tui.cli.arguments import add_command, named
from statekeep.tui.cli.failures import Exit
from statekeep.tui.cli.output import bar_for
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.wording import left_out

CHUNK: Final = 200
"""Actors that are on their way at once."""

BATCH: Final = 1000
"""Requests of one batch, as many as the daemon takes."""

T = TypeVar("T")


class Exported(Record, frozen=True, kw_only=True):
    """A line of an export."""

    id: int
    key: str | None = None
    version: str
    """Where it was spawned."""
    events: list[dict[str, Any]]
    context: Any = None
    now: dict[str, Any]
    """Where that has led, for people: an import goes by the events."""


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands."""
    parser = add_command(
        subparsers,
        "export",
        export,
        "  statekeep export actors.jsonl\n  statekeep export - --version loan-v1 | gzip > actors.jsonl.gz",
    )
    parser.add_argument("file", metavar="FILE", help="what to write, or - for stdout")
    parser.add_argument("--version", type=named, metavar="V", help="only those on this version")
    parser = add_command(
        subparsers,
        "import",
        import_,
        "  statekeep import actors.jsonl\n  statekeep import loans.csv --version loan-v1",
    )
    parser.add_argument("file", metavar="FILE", help="a .csv with the columns key, state and context, else JSON lines")
    parser.add_argument("--version", type=named, metavar="V", help="where those go whose line does not say")
    parser.add_argument("--format", choices=("csv", "jsonl"), help="else by the end of the name")


def export(client: Client, args: argparse.Namespace) -> int:
    """Write actors; 1 if there were some that can't be read."""
    total = client.call(StatusRequest()).actors
    damaged: list[int] = []
    with bar_for(total, "actors", drawn=args.file != "-") as advance:
        lines = _counted(_exported(client, args.version, damaged), advance)
        exports.export(Exported, lines, args.file, "jsonl")
    for told in left_out(0, len(damaged)):
        print(told, file=sys.stderr)
    return Exit.REFUSED if damaged else Exit.DONE


def _exported(client: Client, version: str | None, damaged: list[int]) -> Iterator[Exported]:
    pages = client.pages(Actors(version=version, limit=BATCH))
    ids = (actor.id for page in pages for actor in page.actors)
    while some := list(islice(ids, CHUNK)):
        for number, actor in zip(some, client.call_many([Get(one) for one in some]), strict=True):
            if isinstance(actor, Actor):  # else it was erased meanwhile, or can't be read
                yield _line(client, actor)
            elif isinstance(actor, DamagedActor):
                damaged.append(number)


def _line(client: Client, actor: Actor) -> Exported:
    pages = list(client.pages(History(actor.id, limit=BATCH)))
    return Exported(
        key=actor.key,
        id=actor.id,
        version=pages[0].spawned_on,
        events=[_event(event) for page in pages for event in page.events],
        context=actor.context,
        now={"version": actor.version, "state": actor.state, "status": actor.status},
    )


def _event(event: EventRecord) -> dict[str, Any]:
    patch = {} if event.context is UNSET else {"context": event.context}
    payload = {} if event.payload is None else {"payload": event.payload}
    return {"event": event.event, **payload, **patch}


def import_(client: Client, args: argparse.Namespace) -> int:
    """Make actors; 1 if there were misfits."""
    from statekeep.tui.cli.importing import import_file  # noqa: PLC0415 - with the interpreter of definitions

    return import_file(client, args)


def _counted(things: Iterator[T], advance: Callable[[int], None]) -> Iterator[T]:
    for number, thing in enumerate(things, 1):
        yield thing
        if number % CHUNK == 0:
            advance(number)
