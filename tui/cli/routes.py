"""``close``, ``deployments``: the end of a route, and how far each change of the routes has come."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Final

from statekeep.protocol import Client
from statekeep.protocol.messages import Close, Deployments
from statekeep.protocol.records import Deployment
from statekeep.tui.cli import plans
from statekeep.tui.cli.arguments import add_command, named
from statekeep.tui.cli.output import bar_for, print_json, show
from statekeep.tui.cli.parser import Subparsers

FIRST_LOOK: Final = 0.01
"""Seconds until a change of the routes is looked at again: most are through by then."""

LOOKS: Final = 0.25
"""Seconds between looks at a long one: a bar that moves, and no load."""


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands about routes."""
    parser = add_command(
        subparsers,
        "close",
        close,
        "  statekeep close loan-v2",
    )
    parser.add_argument("version", type=named, metavar="VERSION", help="the version that the route leads to")
    add_no_wait(parser)
    add_command(
        subparsers,
        "deployments",
        list_deployments,
    )


def add_no_wait(parser: argparse.ArgumentParser) -> None:
    """Add the option not to wait for the cohorts."""
    parser.add_argument(
        "--no-wait", action="store_true", help="end when the change is durable; the last actors follow by themselves"
    )


def close(client: Client, args: argparse.Namespace) -> int:
    """Close a route."""
    closed = client.call(Close(args.version))
    if args.json:
        print_json(closed)
    else:
        show([plans.closed(closed)])
    if not args.no_wait:
        follow(client, closed.position, drawn=not args.json)
    return 0


def list_deployments(client: Client, args: argparse.Namespace) -> int:
    """List the changes of the routes."""
    found = client.call(Deployments())
    if args.json:
        print_json(found)
    else:
        show(plans.deployments(found))
    return 0


def follow(client: Client, position: int, *, drawn: bool) -> bool:
    """Return when the change of the routes at ``position`` has been carried out, and whether that had to be waited for.

    Where somebody looks on, a bar is drawn meanwhile, if it may be.
    """
    sys.stdout.flush()  # what is known already need not wait
    looks = _looks(client, position)
    first = next(looks, None)
    if first is None:
        return False
    with bar_for(first.cohorts, "cohorts", drawn=drawn) as advance:
        advance(first.swept)
        for seen in looks:
            advance(seen.swept)
    return True


def _looks(client: Client, position: int) -> Iterator[Deployment]:
    """Look again and again at a change of the routes, while it is going on."""
    pause = FIRST_LOOK
    while seen := next((one for one in client.call(Deployments()).deployments if one.position == position), None):
        if seen.swept == seen.cohorts:
            return
        yield seen
        time.sleep(pause)
        pause = min(2 * pause, LOOKS)
