"""``verify``: whether every actor is what its events and the deploys make of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any, Final

from statekeep.protocol import Client
from statekeep.protocol.messages import StatusRequest, Verify
from statekeep.protocol.records import Difference, Suspect, VerifyPage
from statekeep.tui.cli.arguments import add_command
from statekeep.tui.cli.blocks import Line, Span, line
from statekeep.tui.cli.failures import Exit
from statekeep.tui.cli.output import bar_for, print_json, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.views import called
from statekeep.tui.cli.wording import count

_SENTENCES: Final[dict[Suspect, str]] = {
    "data_key": "the data key fails authentication",
    "key": "the key fails authentication",
    "context": "the context fails authentication",
    "payload": "the event's payload fails authentication",
    "owner": "the event is another actor's",
    "seal": "the event is not the one that was written",
    "evidence": "rows are missing, were added, or are older than they should be",
    "history": "the event does not continue the one before it",
    "event": "the actor could not have processed the event",
    "lookup": "the key leads elsewhere",
    "cohort": "the actor stands elsewhere than where its last event led",
    "record": "the rows make no sense together",
}


def add_commands(subparsers: Subparsers) -> None:
    """Add the command."""
    add_command(
        subparsers,
        "verify",
        verify,
        "  statekeep verify\n  statekeep verify --json | jq .differences",
    )


def verify(client: Client, args: argparse.Namespace) -> int:
    """Look at all actors, while the daemon goes on, and name each difference."""
    looked_at, differences = 0, list[Difference]()
    with bar_for(client.call(StatusRequest()).actors, "actors") as advance:
        for page in client.pages(Verify(limit=1000)):
            looked_at += page.looked_at
            differences += page.differences
            advance(looked_at)
    if not args.json:
        show(map(_line, differences))
    if args.json:
        print_json(VerifyPage(looked_at=looked_at, differences=differences))
    else:
        outcome = f"{count(len(differences), 'difference')} in {count(looked_at, 'actor')}"
        show([line(Span(outcome, "bad" if differences else "good"))])
    return Exit.REFUSED if differences else Exit.DONE


def _line(found: Difference) -> Line:
    """One difference: whose, what, where, and the two sides of it."""
    what = _SENTENCES.get(found.what, found.what.replace("_", " "))
    place = f" at position {count(found.position)}" if found.position else ""
    ours, theirs = _apart(found.found, found.expected)
    sides = "" if found.found is found.expected is None else f": found {ours}, expected {theirs}"
    whose = called(found.actor, found.key) if found.actor else "the store"
    return line(Span(whose, "strong"), ": ", Span(what, "bad"), place + sides)


def _apart(found: Any, expected: Any) -> Iterable[str]:
    """The two sides as JSON; of two records only the fields that tell them apart."""
    if isinstance(found, dict) and isinstance(expected, dict):
        apart = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
        found, expected = ({name: side.get(name) for name in apart} for side in (found, expected))
    return ("nothing" if side is None else json.dumps(side, ensure_ascii=False) for side in (found, expected))
