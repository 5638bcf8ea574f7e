"""``init``: everything that a daemon of this user needs, made once: configuration, store, keys, units."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from statekeep.protocol import Client
from statekeep.protocol.errors import NoDaemon
from statekeep.protocol.location import configuration_file
from statekeep.protocol.messages import KeyAddRecovery, KeyStatus
from statekeep.tui.cli.arguments import add_local
from statekeep.tui.cli.blocks import Block, Column, Command, Line, Rows, Span, line
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.output import print_json, show, silent
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.throwaway import ThrowawayDaemon

INSTALLED: Final = "/usr/bin/statekeepd"
"""What the units start, where a package of the system has put it."""


class Made(NamedTuple):
    """One thing that the daemon needs."""

    what: str
    where: str
    new: bool


def add_commands(subparsers: Subparsers) -> None:
    """Add ``init``."""
    parser = add_local(
        subparsers,
        "init",
        prepare,
        "  statekeep init\n  statekeep init --no-units",
    )
    parser.add_argument("--no-units", action="store_true", help="write no units for systemd")


def prepare(args: argparse.Namespace) -> int:
    """Make what is missing, and say what was made."""
    made = [_configuration()]
    keys, recovery = _keys(args.socket)
    made += keys
    units = [] if args.no_units else list(_units())
    made += units
    if args.json:
        rows = [each._asdict() for each in made]
        print_json({"made": rows, "recovery_key": recovery})
    else:
        show(_view(made, recovery, units=bool(units)))
    return Exit.DONE


def _home(variable: str, usual: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / usual)


def _configuration() -> Made:
    """A file in which every setting is explained, unless there is one."""
    if (found := configuration_file(os.environ, os.getuid())) is not None and found.exists():
        return Made("configuration", str(found), new=False)
    from statekeep.daemon.config import example  # noqa: PLC0415 - once in a user's life

    path = found or _home("XDG_CONFIG_HOME", ".config") / "statekeep/statekeep.toml"
    _write(path, example({}))
    return Made("configuration", str(path), new=True)


def _keys(socket: str) -> tuple[list[Made], str | None]:
    """The store and its key, made by a daemon, and a recovery key if there is none yet."""
    try:
        with Client(socket) as client:
            recovery = _recovery(client)
            return [Made("daemon", f"answers at {socket}", new=False)], recovery
    except NoDaemon:
        pass
    from statekeep.daemon.config import BadConfiguration, load  # noqa: PLC0415 - likewise

    try:
        data = Path(load(os.environ, os.getuid(), {}).configuration.daemon.data)
    except BadConfiguration as problem:
        advice = "`statekeep config check` says what is wrong."
        raise UnusableInput(str(problem), "read the configuration", advice) from problem
    new = not (data / "store.db").exists()
    key = data / "master.key"
    new_key = not key.exists()
    with (
        tempfile.TemporaryDirectory(prefix="statekeep-init-") as name,
        ThrowawayDaemon(Path(name), data) as daemon,
        Client(daemon.socket) as client,
    ):
        recovery = _recovery(client)
    made = [Made("store", str(data / "store.db"), new)]
    if key.exists():
        made.append(Made("key", str(key), new_key))
    return made, recovery


def _recovery(client: Client) -> str | None:
    """A new recovery key, or None where the store has one, or nobody would see it."""
    if silent() or any(slot.kind == "recovery" for slot in client.call(KeyStatus()).slots):
        return None
    return client.call(KeyAddRecovery()).secret


def _units() -> Iterator[Made]:
    """The units of this user's manager, with the daemon of this installation."""
    program = shutil.which("statekeepd", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    folder = _home("XDG_CONFIG_HOME", ".config") / "systemd/user"
    for unit in sorted(resources.files("statekeep.tui.cli").joinpath("units", "user").iterdir(), key=lambda u: u.name):
        path = folder / unit.name
        new = not path.exists()
        if new:
            _write(path, unit.read_text(encoding="utf-8").replace(INSTALLED, program or INSTALLED))
        yield Made("unit", str(path), new)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        advice = "Run this as the user whose daemon it is to be."
        raise UnusableInput(f"{path} can't be written: {problem.strerror}.", "write it", advice) from problem


def _view(made: list[Made], recovery: str | None, *, units: bool) -> Iterator[Block]:
    columns = (Column("", whole=True), Column("", whole=True), Column(""))
    marks = {True: Span("made", "good"), False: Span("was there", "quiet")}
    yield Rows(columns, [(marks[each.new], each.what, each.where) for each in made])
    if recovery is not None:
        yield Line()
        yield line("The recovery key. Write it down now, and keep it elsewhere: it is shown this one time.")
        yield line(Span(recovery, "strong"), indent=2)
    yield Line()
    yield line("Now start the daemon:" if not units else "Now let systemd start the daemon when a client connects:")
    if units:
        yield Command(["systemctl", "--user", "daemon-reload"], indent=2)
        yield Command(["systemctl", "--user", "enable", "--now", "statekeep.socket"], indent=2)
        yield line(Span("or, without systemd:", "quiet"))
    yield Command(["statekeep", "dev"], indent=2)
