"""Prints what the daemon answered: the record itself as JSON, or the blocks of its view."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from statekeep.protocol import Client
from statekeep.protocol.messages import PageRequest
from statekeep.protocol.records import Page, Record
from statekeep.tui.cli.blocks import Block, Span, line
from statekeep.tui.cli.failures import UnusableInput

PageT = TypeVar("PageT", bound=Page)


def show(blocks: Iterable[Block]) -> None:
    """Draw on stdout."""
    try:
        from statekeep.tui.cli.render import show as draw  # noqa: PLC0415 - a third of the start-up, for those who look
    except ModuleNotFoundError as missing:
        advice = "pip install 'statekeep[cli]', or use --json."
        raise UnusableInput(f"Tables need {missing.name}, which is not installed.", "draw", advice) from missing
    draw(blocks)


def print_json(record: Record) -> None:
    """Print a record as one line, in the form that it has on the wire."""
    sys.stdout.write(msgspec.json.encode(record).decode() + "\n")


def print_pages(
    client: Client,
    args: argparse.Namespace,
    request: PageRequest[PageT],
    records: Callable[[PageT], Sequence[Record]],
    view: Callable[[PageT], Iterable[Block]],
) -> None:
    """Print the page that was asked for and how to get the next; with ``--all`` all pages, each as it comes."""
    for page in client.pages(request):
        if not args.json:
            show(view(page))
        elif not args.all:
            print_json(page)
        else:
            for record in records(page):
                print_json(record)
        if args.all:
            continue
        if page.next is not None and not args.json:
            show([line(Span(f"There are more: --cursor {page.next} shows the next page, --all every one.", "quiet"))])
        return
