"""``doctor``: looks at everything that a daemon needs, and says what would mend what is wrong."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from statekeep.protocol import Client
from statekeep.protocol.records import Record
from statekeep.tui.cli.arguments import add_local
from statekeep.tui.cli.blocks import Block, Column, Rows, Span, Style, line
from statekeep.tui.cli.checks import Check, Level, configuration, daemon, evaluator, path_of_socket, restorable, units
from statekeep.tui.cli.failures import Exit
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.wording import count

PATIENCE: Final = 5.0
"""Seconds that a daemon may take to answer."""

_MARKS: Final[dict[Level, tuple[str, Style]]] = {
    "good": ("ok", "good"),
    "unknown": ("?", "quiet"),
    "warning": ("warning", "waiting"),
    "bad": ("wrong", "bad"),
}


class Report(Record, frozen=True):
    """What ``--json`` prints."""

    checks: list[Check]


def add_commands(subparsers: Subparsers) -> None:
    """Add ``doctor``."""
    parser = add_local(
        subparsers,
        "doctor",
        examine,
        "  statekeep doctor\n  statekeep doctor --json --backup /var/backups/statekeep/today.db",
    )
    parser.add_argument(
        "--backup",
        type=Path,
        metavar="FILE",
        help="try out, too, whether this backup, or what is shipped to this directory, can be restored",
    )


def examine(args: argparse.Namespace) -> int:
    """Make all checks; 0 if all is well, 1 with warnings, 2 if something is wrong."""
    checks = list(_checks(args.socket))
    if args.backup is not None:
        checks += restorable(args.backup)
    if args.json:
        print_json(Report(checks))
    else:
        show(_view(checks))
    levels = {check.level for check in checks}
    return Exit.UNUSABLE if "bad" in levels else Exit.REFUSED if "warning" in levels else Exit.DONE


def _checks(socket: str) -> Iterator[Check]:
    yield from configuration()
    yield from evaluator()
    reached = list(path_of_socket(socket))
    yield from reached
    if all(check.level == "good" for check in reached):
        with closing(Client(socket, timeout=PATIENCE)) as client:
            yield from daemon(client)
    yield from units()


def _view(checks: list[Check]) -> Iterator[Block]:
    columns = (Column("", whole=True), Column("", whole=True), Column(""))
    rows: list[tuple[Span, Span, str]] = []
    for check in checks:
        rows.append((Span(*_MARKS[check.level]), Span(check.name, "strong"), check.found))
        if check.fix:
            rows.append((Span(""), Span("  to do", "quiet"), check.fix))
    yield Rows(columns, rows)
    wrong = sum(check.level == "bad" for check in checks)
    warnings = sum(check.level == "warning" for check in checks)
    if wrong or warnings:
        yield line(Span(f"{count(wrong)} wrong, {count(warnings, 'warning')}.", "bad" if wrong else "waiting"))
    else:
        yield line(Span("All is well.", "good"))
