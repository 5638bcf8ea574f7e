"""``demo``: the loan story on a real daemon of its own, and then what to type."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from statekeep.protocol import Client
from statekeep.tui.cli import loan
from statekeep.tui.cli.arguments import Subparsers
from statekeep.tui.cli.blocks import Block, Line, Span, line
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.output import show
from statekeep.tui.cli.stage import FalseClaim, Stage
from statekeep.tui.cli.throwaway import ThrowawayDaemon
from statekeep.tui.cli.wording import count, duration


def add_commands(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the demo."""
    parser = subparsers.add_parser(
        "demo",
        help="tell the loan story on a daemon of its own",
        description="Starts a daemon on a directory of its own, tells the loan story on it, checks every claim that it "
        "prints and measures every time. Takes a few seconds; exits with 1 if a claim is false.",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="use this new directory, and leave it there")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Tell the story; 1 if any of it is not true."""
    from statekeep.tui.cli import story  # noqa: PLC0415 - no other command needs it

    stage = Stage()
    with _cleaned_up(), _directory(args.keep) as directory:
        show([line("The loan story, on a daemon of its own in ", Span(str(directory), "strong"))])
        try:
            with ThrowawayDaemon(directory) as daemon, Client(daemon.socket) as client:
                story.migrate(stage, client)
                story.crash(stage, client, daemon)
                story.search(stage, daemon)
                story.rescue(stage, client)
        except FalseClaim as false:
            print(f"statekeep demo: this is not true: {false}", file=sys.stderr)
            return Exit.REFUSED
    show(_ending(stage, args.keep))
    return Exit.DONE


@contextmanager
def _cleaned_up() -> Iterator[None]:
    """Let a closed terminal, or a plain ``kill``, end the story as Ctrl-C does, with its daemon and its directory."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _directory(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="statekeep-demo-") as made:
            yield Path(made)
        return
    try:
        kept.mkdir(parents=True)
    except OSError as problem:
        raise UnusableInput(
            f"{kept} can't be made: {problem.strerror}.", f"make {kept}", "Name a directory that is not there yet."
        ) from problem
    yield kept.resolve()


def _ending(stage: Stage, kept: Path | None) -> Iterator[Block]:
    yield Line()
    yield line(Span(f"{count(stage.claims)} claims, all checked, in {duration(stage.elapsed)}.", "good"))
    yield Line()
    if kept:
        socket = kept / "statekeep.sock"
        yield line("Look around in what the story left behind:")
        commands = [f"statekeepd --data {kept / 'data'} --socket {socket} &", f"statekeep --socket {socket} versions"]
    else:
        definition = os.path.relpath(os.path.realpath(loan.file("loan-v1")))
        yield line("Now by hand; README has the whole story. In one terminal `statekeepd`, in another:")
        commands = [
            f"statekeep deploy {definition} --id loan-v1",
            "statekeep spawn loan-v1 --key alice",
            "statekeep send alice SUBMIT_INFO",
        ]
    if shutil.which("statekeep") is None and (activate := Path(sys.prefix, "bin/activate")).exists():
        commands.insert(0, f". {os.path.relpath(activate)}")
    for command in commands:
        yield line(Span(command, "strong"), indent=3)
