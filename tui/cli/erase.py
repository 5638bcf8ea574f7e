"""``erase``: everything of an actor, for good, and only when somebody means it."""

from __future__ import annotations

import argparse
import sys

from statekeep.protocol import Client
from statekeep.protocol.errors import ActorErased
from statekeep.protocol.messages import ActorRef, Erase, Get
from statekeep.protocol.records import Erased
from statekeep.tui.cli.actors import add_actor
from statekeep.tui.cli.arguments import add_command
from statekeep.tui.cli.blocks import Line, Span, line
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.views import called
from statekeep.tui.cli.wording import count, moment, printable, state


def add_commands(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "erase",
        erase,
        "  statekeep erase alice\n  statekeep erase 17 --yes",
    )
    add_actor(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask first")


def erase(client: Client, args: argparse.Namespace) -> int:
    """Erase an actor, if it is confirmed by its name."""
    if not args.yes:
        _confirm(client, args.actor)
    erased = client.call(Erase(args.actor))
    if args.json:
        print_json(erased)
    else:
        show(_told(erased, args.actor))
    return 0


def _told(erased: Erased, actor: ActorRef) -> list[Line]:
    name = called(erased.id, actor if isinstance(actor, str) else None)
    return [
        line(Span(name, "strong"), f" was erased at position {count(erased.position)}, {moment(erased.time)}."),
        line(Span("Backups and exports that were made before hold it still.", "quiet")),
    ]


def _confirm(client: Client, reference: ActorRef) -> None:
    """Let a person type the actor's name. Raises ``UnusableInput`` if there is no person, or the name is another."""
    try:
        found = client.call(Get(reference))
    except ActorErased:
        return  # nothing is left to lose: the daemon is asked whether it is done
    name = found.key or str(found.id)
    advice = f"To erase it, type {name!r} when you are asked, or say --yes."
    if not sys.stdin.isatty():
        raise UnusableInput(f"An erasure of {called(found.id, found.key)} must be confirmed.", "ask on stdin", advice)
    where = f"{state(found.state)} on {found.version}, {count(found.events, 'event')}"
    question = f"{called(found.id, found.key)}, {where}: all of it will be destroyed, and nothing brings it back."
    print(printable(question), f"Type {printable(name)} to erase it: ", sep="\n", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != name:
        raise UnusableInput("That is not its name; nothing was erased.", "read the confirmation", advice)
