"""``definition``, ``show``, ``diff``: what a version is made of, as text, as a drawing, and beside another."""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

from statekeep.protocol import Client
from statekeep.protocol.messages import Definition
from statekeep.protocol.records import DefinitionText
from statekeep.tui.cli.arguments import add_command, named
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.output import print_json
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.wording import printable

FORMS: Final = ("outline", "mermaid", "scxml", "json")


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands about what is in a version."""
    parser = add_command(
        subparsers,
        "definition",
        print_definition,
        "  statekeep definition loan-v1 > loan-v1.json",
    )
    parser.add_argument("version", type=named, metavar="VERSION")
    parser = add_command(
        subparsers,
        "show",
        draw_definition,
        "  statekeep show loan-v1\n  statekeep show loan-v1 --as mermaid > loan.mmd",
    )
    parser.add_argument("version", type=named, metavar="VERSION")
    parser.add_argument("--as", dest="form", choices=FORMS, default="outline", help="default: %(default)s")
    parser = add_command(
        subparsers,
        "diff",
        print_changes,
        "  statekeep diff loan-v2\n  statekeep diff loan-v2 loan-v1",
    )
    parser.add_argument("version", type=named, metavar="VERSION")
    parser.add_argument("other", type=named, metavar="OTHER", nargs="?", help="the older one (default: the parent)")


def print_definition(client: Client, args: argparse.Namespace) -> int:
    """Print a definition."""
    found = client.call(Definition(args.version))
    if args.json:
        print_json(found)
    else:
        print(_indented(found.definition))
    return 0


def draw_definition(client: Client, args: argparse.Namespace) -> int:
    """Draw a definition."""
    found = client.call(Definition(args.version))
    if args.json:
        print_json(found)
    else:
        print(printable(_drawn(found, args.form)))
    return 0


def print_changes(client: Client, args: argparse.Namespace) -> int:
    """Print the differences of two definitions, a line each."""
    new = client.call(Definition(args.version))
    if (older := args.other or new.parent) is None:
        raise UnusableInput(
            f"{args.version} has no parent to be compared with.",
            f"statekeep diff {args.version}",
            f"Name another version: statekeep diff {args.version} OTHER.",
        )
    old = client.call(Definition(older))
    from statekeep.daemon.statecharts import diff, load  # noqa: PLC0415 - for those who compare

    changes = diff(*(load(found.definition, guards=found.guards) for found in (old, new)))
    for change in changes:
        if args.json:
            print_json(change)
        else:
            print(printable(str(change)))
    if not (changes or args.json):
        print(f"{args.version} has the states and transitions of {older}.")
    return 0


def _drawn(found: DefinitionText, form: str) -> str:
    if form == "json":
        return _indented(found.definition)
    from statekeep.daemon.statecharts import load, mermaid, outline, scxml  # noqa: PLC0415 - for those who draw

    draw = {"outline": outline, "mermaid": mermaid, "scxml": scxml}[form]
    return draw(load(found.definition, guards=found.guards))


def _indented(definition: dict[str, Any]) -> str:
    return json.dumps(definition, indent=2, ensure_ascii=False)
