"""``tui``: the screens, in this terminal or in a browser."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

from statekeep.tui.cli.arguments import add_local, integer
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.settings import UnusableSettings, read_settings

PATIENCE: Final = 2.0
"""Seconds for which a daemon that is started again is waited for in silence; then it is said that it is not there."""


def add_commands(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_local(subparsers, "tui", run)
    parser.description = "Opens the screens. ctrl+q leaves them, ? explains the keys."
    parser.add_argument("--readonly", action="store_true", help="look, and change nothing")
    parser.add_argument("--theme", metavar="NAME", help="colours: statekeep, statekeep-light, ansi-dark, nord, ...")
    parser.add_argument("--web", action="store_true", help="serve them to a browser on this machine, to look only")
    parser.add_argument("--port", type=_port, default=8760, metavar="N", help="with --web (default: %(default)s)")
    parser.add_argument("--operate", action="store_true", help="with --web: let whoever has the page change things too")


def _port(text: str) -> int:
    number = integer(text)
    if number > 65_535:
        raise argparse.ArgumentTypeError("ports are numbered up to 65,535")
    return number


def _serve(args: argparse.Namespace) -> int:
    from statekeep.tui.web import serve  # noqa: PLC0415 - only where it is wanted

    try:
        serve(args.socket, args.port, readonly=not args.operate)
    except OSError as problem:
        why = os.strerror(problem.errno) if problem.errno else str(problem)
        raise UnusableInput(
            f"Port {args.port}: {why}.", "serve the screens", "Name another one with --port."
        ) from problem
    return Exit.DONE


def run(args: argparse.Namespace) -> int:
    """Show the screens until they are left."""
    try:
        settings = read_settings()
        if args.web:
            return _serve(args)
        # A command must not pay for the screens, nor for their client.
        from statekeep.protocol.aio import AsyncClient  # noqa: PLC0415
        from statekeep.tui.app import StatekeepApp  # noqa: PLC0415
    except UnusableSettings as problem:
        advice = 'It holds `theme = "..."` and a table `[keys]`; `statekeep tui` works without the file.'
        raise UnusableInput(str(problem), "read the settings", advice) from problem
    except ModuleNotFoundError as missing:
        extra = "web" if args.web else "tui"
        advice = f"pip install 'statekeep[{extra}]'."
        raise UnusableInput(
            f"The screens need {missing.name}, which is not installed.", "open them", advice
        ) from missing
    # A driver that is named draws elsewhere: so does --web have these screens drawn into its page.
    if "TEXTUAL_DRIVER" not in os.environ and not (sys.stdin.isatty() and sys.stdout.isatty()):
        advice = "`statekeep status` and `statekeep versions` say the same in a pipe; --web shows it in a browser."
        raise UnusableInput("The screens need a terminal.", "open them", advice)
    theme = args.theme or settings.theme
    app = StatekeepApp(AsyncClient(args.socket, retry_for=PATIENCE), readonly=args.readonly, theme=theme)
    if theme is not None and theme not in app.available_themes:
        known = ", ".join(sorted(app.available_themes))
        raise UnusableInput(f"There is no theme {theme!r}.", "open the screens", f"There are {known}.")
    app.set_keymap(settings.keys)
    app.run()
    return app.return_code or Exit.DONE
