"""``definition``, ``show``: what a version is made of, as text and as a drawing."""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

from statekeep.protocol import Client
from statekeep.protocol.messages import Definition
from statekeep.tui.cli.arguments import Subparsers, add_command
from statekeep.tui.cli.output import print_json
from statekeep.tui.cli.wording import printable

FORMS: Final = ("outline", "mermaid", "scxml", "json")


def add_commands(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the commands about what is in a version."""
    parser = add_command(
        subparsers,
        "definition",
        print_definition,
        "print the definition of a version as it was deployed",
        "  statekeep definition loan-v1 > loan-v1.json",
    )
    parser.add_argument("version", metavar="VERSION")
    parser = add_command(
        subparsers,
        "show",
        draw_definition,
        "draw the definition of a version",
        "  statekeep show loan-v1\n  statekeep show loan-v1 --as mermaid > loan.mmd",
    )
    parser.add_argument("version", metavar="VERSION")
    parser.add_argument("--as", dest="form", choices=FORMS, default="outline", help="default: %(default)s")


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
        print(printable(_drawn(found.definition, args.form)))
    return 0


def _drawn(definition: dict[str, Any], form: str) -> str:
    if form == "json":
        return _indented(definition)
    from statekeep.daemon.statecharts import load, mermaid, outline, scxml  # noqa: PLC0415 - for those who draw

    return {"outline": outline, "mermaid": mermaid, "scxml": scxml}[form](load(definition))


def _indented(definition: dict[str, Any]) -> str:
    return json.dumps(definition, indent=2, ensure_ascii=False)
