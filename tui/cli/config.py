"""``config show``, ``config check``, ``config path``, ``config example``: the configuration, without a daemon."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from statekeep.protocol.location import configuration_file
from statekeep.tui.cli.arguments import add_local
from statekeep.tui.cli.blocks import Column, Rows, Span, line
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.parser import CommandLine, Subparsers, add_named
from statekeep.tui.cli.wording import printable


def add_commands(subparsers: Subparsers) -> None:
    """Add ``config`` with its own commands."""
    own = subparsers.choices["config"].add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> CommandLine:
        add_named(own, name, text)
        return add_local(own, name, run)

    add("show", show_settings, "every setting, its value, and where that comes from")
    checked = add("check", check_file, "say what is wrong with a configuration file")
    checked.add_argument("file", metavar="FILE", nargs="?", type=Path, help="else the one in use")
    add("path", print_path, "which file is read")
    add("example", print_example, "a file with every setting explained, to start from")


def show_settings(args: argparse.Namespace) -> int:
    """Show every setting as it holds for this user."""
    from statekeep.daemon.config import BadConfiguration, load, settings  # noqa: PLC0415 - for who asks

    try:
        found = load(os.environ, os.getuid(), {})
    except BadConfiguration as problem:
        raise _unusable(problem) from problem
    values = {each.name: getattr(getattr(found.configuration, each.table), each.key) for each in settings()}
    if args.json:
        rows = {name: {"value": value, "from": found.origins[name]} for name, value in values.items()}
        print_json({"file": str(found.file) if found.file else None, "settings": rows})
        return Exit.DONE
    show(
        [line(Span(f"file: {found.file}" if found.file else "no file; `statekeep config example` prints one", "quiet"))]
    )
    columns = (Column("setting", whole=True), Column("value"), Column("from", whole=True), Column("environment"))
    show(
        [
            Rows(
                columns,
                [
                    (each.name, printable(_text(values[each.name])), found.origins[each.name], each.variable)
                    for each in settings()
                ],
            )
        ]
    )
    return Exit.DONE


def check_file(args: argparse.Namespace) -> int:
    """Check one file."""
    from statekeep.daemon.config import BadConfiguration, check  # noqa: PLC0415 - likewise

    path = args.file or configuration_file(os.environ, os.getuid())
    if path is None:
        raise UnusableInput(
            "There is no configuration.", "find one", "It needs none. `statekeep config example` is one."
        )
    try:
        check(path.read_text(encoding="utf-8"), str(path))
    except BadConfiguration as problem:
        raise _unusable(problem) from problem
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        raise UnusableInput(f"{path} can't be read: {why}.", f"read {path}", "Name a file of settings.") from problem
    if args.json:
        print_json({"file": str(path), "sound": True})
    else:
        print(f"{path} is sound")
    return Exit.DONE


def print_path(args: argparse.Namespace) -> int:
    """Print the path of the file that is read; where there is none, that is said beside, and the exit code is 1."""
    path = configuration_file(os.environ, os.getuid())
    if args.json:
        print_json({"file": None if path is None else str(path)})
    elif path is not None:
        print(path)
    elif not args.quiet:
        print("There is no configuration, and none is needed.", file=sys.stderr)
    return Exit.REFUSED if path is None else Exit.DONE


def print_example(_: argparse.Namespace) -> int:
    """Print a file in which every setting has its default."""
    from statekeep.daemon.config import example  # noqa: PLC0415 - likewise

    sys.stdout.write(example({}))
    return Exit.DONE


def _unusable(problem: Exception) -> UnusableInput:
    return UnusableInput(str(problem), "read the configuration", "`statekeep config example` explains every setting.")


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
