"""The options that say which actors are meant, for ``actors`` and ``count``."""

from __future__ import annotations

import argparse
import re
import time
from datetime import datetime
from typing import Any, Final, get_args

from statekeep.protocol.records import Status
from statekeep.tui.cli.arguments import named

TIMES: Final = "15m, 2h or 7d ago, a date such as 2026-03-01T12:00, or milliseconds since 1970"
"""How a time may be written."""

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the filters that pages and counts have in common."""
    parser.add_argument("--version", type=named, metavar="V", help="only those on this version")
    parser.add_argument(
        "--state",
        type=named,
        metavar="S",
        help="only those in this state, leaf or parent: a dotted path such as review.legal, in which '*' is any one "
        "segment and '**' any run of them",
    )
    parser.add_argument("--tag", type=named, metavar="T", help="only those in a state with this tag")
    parser.add_argument("--status", choices=get_args(Status), metavar="S", help=f"one of {', '.join(get_args(Status))}")
    parser.add_argument(
        "--needs-rescue", action=argparse.BooleanOptionalAction, help="only those that a landing was refused, or not"
    )
    parser.add_argument(
        "--updated-after", type=moment, metavar="TIME", help=f"only those whose last event came since: {TIMES}"
    )
    parser.add_argument("--updated-before", type=moment, metavar="TIME", help="only those whose last event came before")


def filters(args: argparse.Namespace) -> dict[str, Any]:
    """What was asked for, as the fields of a request."""
    names = ("version", "state", "tag", "status", "needs_rescue", "updated_after", "updated_before")
    return {name: getattr(args, name) for name in names}


def moment(text: str) -> int:
    """Milliseconds since 1970 of a time as a person writes it; without a zone it is local."""
    if text.isascii() and text.isdigit():
        return int(text)
    if ago := re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII):
        return max(0, time.time_ns() // 1_000_000 - int(ago[1]) * _UNITS[ago[2]] * 1_000)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; write 15m, 2h or 7d, 2026-03-01T12:00, or milliseconds since 1970"
        ) from None
