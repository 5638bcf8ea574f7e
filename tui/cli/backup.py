"""``backup`` and ``restore``: a copy of the store for another place, and the way back."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from statekeep.protocol import Client
from statekeep.protocol.errors import UnknownBackup
from statekeep.protocol.messages import Backup, BackupEnd, BackupRead
from statekeep.protocol.records import StoreCopy
from statekeep.tui.cli.arguments import add_command, add_local
from statekeep.tui.cli.blocks import Line, Span, line
from statekeep.tui.cli.exports import refuse_directory, unwritable
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.output import bar_for, print_json, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.wording import count, moment

LOOKS: Final = 0.1
"""Seconds between looks at a copy that is being made."""

_FROM_DAEMON: Final = ("anchor", "at", "config", "data", "erasures", "passphrase")
"""Options that ``statekeepd`` takes as well."""

_ADVICE: Final = {
    73: "Say --replace, or name another directory with --data.",
    75: "Stop the daemon first: it would not notice.",
    78: "A backup opens with the keys of its day. Where there is none: backup --no-verify, and test it elsewhere.",
}
"""What to do, by the exit code of ``statekeepd``."""


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands."""
    parser = add_command(
        subparsers,
        "backup",
        backup,
        "  statekeep backup /var/backups/statekeep/today.db\n  statekeep backup --test /var/backups/statekeep/today.db",
    )
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="a file, which is replaced by a whole copy or not at all"
    )
    parser.add_argument(
        "--test",
        action="store_true",
        help="make no backup: try out whether FILE, or what is shipped to this directory, can be restored",
    )
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="restore the copy into a directory beside FILE that is then thrown away (the default; it takes a key)",
    )
    _add_point(parser)
    _add_keys(parser)
    parser.set_defaults(run=_tested(parser.get_default("run")))
    restoring = add_local(subparsers, "restore", restore)
    restoring.add_argument(
        "file", metavar="FILE", type=Path, help="what `statekeep backup` has made, or the directory that is shipped to"
    )
    _add_point(restoring)
    restoring.add_argument("--replace", action="store_true", help="keep the store that is there under another name")
    _add_keys(restoring)


def _add_point(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--at", metavar="POINT", help="of a directory: as of this position, or of this time (2026-03-01T09:30:00)"
    )


