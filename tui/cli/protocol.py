"""``describe``: the ops, who may use them, and their JSON Schema."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from statekeep.protocol import Client
from statekeep.protocol.messages import Describe
from statekeep.protocol.records import Description, OpDescription
from statekeep.tui.cli.arguments import add_command
from statekeep.tui.cli.blocks import Block, Column, Line, Rows, Span, line
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.parser import Subparsers


def add_commands(subparsers: Subparsers) -> None:
    """Add the command about the protocol."""
    parser = add_command(
        subparsers,
        "describe",
        describe,
        "  statekeep describe\n  statekeep describe send\n  statekeep describe --json > statekeep.json",
    )
    parser.add_argument("op", metavar="OP", nargs="?", help="show the JSON Schema of its request and its answer")


def describe(client: Client, args: argparse.Namespace) -> int:
    """List the ops, or show one."""
    found = client.call(Describe(args.op))
    if args.json:
        print_json(found)
    else:
        show(_listed(found) if args.op is None else _one(found.ops[0]))
    return 0


def _listed(found: Description) -> Iterator[Block]:
    yield line(Span(f"Protocol {found.protocol}, as StateKeep {found.server} speaks it", "strong"))
    columns = (Column("op", whole=True), Column("needs", whole=True), Column("result", whole=True), Column(""))
    yield Rows(columns, [(Span(op.op, "strong"), op.role, op.result, op.summary) for op in found.ops], 2)
    yield Line()
    families = (Column("error", whole=True), Column("kind", whole=True), Column(""))
    yield Rows(families, [(error.code, error.kind, error.summary) for error in found.errors], 2)


def _one(op: OpDescription) -> Iterator[Block]:
    yield line(Span(op.op, "strong"), f": {op.summary} Needs the role {op.role}.")
    for title, schema in (("request", op.request), (f"answer, {op.result}", op.answer)):
        yield Line()
        yield line(Span(title, "quiet"))
        for text in json.dumps(schema, indent=2, ensure_ascii=False).splitlines():
            yield line(text)
