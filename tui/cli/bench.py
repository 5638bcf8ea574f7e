"""``bench``: how many durable events a second a daemon takes, and how long each waits."""

from __future__ import annotations

import argparse
import math
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final

from statekeep.protocol import Client
from statekeep.protocol.messages import Deploy, Get, Request, Send
from statekeep.tui.cli.arguments import add_command
from statekeep.tui.cli.blocks import Block, Column, Rows, Span, facts, line
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.load import Measured, apply, frame
from statekeep.tui.cli.output import bar_for, print_json, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.wording import count

STEPS: Final = 6
RING: Final[dict[str, Any]] = {
    "initial": "s0",
    "states": {f"s{n}": {"on": {"NEXT": f"s{(n + 1) % STEPS}"}} for n in range(STEPS)},
}
"""A machine that takes the same event for ever."""

WIDTH: Final = 40
_PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


def add_commands(subparsers: Subparsers) -> None:
    """Add ``bench``."""
    parser = add_command(
        subparsers,
        "bench",
        measure,
        "  statekeep bench\n  statekeep bench --connections 50 --under-way 16 --seconds 10",
    )
    parser.add_argument("--connections", type=_positive, default=1, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--under-way", type=_positive, default=1, metavar="M", help="requests under way on each (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=_positive, default=5, metavar="S", help="default: %(default)s")
    parser.add_argument(
        "--read", action="store_true", help="look at actors instead of sending events: nothing has to be durable"
    )
    parser.epilog = (
        f"{parser.epilog}\n\nIt deploys a version of its own, bench-..., and spawns an actor on it for each "
        "connection. They stay:\ntry it on a daemon of its own, such as `statekeepd --data DIR --socket DIR/s`."
    )


def measure(client: Client, args: argparse.Namespace) -> int:
    """Spawn an actor for each connection, and send to each for so long."""
    version = f"bench-{secrets.token_hex(4)}"
    client.call(Deploy(version, RING))
    actors = [client.spawn(version).id for _ in range(args.connections)]
    requests: list[Request[Any]] = [Get(actor) if args.read else Send(actor, "NEXT") for actor in actors]
    try:
        with bar_for(args.seconds * 10, "tenths of a second") as moved:
            load = [[frame(each)] for each in requests]
            found = apply(args.socket, load, args.under_way, args.seconds, lambda passed: moved(int(passed * 10)))
    except (OSError, TimeoutError) as problem:
        advice = "`statekeep status` says whether the daemon still answers."
        raise UnusableInput(f"The load broke off: {problem}.", f"load {args.socket}", advice) from problem
    if args.json:
        figures = {name: found.percentile(share) for name, share in _PERCENTILES.items()}
        print_json({"per_second": found.rate, "milliseconds": figures, "refused": found.refused})
    else:
        show(_view(found, args))
    return 1 if found.refused else 0


def _view(found: Measured, args: argparse.Namespace) -> Iterator[Block]:
    what = "looks at actors" if args.read else "durable events"
    load = f"{count(args.connections, 'connection')}, {args.under_way} under way on each, {args.seconds} s"
    yield line(Span(f"{found.rate:,.0f} {what} a second", "strong"), f" ({load})")
    yield facts(*((name, f"{found.percentile(share):,.2f} ms") for name, share in _PERCENTILES.items()))
    if found.refused:
        yield line(Span(f"{found.refused:,} answers were errors", "bad"))
    buckets = _histogram(found.latencies)
    most = max(answers for _, answers in buckets)
    rows = [
        (
            f"{upper:,.2f} ms",
            Span("█" * max(1, round(WIDTH * answers / most)) if answers else "", "good"),
            f"{answers:,}",
        )
        for upper, answers in buckets
    ]
    yield Rows((Column("within", number=True), Column(""), Column("answers", number=True)), rows, 2)


def _histogram(latencies: Sequence[float]) -> list[tuple[float, int]]:
    """(Upper edge in ms, answers) of buckets that each reach half as far again as the one before."""
    if not latencies:
        return [(0.0, 0)]

    def bucket(latency: float) -> int:
        return math.ceil(math.log(max(latency, 1e-3), 1.5))

    counts: dict[int, int] = {}
    for latency in latencies:
        counts[bucket(latency)] = counts.get(bucket(latency), 0) + 1
    return [(1.5**number, counts.get(number, 0)) for number in range(min(counts), max(counts) + 1)]


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 100_000):
        raise argparse.ArgumentTypeError("it must be a whole number from 1 to 100,000")
    return int(text)