def _add_keys(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the store and its keys", "as `statekeepd` takes them, and finds them without")
    group.add_argument("--config", metavar="FILE", help="configuration")
    group.add_argument("--data", metavar="DIRECTORY", help="directory of the store")
    group.add_argument("--anchor", metavar="DIRECTORY", help="directory of the anchor")
    group.add_argument("--erasures", metavar="DIRECTORY", help="directory of the erasure journal")
    group.add_argument("--key", metavar="FILE", action="append", default=[], help="file with a key of the store")
    group.add_argument("--passphrase", metavar="FROM", help="prompt, fd:NUMBER or env:NAME")


def _tested(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Let ``--test`` do without a daemon."""
    return lambda args: test(args) if args.test else run(args)


def backup(client: Client, args: argparse.Namespace) -> int:
    """Have a copy made, fetch it, and verify it before it gets its name."""
    refuse_directory(args.file)
    unfinished = args.file.with_name(f".{args.file.name}.{os.getpid()}")
    try:
        with _copy(client) as (begun, end):
            copy = _fetch(client, begun, unfinished, drawn=not args.json)
            verified = _daemon(args, "--rehearse", unfinished) if args.verify else None
            unfinished.replace(args.file)
            _sync_directory(args.file.absolute().parent)
            end.kept, end.verified = True, args.verify
    except OSError as problem:
        raise unwritable(args.file, problem) from problem
    finally:
        unfinished.unlink(missing_ok=True)
    if args.json:
        print_json(copy)
        return Exit.DONE
    text = f"{args.file}: {count(copy.size, 'byte')}, up to position {count(copy.position)}"
    show([line(Span("Backed up", "good"), f" to {text}."), *_held(verified)])
    return Exit.DONE


def test(args: argparse.Namespace) -> int:
    """Try out a backup that is there."""
    found = _daemon(args, "--rehearse", args.file)
    if args.json:
        print(json.dumps(found))
    else:
        show([line(Span("It can be restored", "good"), "."), *_held(found)])
    return Exit.DONE


def restore(args: argparse.Namespace) -> int:
    """Put a backup in the place of the store."""
    found = _daemon(args, "--restore", args.file, *(["--replace"] if args.replace else []))
    if args.json:
        print(json.dumps(found))
        return Exit.DONE
    lines = [line(Span("Restored", "good"), f" to {found['store']}."), *_held(found)]
    if found["kept"]:
        lines.append(line(f"The store before it is {found['kept']}; remove it when you are sure."))
    show(lines)
    return Exit.DONE


def _held(found: dict[str, Any] | None) -> Iterator[Line]:
    if found is None:
        yield line(Span("It was not verified.", "waiting"))
        return
    last = f"the last thing that happened in it: {moment(found['time'])}" if found["time"] else "nothing happened in it"
    held = f"{count(found['actors'], 'actor')}, {count(found['versions'], 'version')}"
    yield line(f"Verified: {held}; position {count(found['position'])}, {last}.")
    if found["erased_again"]:
        yield line(f"{count(found['erased_again'], 'actor')} that had been erased since were erased again.")


@contextmanager
def _copy(client: Client) -> Iterator[tuple[StoreCopy, BackupEnd]]:
    """A copy that the daemon makes, and its end, in which the block says what became of it."""
    begun = client.call(Backup())
    end = BackupEnd(begun.backup, kept=False)
    try:
        yield begun, end
    finally:
        with suppress(UnknownBackup):
            client.call(end)


def _fetch(client: Client, begun: StoreCopy, path: Path, *, drawn: bool) -> StoreCopy:
    """Write a copy to ``path``, durably."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file, bar_for(begun.size, "bytes", drawn=drawn) as advance:
        copy = _parts(client, begun.backup, file, advance)
        file.flush()
        os.fsync(descriptor)
    return copy


def _parts(client: Client, number: int, file: BinaryIO, advance: Callable[[int], None]) -> StoreCopy:
    """Write the copy to ``file`` when it is complete. Raises ``UnusableInput`` if it is not what the daemon has."""
    offset, digest = 0, hashlib.sha256()
    while True:
        part = client.call(BackupRead(number, offset))
        if not part.copy.sha256:
            time.sleep(LOOKS)
        elif part.data:
            file.write(part.data)
            digest.update(part.data)
            offset += len(part.data)
            advance(offset)
        elif digest.hexdigest() == part.copy.sha256:
            return part.copy
        else:
            raise UnusableInput("The copy did not arrive as it was sent.", f"read backup {number}", "Repeat it.")


def _daemon(args: argparse.Namespace, *words: str | Path) -> dict[str, Any]:
    """What ``ask_keeper`` answers with the options of ``args``."""
    given = [(name, getattr(args, name)) for name in _FROM_DAEMON] + [("key", file) for file in args.key]
    return ask_keeper(*words, *(word for name, value in given if value is not None for word in (f"--{name}", value)))


def ask_keeper(*words: str | Path) -> dict[str, Any]:
    """What ``statekeepd``, which has the keys, says when it is asked to look at a backup. Raises ``UnusableInput``."""
    command = [sys.executable, "-m", "statekeep.daemon", *map(str, words)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if line.startswith("statekeepd: ")]
        crashed = f"statekeepd: failed with {run.returncode}; run it by hand to see how"
        why = (said or [crashed])[-1].removeprefix("statekeepd: ").removeprefix("error: ").rstrip(".")
        verb = "restore" if words[0] == "--restore" else "try out"
        raise UnusableInput(f"{why}.", f"{verb} {words[1]}", _ADVICE.get(run.returncode, ""))
    if "--restore" in words:
        sys.stderr.write(run.stderr)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
