"""``demo``: the loan story on a real daemon of its own, which may run on until ``demo stop``."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from statekeep.protocol import Client
from statekeep.protocol.errors import NoDaemon
from statekeep.tui.cli import loan
from statekeep.tui.cli.arguments import add_local
from statekeep.tui.cli.blocks import Block, Line, Span, line
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.output import show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.stage import FalseClaim, Stage
from statekeep.tui.cli.throwaway import ThrowawayDaemon
from statekeep.tui.cli.wording import count, duration

PATIENCE = 20.0
"""Seconds that a daemon may take to end."""


def add_commands(subparsers: Subparsers) -> None:
    """Add the demo."""
    parser = add_local(
        subparsers,
        "demo",
        run,
        "  statekeep demo\n  statekeep demo --running --keep ./demo     and look around\n  statekeep demo stop ./demo",
    )
    parser.add_argument("action", nargs="?", choices=["stop"], help="end a daemon that --running has left")
    parser.add_argument("directory", nargs="?", type=Path, metavar="DIR", help="what --keep has named")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="use this new directory, and leave it there")
    parser.add_argument("--running", action="store_true", help="leave the daemon running, too; needs --keep")


def run(args: argparse.Namespace) -> int:
    """Tell the story; 1 if any of it is not true. Or end what is left of one."""
    if args.action == "stop":
        return stop(args.directory)
    if args.running and args.keep is None:
        advice = "statekeep demo --running --keep DIR, and later: statekeep demo stop DIR"
        raise UnusableInput("Where is the daemon to be left running?", "tell the story", advice)
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
                if args.running:
                    daemon.leave()
        except FalseClaim as false:
            print(f"statekeep demo: this is not true: {false}", file=sys.stderr)
            return Exit.REFUSED
    show(_ending(stage, args.keep, running=args.running))
    return Exit.DONE


def stop(directory: Path | None) -> int:
    """End the daemon that a demo has left in ``directory``; no other."""
    advice = "Name the directory: statekeep demo stop DIR."
    if directory is None:
        raise UnusableInput("Which demo?", "stop it", advice)
    data, socket = directory.resolve() / "data", directory.resolve() / "statekeep.sock"
    try:
        with Client(socket) as client:
            status = client.status()
    except NoDaemon:
        show([line(f"No daemon runs in {directory}.")])
        return Exit.DONE
    if Path(status.store) != data:
        raise UnusableInput(f"The daemon at {socket} keeps {status.store}, and is none of a demo's.", "stop it", advice)
    os.kill(status.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while socket.exists():
        if time.monotonic() > deadline:
            message = f"Process {status.pid} has not ended within {PATIENCE:g} s."
            raise UnusableInput(message, "stop it", "Wait, or kill it.")
        time.sleep(0.01)
    show([line(f"Stopped; what it kept is in {directory}.")])
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


def _ending(stage: Stage, kept: Path | None, *, running: bool) -> Iterator[Block]:
    yield Line()
    yield line(Span(f"{count(stage.claims)} claims, all checked, in {duration(stage.elapsed)}.", "good"))
    yield Line()
    if kept:
        socket = kept / "statekeep.sock"
        yield line("Look around in what the story left behind:")
        commands = [f"statekeepd --data {kept / 'data'} --socket {socket} &", f"statekeep --socket {socket} versions"]
        if running:
            commands = [*commands[1:], f"statekeep demo stop {kept}"]
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
