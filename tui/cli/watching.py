"""``count``, ``tail``, ``stats``: how many there are, what happens, and how the daemon fares."""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from typing import get_args

from statekeep.protocol import Client
from statekeep.protocol.messages import CountRequest, Stats
from statekeep.protocol.records import NoticeKind
from statekeep.tui.cli import happenings
from statekeep.tui.cli.arguments import actor, add_command, named, positive
from statekeep.tui.cli.filters import add_filters, filters
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.parser import Subparsers


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands."""
    parser = add_command(
        subparsers,
        "count",
        count,
        "  statekeep count --version loan-v1\n  statekeep count --state 'review.**' --updated-after 2h",
    )
    add_filters(parser)

    parser = add_command(
        subparsers,
        "tail",
        tail,
        "  statekeep tail --kind migrated --kind finished\n"
        "  statekeep tail --after 0 --actor alice --json     from the beginning\n"
        "  statekeep tail --after 6153 --number 1            the first thing after position 6153",
    )
    parser.add_argument("--after", metavar="TOKEN", help="a position, or the token of a notice (default: from now on)")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        choices=get_args(NoticeKind),
        metavar="K",
        help=f"only this kind; may be given more than once: {', '.join(get_args(NoticeKind))}",
    )
    parser.add_argument("--actor", type=actor, metavar="ACTOR", help="only this actor, by key or id")
    parser.add_argument("--version", type=named, metavar="V", help="only what has to do with this version")
    parser.add_argument("--number", type=positive, metavar="N", help="end after so many")

    add_command(subparsers, "stats", stats)


def count(client: Client, args: argparse.Namespace) -> int:
    """Count actors."""
    found = client.call(CountRequest(**filters(args)))
    if args.json:
        print_json(found)
    else:
        show(happenings.counts(found))
    return 0


def tail(client: Client, args: argparse.Namespace) -> int:
    """Show what happens."""
    with client.watch(args.after, kinds=args.kind, actor=args.actor, version=args.version) as watch:
        for number, notice in enumerate(islice(watch, args.number)):
            if args.json:
                print_json(notice, header=not number)
            else:
                show([happenings.notice(notice)])
            sys.stdout.flush()  # whoever looks on, or reads a pipe, has it now
    return 0


def stats(client: Client, args: argparse.Namespace) -> int:
    """Show how the daemon fares."""
    found = client.call(Stats())
    if args.json:
        print_json(found)
    else:
        show(happenings.statistics(found))
    return 0
