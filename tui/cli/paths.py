"""``paths``, ``histories``: which ways the actors of a version have gone, to see which path to write."""

from __future__ import annotations

import argparse
import operator
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Final

from statekeep.protocol import Client
from statekeep.protocol.messages import Histories, Paths
from statekeep.protocol.records import PathNode, PathPage
from statekeep.tui.cli import wording
from statekeep.tui.cli.arguments import add_command, add_paging, event_path, named, page_limit, path_text, positive
from statekeep.tui.cli.blocks import Block, Cell, Column, Line, Rows, Span, line
from statekeep.tui.cli.output import print_json, print_pages
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.wording import count

BAR: Final = 24
"""Columns of the bar that stands for all actors."""


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands about the histories of a version's actors."""
    parser = add_command(
        subparsers,
        "paths",
        show_paths,
        "  statekeep paths loan-v1\n  statekeep paths loan-v1 --under SUBMIT_INFO,PAY_FEE --depth 1",
    )
    parser.add_argument("version", type=named, metavar="VERSION")
    parser.add_argument(
        "--under", type=event_path, default=[], metavar="A,B", help="only histories that begin so (or a JSON array)"
    )
    parser.add_argument(
        "--depth", type=positive, default=3, metavar="N", help="levels below that (default: %(default)s)"
    )
    add_paging(parser)
    parser = add_command(
        subparsers,
        "histories",
        export_histories,
        "  statekeep histories loan-v1 > histories.jsonl",
    )
    parser.add_argument("version", type=named, metavar="VERSION")


def show_paths(client: Client, args: argparse.Namespace) -> int:
    """Draw the tree of histories."""
    request = Paths(args.version, args.under, args.depth, cursor=args.cursor, limit=page_limit(args))
    print_pages(client, args, request, operator.attrgetter("nodes"), partial(tree, request))
    return 0


def export_histories(client: Client, args: argparse.Namespace) -> int:
    """Print all histories: event types, states and numbers, and no data of anybody."""
    for page in client.pages(Histories(args.version, limit=1000)):
        for found in page.histories:
            print_json(found)
    return 0


def tree(request: Paths, page: PathPage) -> Iterator[Block]:
    """A page of the tree; its first page ends with how to write a path."""
    if not page.actors:
        beginning = f" with a history that begins with {wording.path(request.under)}" if request.under else ""
        yield line(f"{request.version} has no live actors{beginning}.")
        return
    columns = (
        Column("history"),
        Column("actors", number=True),
        Column("", whole=True),
        Column("here", number=True),
        Column("state"),
    )
    guides = _guides([len(node.path) for node in page.nodes])
    rows = [_row(request, page, node, guide) for node, guide in zip(page.nodes, guides, strict=True)]
    yield Rows(columns, rows)
    if page.nodes and page.nodes[0].path == request.under:
        yield Line()
        yield _advice(request, page.nodes)


def _row(request: Paths, page: PathPage, node: PathNode, guide: str) -> Sequence[Cell]:
    """A node: its last event if it stands under others, else all of them."""
    label = node.path[-1] if guide else ", ".join(node.path) or "(spawned)"
    cut = len(node.path) == len(request.under) + request.depth and node.children
    return (
        guide + label + (f" ... {node.children} more" if cut else ""),
        count(node.actors),
        Span("█" * max(1, round(BAR * node.actors / page.actors)), "good"),
        count(node.here) if node.here else "",
        "" if node.state is None else wording.state(node.state),
    )


def _guides(levels: Sequence[int]) -> list[str]:
    """The lines that lead to each node of a depth-first order, empty for those that no other stands above."""
    guides: list[str] = []
    following: set[int] = set()
    """Levels on which another node follows before the tree comes back to one above them."""
    for level, top in reversed(list(zip(levels, accumulate(levels, min), strict=True))):
        trunk = "".join("│  " if above in following else "   " for above in range(top + 1, level))
        guides.append("" if level == top else trunk + ("├─ " if level in following else "└─ "))
        following = {above for above in following if above < level} | {level}
    guides.reverse()
    return guides


def _advice(request: Paths, nodes: Sequence[PathNode]) -> Line:
    """How to write the path that takes over what was shown, or, if that was everybody, the first that chooses."""
    node = nodes[0]
    if not request.under:
        node = next((below for below in nodes if below.actors < node.actors), nodes[-1])
    if not node.path:
        return line(f"Nobody has gone anywhere yet: without --path, a child of {request.version} takes over everyone.")
    return line(
        Span(f"--path {path_text(node.path)}", "strong"),
        f" takes over {count(node.actors)} of these {count(nodes[0].actors, 'actor')}.",
    )
