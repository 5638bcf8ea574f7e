"""The command line of ``statekeep``: what every command has in common, and how a command gets its own arguments.

A command's module is imported, and gives it its arguments, when the command is asked for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import Any, Final, NoReturn, TypeAlias

import statekeep
from statekeep.tui.cli.catalogue import COMMANDS

Subparsers: TypeAlias = "argparse._SubParsersAction[CommandLine]"  # noqa: SLF001 - it has no public name
"""Where commands are added."""

_LISTED: Final = 10
"""Choices that a refusal names; of more, only the nearest."""

_EPILOG = """\
exit codes:
  0    done
  1    the daemon refused, a definition has errors, replay-check lost a landing,
       verify found a difference, import left a line out or export an actor,
       doctor has warnings, or a claim of the demo is false
  2    the command line is wrong, its input can't be read or its output not
       written; doctor found something wrong
  3    no daemon, or trouble on the way to it: what was under way may or may
       not have been carried out
  130  interrupted with Ctrl-C
  141  whoever read the output has left

environment:
  STATEKEEP_SOCKET  the daemon's socket, else the configuration's, else
                    statekeep/statekeep.sock in XDG_RUNTIME_DIR
  STATEKEEP_CONFIG  the configuration; `statekeep config show` lists a variable for
                    each setting
  NO_COLOR          anything: no colours; there are none but on a terminal
  PAGER             what long answers go through on a terminal, else less;
                    cat: nothing

`statekeep COMMAND --help` has the options of a command, and examples.
"""


class CommandLine(argparse.ArgumentParser):
    """A parser that may get its arguments late, and that refuses with what would be right."""

    fill: Callable[[], None] | None = None
    """What gives it its arguments, if it has none yet."""

    def filled(self) -> CommandLine:
        """Return itself, with its arguments."""
        if self.fill is not None:
            self.fill()
        return self

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride] - of overloads
        self, args: Any = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse all of ``args``: what a command does not know is refused by the command, not by the whole."""
        found, unknown = super(CommandLine, self.filled()).parse_known_args(args, namespace)
        if unknown:
            near = _nearest(unknown[0].partition("=")[0], self._option_string_actions)
            self.error(f"unknown: {' '.join(unknown)}" + near)
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Say how the command is used, what is wrong, and where more is said; the exit code is 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n  to do  `{self.prog} --help` explains each argument.\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        listed = f"; there are {', '.join(known)}" if len(known) <= _LISTED else ""
        raise argparse.ArgumentError(action, f"there is no {value!r}" + (_nearest(str(value), known) or listed))


def _nearest(word: str, known: Iterable[str]) -> str:
    """A question, if a word is likely to be meant for one that is known."""
    import difflib  # noqa: PLC0415 - for who mistypes

    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""


def build() -> CommandLine:
    """The parser; what it parses has ``run``, which takes the arguments and returns the exit code."""
    parser = CommandLine(
        prog="statekeep",
        description="Deploy definitions, spawn actors, send them events, and see what was decided.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser)
    parser.add_argument("--version", action="version", version=f"statekeep {statekeep.__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    for module, commands in COMMANDS.items():
        fill = partial(_fill, subparsers, module)
        for name, text in commands.items():
            add_named(subparsers, name, text).fill = fill
    return parser


def _fill(subparsers: Subparsers, module: str) -> None:
    """Let a module give its commands their arguments."""
    for name in COMMANDS[module]:
        subparsers.choices[name].fill = None
    import_module(f"statekeep.tui.cli.{module}").add_commands(subparsers)


def add_named(subparsers: Subparsers, name: str, text: str) -> CommandLine:
    """Add a command of which nothing is known yet but its name and what it does."""
    return subparsers.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command takes. Suppressed defaults leave a value given before the command alone."""
    add = partial(parser.add_argument, default=argparse.SUPPRESS)
    add("--socket", metavar="PATH", help="the daemon's socket (else STATEKEEP_SOCKET)")
    add("--json", action="store_true", help="print what the daemon answers, as JSON")
    forms = ("table", "json", "jsonl", "csv")
    add("--output", choices=forms, help="the form of the answer; jsonl and csv have a line for each record")
    add("--quiet", action="store_true", help="no tables, notes or progress: only failures")
    add("--no-pager", action="store_true", help="never page what is longer than the terminal")
