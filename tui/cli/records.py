"""``decisions``, ``status``: what the daemon did and why, and how it is."""

from __future__ import annotations

import argparse
import operator
import sys
from collections.abc import Iterator
from typing import get_args

import msgspec

from statekeep.protocol import Client
from statekeep.protocol.messages import Decisions, StatusRequest
from statekeep.protocol.records import Decision, DecisionPage, Outcome
from statekeep.tui.cli import views
from statekeep.tui.cli.actors import add_actor
from statekeep.tui.cli.arguments import add_command, add_paging, named, page_limit
from statekeep.tui.cli.exports import Format, export, format_of
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.filters import TIMES, moment
from statekeep.tui.cli.output import print_json, print_pages, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.wording import left_out


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands about decisions and the daemon itself."""
    parser = add_command(
        subparsers,
        "decisions",
        list_decisions,
        "  statekeep decisions alice\n  statekeep decisions --route loan-v2 --outcome pending --since 2h\n"
        "  statekeep decisions --route loan-v2 --export decisions.csv",
    )
    add_actor(parser, optional=True)
    parser.add_argument("--route", type=named, metavar="R", help="about the route to this version, actor by actor")
    parser.add_argument("--outcome", choices=get_args(Outcome), metavar="O", help=", ".join(get_args(Outcome)))
    parser.add_argument("--since", type=moment, metavar="TIME", help=f"only those made since: {TIMES}")
    parser.add_argument("--until", type=moment, metavar="TIME", help="only those made before")
    parser.add_argument(
        "--export", metavar="FILE", help="write all of them to FILE.csv or FILE.jsonl, or to stdout for - with --format"
    )
    parser.add_argument("--format", choices=get_args(Format), help="how to write them, if FILE does not say")
    add_paging(parser)
    add_command(subparsers, "status", show_status)


def list_decisions(client: Client, args: argparse.Namespace) -> int:
    """List decisions: each in full for an actor, a line each for a route."""
    if (args.actor is None) == (args.route is None):
        raise UnusableInput(
            "Decisions are about an actor or about a route.", "read the arguments", "Name one: ACTOR, or --route R."
        )
    request = Decisions(
        actor=args.actor,
        route=args.route,
        outcome=args.outcome,
        since=args.since,
        until=args.until,
        cursor=args.cursor,
        limit=page_limit(args),
    )
    if args.export is not None:
        form = format_of(args.export, args.format)
        pages = _counted(client.pages(msgspec.structs.replace(request, limit=1000)))
        export(Decision, (made for page in pages for made in page.decisions), args.export, form)
        return 0
    view = views.route if args.actor is None else views.decisions
    print_pages(client, args, request, operator.attrgetter("decisions"), view)
    return 0


def _counted(pages: Iterator[DecisionPage]) -> Iterator[DecisionPage]:
    """Say on stderr how many actors are left out, of whom no decision is left or none can be read."""
    erased = damaged = 0
    for page in pages:
        yield page
        erased += len(page.erased)
        damaged += len(page.damaged)
    for told in left_out(erased, damaged):
        print(told, file=sys.stderr)


def show_status(client: Client, args: argparse.Namespace) -> int:
    """Show the daemon's figures."""
    found = client.call(StatusRequest())
    if args.json:
        print_json(found)
    else:
        show(views.status(found))
    return 0
