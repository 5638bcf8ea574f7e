"""The arguments that commands have in common, and how their text becomes values."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from statekeep.protocol import Client
from statekeep.protocol.messages import ActorRef
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.parser import CommandLine, Subparsers, add_common

Command = Callable[[Client, argparse.Namespace], int]
"""Asks the daemon, prints what it says, returns the exit code."""

_JSON_KINDS: Final = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a truth value",
    type(None): "null",
}

_ONE_OBJECT: Final = "A definition is one JSON object, as XState's createMachine takes it."


def add_command(subparsers: Subparsers, name: str, command: Command, examples: str = "") -> CommandLine:
    """Add a command that talks with the daemon; its parser is returned, to be given its arguments."""
    return add_local(subparsers, name, partial(_converse, command), examples)


def add_local(
    subparsers: Subparsers, name: str, run: Callable[[argparse.Namespace], int], examples: str = ""
) -> CommandLine:
    """Add a command that needs no daemon, or finds one by itself. What it does, ``catalogue`` says."""
    parser = subparsers.choices[name]
    add_common(parser)
    parser.set_defaults(run=run)
    if examples:
        parser.epilog = f"examples:\n{examples}"
    return parser


def _converse(command: Command, args: argparse.Namespace) -> int:
    with closing(Client(args.socket)) as client:
        try:
            return command(client, args)
        except UnicodeEncodeError as problem:
            raise UnusableInput(
                "An argument is not UTF-8.", f"send {problem.object!r}", "Names, keys and JSON are UTF-8 on the wire."
            ) from problem


def add_paging(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command whose answer comes in pages."""
    parser.add_argument("--limit", type=positive, metavar="N", help="rows of a page (default 100, with --all 1000)")
    parser.add_argument(
        "--cursor", type=integer, default=0, metavar="C", help="where to begin; each page tells the next"
    )
    parser.add_argument("--all", action="store_true", help="every page; with --json one line a record")


def page_limit(args: argparse.Namespace) -> int:
    """The rows to ask for at a time."""
    limit: int = args.limit or (1000 if args.all else 100)
    return limit


def integer(text: str) -> int:
    """A number as the wire can carry it."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 0 to 2^63 - 1")
    return int(text)


def positive(text: str) -> int:
    """A number of things, of which there must be some."""
    number = integer(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def named(text: str) -> str:
    """What a version, an actor, an event type or a request is called."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def actor(text: str) -> ActorRef:
    """``17`` is an id, ``alice`` a key, and ``key:17`` a key that looks like an id."""
    named(text.removeprefix("key:"))
    return integer(text) if text.isascii() and text.isdigit() else text.removeprefix("key:")


def event_path(text: str) -> list[str]:
    """``A,B``, or a JSON array for event types with commas; empty takes every actor."""
    if text.startswith("["):
        events = json_value(text)
        if not all(isinstance(event, str) for event in events):
            raise argparse.ArgumentTypeError("the array must hold event types, each a string")
        return list(events)
    events = [event.strip() for event in text.split(",")] if text else []
    if not all(events):
        raise argparse.ArgumentTypeError("there is a comma too many")
    return events


def path_text(events: Sequence[str]) -> str:
    """What ``event_path`` reads as these events."""
    plain = not any("," in event or event != event.strip() for event in events) and not "".join(events[:1]).startswith(
        "["
    )
    return ",".join(events) if plain else json.dumps(events, ensure_ascii=False)


def json_value(text: str) -> Any:
    """A value that can cross the wire, from JSON."""
    try:
        value = json.loads(text)
        msgspec.msgpack.encode(value)
    except (ValueError, OverflowError, RecursionError) as problem:
        raise argparse.ArgumentTypeError(f"not usable as JSON: {problem}") from None
    return value


def read_definition(file: str | Path) -> dict[str, Any]:
    """The definition in ``file``, or on stdin for the text ``-``. Raises ``UnusableInput``."""
    return read_object(file, "definition", _ONE_OBJECT)


def read_object(file: str | Path, what: str, form: str) -> dict[str, Any]:
    """The JSON object in ``file``, or on stdin for the text ``-``; ``form`` says how one looks.

    Raises ``UnusableInput``.
    """
    name = "stdin" if file == "-" else file
    try:
        found = json_value(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except OSError as problem:
        advice = f"Name the file of a {what}" + (", or - for stdin." if isinstance(file, str) else ".")
        raise UnusableInput(f"{name} can't be read: {problem.strerror}.", f"read {name}", advice) from problem
    except (argparse.ArgumentTypeError, UnicodeDecodeError) as problem:
        why = "not UTF-8" if isinstance(problem, UnicodeDecodeError) else problem
        raise UnusableInput(f"{name} is {why}.", f"parse {name}", form) from problem
    if not isinstance(found, dict):
        raise UnusableInput(f"{name} is {_JSON_KINDS[type(found)]}, not an object.", f"parse {name}", form)
    return found
