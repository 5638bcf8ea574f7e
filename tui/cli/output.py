"""Prints what the daemon answered: the blocks of its view, or the record itself as JSON, JSON lines or CSV."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any, Final, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from statekeep.protocol import Client
from statekeep.protocol.messages import PageRequest
from statekeep.protocol.records import Page, Record
from statekeep.tui.cli.blocks import Block, Span, line
from statekeep.tui.cli.exports import cells
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.wording import UNSOUND

PageT = TypeVar("PageT", bound=Page)

Form = Literal["table", "json", "jsonl", "csv"]


class Choice(NamedTuple):
    """How the command line wants things to be printed."""

    form: Form = "table"
    quiet: bool = False


_OF_ALL: Final = {"actors", "damaged"}
"""Fields beside a list that add up its records, or are said of all of them."""

_CHOICE: Final[ContextVar[Choice]] = ContextVar("choice", default=Choice())  # noqa: B039 - a tuple


def choose(args: argparse.Namespace) -> None:
    """Take over what the command line says about the output. Without ``--output``, ``--json`` is JSON."""
    form: Form = getattr(args, "output", None) or ("json" if args.json else "table")
    args.json = form != "table"
    _CHOICE.set(Choice(form, args.quiet))


def silent() -> bool:
    """Whether nothing is to be printed but failures: ``--quiet`` without a form that a program reads."""
    choice = _CHOICE.get()
    return choice.quiet and choice.form == "table"


def watched() -> bool:
    """Whether somebody looks on who may be shown how far things are."""
    return sys.stderr.isatty() and not _CHOICE.get().quiet


def bar_for(total: int, noun: str, *, drawn: bool = True) -> AbstractContextManager[Callable[[int], None]]:
    """A bar for ``total`` things, moved by calling what it yields; nothing where nobody looks on, or there are none."""
    if not (drawn and total and watched()):
        return nullcontext(lambda _: None)
    from statekeep.tui.cli.progress import bar  # noqa: PLC0415 - loads what draws, for those who look on

    return bar(total, noun)


def show(blocks: Iterable[Block]) -> None:
    """Draw on stdout."""
    if silent():
        return
    try:
        from statekeep.tui.cli.render import show as draw  # noqa: PLC0415 - a third of the start-up, for those who look
    except ModuleNotFoundError as missing:
        advice = "pip install 'statekeep[cli]', or use --json."
        raise UnusableInput(f"Tables need {missing.name}, which is not installed.", "draw", advice) from missing
    draw(blocks)


def print_json(record: Record | Mapping[str, Any], *, header: bool = True) -> None:
    """Print an answer in the form that was chosen; as JSON it is one line, as it is on the wire.

    As JSON lines or CSV, an answer that is a list is a line for each of its records. ``header``: whether CSV begins
    here, with its titles.
    """
    form = _CHOICE.get().form
    _tell_damage(record, form)
    if form == "csv":
        _print_csv(_listed(record), header=header)
    elif form == "jsonl":
        _print_lines(_listed(record))
    else:
        _print_lines([record])


def print_pages(
    client: Client,
    args: argparse.Namespace,
    request: PageRequest[PageT],
    records: Callable[[PageT], Sequence[Record]],
    view: Callable[[PageT], Iterable[Block]],
) -> None:
    """Print the page that was asked for and how to get the next; with ``--all`` all pages, each as it comes."""
    form = _CHOICE.get().form
    for number, page in enumerate(client.pages(request)):
        if form == "table":
            show(view(page))
        elif form == "csv":
            _tell_damage(page, form)
            _print_csv(records(page), header=not number)
        elif args.all or form == "jsonl":
            _tell_damage(page, form)
            _print_lines(records(page))
        else:
            print_json(page)
        if args.all:
            continue
        if page.next is not None and form != "json":
            _tell_next(page.next, form)
        return


def _tell_next(cursor: int, form: Form) -> None:
    text = f"There are more: --cursor {cursor} shows the next page, --all every one."
    if form == "table":
        show([line(Span(text, "quiet"))])
    elif not _CHOICE.get().quiet:
        print(text, file=sys.stderr)  # beside the data, which would else look complete


def _tell_damage(answer: object, form: Form) -> None:
    """Say beside lines of records what the answer says of all of them."""
    if form != "json" and getattr(answer, "damaged", False) is True and not _CHOICE.get().quiet:
        print(UNSOUND, file=sys.stderr)


def _print_lines(records: Iterable[Record | Mapping[str, Any]]) -> None:
    sys.stdout.writelines(msgspec.json.encode(record).decode() + "\n" for record in records)


def _print_csv(records: Sequence[Record | Mapping[str, Any]], *, header: bool) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for record in records:
        values = record if isinstance(record, Mapping) else msgspec.structs.asdict(record)
        if header:
            writer.writerow(values)
            header = False
        writer.writerow(cells(values.values()))


def _listed(answer: Record | Mapping[str, Any]) -> Sequence[Record | Mapping[str, Any]]:
    """The records of an answer that is nothing but a list, or a page of one; else the answer alone."""
    if isinstance(answer, Record):
        kinds = get_type_hints(type(answer))
        lists = [field for field in answer.__struct_fields__ if _is_records(kinds[field])]
        if lists and (isinstance(answer, Page) or {*answer.__struct_fields__} - _OF_ALL == {lists[0]}):
            found: Sequence[Record] = getattr(answer, lists[0])
            return found
    return [answer]


def _is_records(kind: Any) -> bool:
    return get_origin(kind) is list and isinstance(get_args(kind)[0], type) and issubclass(get_args(kind)[0], Record)
