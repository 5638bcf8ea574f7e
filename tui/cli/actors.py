"""``spawn``, ``send``, ``deliver``, ``actor``, ``actors``, ``history``: actors and what happens to them."""

from __future__ import annotations

import argparse
import operator
from typing import Any

from msgspec import UNSET

from statekeep.protocol import Client
from statekeep.protocol.messages import Actors, Deliver, Get, History, Send, Spawn
from statekeep.protocol.records import Sent
from statekeep.tui.cli import views
from statekeep.tui.cli.arguments import actor, add_command, add_paging, integer, json_value, named, page_limit
from statekeep.tui.cli.filters import add_filters, filters
from statekeep.tui.cli.output import print_json, print_pages, show
from statekeep.tui.cli.parser import Subparsers


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands about actors."""
    parser = add_command(
        subparsers,
        "spawn",
        spawn_actor,
        """  statekeep spawn loan-v1 --key alice --context '{"applicantId": "A-1"}'""",
    )
    parser.add_argument("version", type=named, metavar="VERSION")
    parser.add_argument("--key", type=named, metavar="K", help="a name of your own for it; no other actor may have it")
    parser.add_argument("--context", type=json_value, metavar="JSON", help="what it is to carry")
    parser.add_argument(
        "--state", type=named, metavar="S", help="start here, for an actor that had a life elsewhere: a dotted path"
    )
    _add_idempotency(parser)

    parser = add_command(
        subparsers,
        "send",
        send_event,
        """  statekeep send alice PAY_FEE --payload '{"cents": 5000}'
  statekeep send alice PAY_FEE --require --expect 1 --patch '{"paid": true}' --idempotency-key payment-4711""",
    )
    _add_event(parser, "an event type of the definition")

    parser = add_command(
        subparsers,
        "deliver",
        deliver_event,
        "  statekeep deliver alice xstate.after.1000.loan.waiting",
    )
    _add_event(parser, "begins with xstate.after., xstate.done.actor., xstate.error.actor. or xstate.snapshot.")

    parser = add_command(subparsers, "actor", get_actor)
    add_actor(parser)

    parser = add_command(
        subparsers,
        "actors",
        list_actors,
        "  statekeep actors --version loan-v1 --state awaiting_docs\n  statekeep actors --all --json\n"
        "  statekeep actors --state 'review.*.open' --order updated --updated-after 2h\n"
        "  statekeep actors --key 'order-2026-*' --needs-rescue",
    )
    add_filters(parser)
    parser.add_argument(
        "--key", type=named, metavar="K", help="only the one with this key; with '*', those with keys of that form"
    )
    parser.add_argument(
        "--order", choices=("id", "updated"), default="id", help="by id, or who had the latest event first"
    )
    add_paging(parser)

    parser = add_command(subparsers, "history", list_events)
    add_actor(parser)
    add_paging(parser)


def _add_event(parser: argparse.ArgumentParser, event: str) -> None:
    add_actor(parser)
    parser.add_argument("event", type=named, metavar="EVENT", help=event)
    parser.add_argument("--payload", type=json_value, metavar="JSON", help="what comes with it")
    parser.add_argument(
        "--patch", type=json_value, default=UNSET, metavar="JSON", help="changes its context, if it handles the event"
    )
    parser.add_argument("--expect", type=integer, metavar="N", help="only if it has processed N events so far")
    parser.add_argument("--require", action="store_true", help="fail if it does not handle the event")
    _add_idempotency(parser)


def _add_idempotency(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--idempotency-key",
        type=named,
        metavar="K",
        help="carry this out once, however often it is repeated with this key",
    )


def add_actor(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the argument that names an actor."""
    parser.add_argument(
        "actor",
        type=actor,
        nargs="?" if optional else None,
        metavar="ACTOR",
        help="its key, or its id if that is all digits; key:17 for a key that is",
    )


def spawn_actor(client: Client, args: argparse.Namespace) -> int:
    """Start an actor."""
    request = Spawn(
        args.version, key=args.key, context=args.context, state=args.state, idempotency_key=args.idempotency_key
    )
    spawned = client.call(request)
    if args.json:
        print_json(spawned)
    else:
        show(views.actor(spawned))
    return 0


def send_event(client: Client, args: argparse.Namespace) -> int:
    """Send an event."""
    return _show_sent(client.call(Send(args.actor, args.event, args.payload, **_demands(args))), args)


def deliver_event(client: Client, args: argparse.Namespace) -> int:
    """Deliver the event of a timer or of an invoked service."""
    return _show_sent(client.call(Deliver(args.actor, args.event, args.payload, **_demands(args))), args)


def _demands(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "context": args.patch,
        "expect": args.expect,
        "require": args.require,
        "idempotency_key": args.idempotency_key,
    }


def _show_sent(sent: Sent, args: argparse.Namespace) -> int:
    if args.json:
        print_json(sent)
    else:
        show([views.sent(sent, str(args.actor), args.event)])
    return 0


def get_actor(client: Client, args: argparse.Namespace) -> int:
    """Show an actor."""
    found = client.call(Get(args.actor))
    if args.json:
        print_json(found)
    else:
        show(views.actor(found))
    return 0


def list_actors(client: Client, args: argparse.Namespace) -> int:
    """List actors."""
    request = Actors(**filters(args), key=args.key, order=args.order, cursor=args.cursor, limit=page_limit(args))
    print_pages(client, args, request, operator.attrgetter("actors"), views.actors)
    return 0


def list_events(client: Client, args: argparse.Namespace) -> int:
    """List an actor's events."""
    request = History(args.actor, cursor=args.cursor, limit=page_limit(args))
    print_pages(client, args, request, operator.attrgetter("events"), views.history)
    return 0
