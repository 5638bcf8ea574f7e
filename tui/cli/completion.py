"""``completion``: what a shell needs to complete command lines, with the names that the daemon has at that moment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import closing
from typing import Any, Final

from statekeep.protocol import Client
from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.location import default_socket
from statekeep.protocol.messages import Actors, Get
from statekeep.tui.cli.arguments import actor, add_local
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.parser import CommandLine, Subparsers

SHELLS: Final = ("bash", "zsh", "fish")

PATIENCE: Final = 1.0
"""Seconds that a key press may wait for the daemon; then nothing is offered."""

SHOWN: Final = 200
"""Actors that are offered at once."""

_EXAMPLES: Final = """\
  bash: eval "$(statekeep completion bash)"        in ~/.bashrc
  zsh:  eval "$(statekeep completion zsh)"         in ~/.zshrc, after compinit
  fish: statekeep completion fish | source         in ~/.config/fish/config.fish"""


def add_commands(subparsers: Subparsers) -> None:
    """Add ``completion``."""
    parser = add_local(subparsers, "completion", print_script, _EXAMPLES)
    parser.add_argument("shell", choices=SHELLS)


def print_script(args: argparse.Namespace) -> int:
    """Print the script of one shell."""
    try:
        from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - for two commands in a shell's life
    except ModuleNotFoundError as missing:
        advice = "pip install 'statekeep[cli]'"
        raise UnusableInput("Completion needs argcomplete, which is not installed.", "complete", advice) from missing
    print(shellcode(["statekeep"], shell=args.shell))
    return Exit.DONE


def complete(parser: CommandLine) -> None:
    """Answer the shell, if it is the shell that asks, and end there."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    import argcomplete  # noqa: PLC0415 - likewise

    for action in _actions(parser, set(os.environ.get("COMP_LINE", "").split())):
        completer = _COMPLETERS.get(str(action.metavar))
        if completer is not None and action.choices is None:
            action.completer = completer  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser, always_complete_options=False)


def _actions(parser: CommandLine, words: Container[str]) -> Iterator[argparse.Action]:
    """All arguments of a parser, and of the commands that are among ``words``."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to its arguments
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, command in action.choices.items():
                if name in words:
                    yield from _actions(command.filled(), words)


def _asking(look: Callable[[Client, str, argparse.Namespace], Iterable[str]]) -> Callable[..., list[str]]:
    """A completer that asks the daemon; one that can't be reached, or refuses, offers nothing."""

    def completer(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
        try:
            with closing(Client(getattr(parsed_args, "socket", None) or default_socket(), timeout=PATIENCE)) as client:
                return [name for name in look(client, prefix, parsed_args) if name.startswith(prefix)]
        except (StatekeepError, ValueError):
            return []

    return completer


def _versions(client: Client, _prefix: str, _args: argparse.Namespace) -> Iterable[str]:
    return (each.version for each in client.versions().versions)


def _states(client: Client, _prefix: str, args: argparse.Namespace) -> Iterable[str]:
    asked = getattr(args, "version", None)
    shown = (each for each in client.versions().versions if asked in {None, each.version})
    return {path for each in shown for count in each.states for path in _paths(count.state)}


def _paths(value: Any, above: str = "") -> Iterator[str]:
    """The dotted paths of a state value, parents included."""
    for name, below in value.items() if isinstance(value, dict) else [(value, {})]:
        path = f"{above}.{name}" if above else name
        yield path
        if below:
            yield from _paths(below, path)


def _actors(client: Client, prefix: str, _args: argparse.Namespace) -> Iterable[str]:
    page = client.call(Actors(key=f"{prefix}*", limit=SHOWN)).actors
    return (each.key for each in page if each.key is not None)


def _events(client: Client, _prefix: str, args: argparse.Namespace) -> Iterable[str]:
    return client.call(Get(actor(args.actor))).accepts


_COMPLETERS: Final = {
    "VERSION": _asking(_versions),
    "OTHER": _asking(_versions),
    "P": _asking(_versions),
    "V": _asking(_versions),
    "R": _asking(_versions),
    "S": _asking(_states),
    "ACTOR": _asking(_actors),
    "EVENT": _asking(_events),
}
"""By what an argument is called in the usage."""
