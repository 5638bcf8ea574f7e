"""``key``: the ways to open the store, and the rotation of what its values are sealed with."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from statekeep.protocol import Client
from statekeep.protocol.errors import UnknownSlot
from statekeep.protocol.messages import KeyAddRecovery, KeyExportRecovery, KeyRewrap, KeyRotate, KeyStatus
from statekeep.protocol.records import KeyEpoch, Keys, KeySlot, NewKey
from statekeep.tui.cli.arguments import Command, add_command
from statekeep.tui.cli.blocks import Block, Column, Line, Rows, Span, facts, line
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.output import bar_for, print_json, show, silent
from statekeep.tui.cli.parser import CommandLine, Subparsers, add_named
from statekeep.tui.cli.wording import count, date

LOOKS: Final = 0.25
"""Seconds between looks at a rotation: a bar that moves, and no load."""


def add_commands(subparsers: Subparsers) -> None:
    """Add the command and what it is followed by."""
    commands = subparsers.choices["key"].add_subparsers(
        dest="key_command", metavar="COMMAND", required=True, title="commands"
    )
    _add(commands, "status", status, "list what opens the store, and how far a rotation is")
    parser = _add(
        commands,
        "rotate",
        rotate,
        "begin a new epoch, and wrap every actor's data key with its key; goes on by itself, also after a crash",
    )
    parser.add_argument("--no-wait", action="store_true", help="end when it has begun; the daemon does the rest")
    parser = _add(
        commands,
        "rewrap",
        rewrap,
        "replace the store key: only what the daemon was started with opens the store from now on",
        "  statekeep key rewrap\n  statekeep key rewrap --without 1 --yes",
    )
    parser.add_argument(
        "--without",
        type=int,
        action="append",
        default=[],
        metavar="SLOT",
        help="drop this slot, too, although the daemon was started with its key; may be given several times",
    )
    parser.add_argument("--yes", action="store_true", help="drop slots without being told which first")
    _add(commands, "add-recovery", add_recovery, "make a recovery key, to be written down: it is shown this one time")
    parser = _add(
        commands,
        "export-recovery",
        export_recovery,
        "make a key file for a safe place: `statekeepd --key FILE` opens the store with it",
        "  statekeep key export-recovery /media/safe/statekeep.key",
    )
    parser.add_argument("file", metavar="FILE", help="a new file, which nobody else can read")


def _add(commands: Subparsers, name: str, command: Command, text: str, examples: str = "") -> CommandLine:
    add_named(commands, name, text)
    parser = add_command(commands, name, command, examples)
    parser.set_defaults(command=f"key {name}")
    return parser


def status(client: Client, args: argparse.Namespace) -> int:
    """Show the slots and epochs."""
    keys = client.call(KeyStatus())
    if args.json:
        print_json(keys)
    else:
        show(_status(keys))
    return Exit.DONE


def rotate(client: Client, args: argparse.Namespace) -> int:
    """Begin a rotation and, if nobody says otherwise, wait for its end."""
    keys = client.call(KeyRotate())
    if not args.json:
        show([line(f"Epoch {keys.epoch} has begun; {count(keys.left, 'actor')} to follow.")])
    if not args.no_wait:
        keys = _follow(client, keys, drawn=not args.json)
    if args.json:
        print_json(keys)
    elif not args.no_wait:
        show(_rotated(keys))
    return Exit.REFUSED if keys.stuck else Exit.DONE


def _follow(client: Client, keys: Keys, *, drawn: bool) -> Keys:
    """Look again and again until the rotation is through."""
    total, pause = keys.left, 0.01
    with bar_for(total, "actors", drawn=drawn) as advance:
        while (keys := client.call(KeyStatus())).rotating:
            advance(total - keys.left)
            time.sleep(pause)
            pause = min(2 * pause, LOOKS)
    return keys


def _rotated(keys: Keys) -> Iterator[Line]:
    if keys.stuck:
        yield line(
            Span(f"{count(keys.stuck, 'actor')} could not follow", "bad"),
            ": the data keys fail authentication, and the epochs before are kept for them. "
            "`statekeep verify` names the actors.",
        )
    else:
        yield line(Span("Done", "good"), "; the keys of the epochs before are destroyed.")


def rewrap(client: Client, args: argparse.Namespace) -> int:
    """Replace the store key, unless that would drop slots that nobody was told about."""
    if not args.yes:
        slots = client.call(KeyStatus()).slots
        known = [slot.slot for slot in slots]
        for slot in args.without:
            if slot not in known:
                raise UnknownSlot(slot, known)
        dropped = [slot for slot in slots if not slot.held or slot.slot in args.without]
        if dropped:
            advice = (
                "Say --yes to drop them, and make new recovery keys afterwards; or start the daemon with their keys."
            )
            if len(dropped) == len(slots):
                advice = "Nothing else does: start the daemon with the key that is to, or keep one of its slots."
            raise UnusableInput(f"These would open the store no more: {_names(dropped)}.", "rewrap", advice)
    rewrapped = client.call(KeyRewrap(without=args.without))
    if args.json:
        print_json(rewrapped)
        return Exit.DONE
    lines = [line(f"The store key is new. It opens with: {_names(rewrapped.slots)}.")]
    if rewrapped.dropped:
        lines.append(line(f"No more with: {_names(rewrapped.dropped)}."))
    show(lines)
    return Exit.DONE


def add_recovery(client: Client, args: argparse.Namespace) -> int:
    """Make a recovery key, and show it."""
    if silent():
        raise UnusableInput(
            "A recovery key is shown this one time, and --quiet would not show it.", "make one", "Leave out --quiet."
        )
    made = client.call(KeyAddRecovery())
    if args.json:
        print_json(made)
        return Exit.DONE
    show(
        [
            line(f"Slot {made.slot.slot} opens with this recovery key. Write it down now: it is kept nowhere."),
            Line(),
            line(Span(made.secret, "strong"), indent=2),
            Line(),
            line("`statekeepd --passphrase prompt` asks for it when every other key is gone."),
        ]
    )
    return Exit.DONE


def export_recovery(client: Client, args: argparse.Namespace) -> int:
    """Make a key file."""
    path = Path(args.file)
    # First the file: a slot whose key could not be kept would be one too many.
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        advice = "Name a new file in a directory that is there."
        raise UnusableInput(f"{path} can't be made: {problem.strerror}.", f"write {path}", advice) from problem
    with os.fdopen(descriptor, "w") as file:
        try:
            made = client.call(KeyExportRecovery())
        except BaseException:
            path.unlink()
            raise
        _write(file.fileno(), path, made)
    if args.json:
        print_json(made.slot)
    else:
        show(
            [line(f"Slot {made.slot.slot} opens with {path}. Keep it where neither this machine nor a thief of it is.")]
        )
    return Exit.DONE


def _write(descriptor: int, path: Path, made: NewKey) -> None:
    try:
        os.write(descriptor, made.secret.encode())
        os.fsync(descriptor)
    except OSError as problem:
        path.unlink()
        advice = f"Slot {made.slot.slot} is there, but its key is lost: repeat this elsewhere; a rewrap drops the slot."
        raise UnusableInput(f"{path} can't be written: {problem.strerror}.", f"write {path}", advice) from problem


def _status(keys: Keys) -> Iterator[Block]:
    yield line(Span("Any of these opens the store:", "strong"))
    columns = (Column("slot", number=True), Column("opens with", whole=True), Column("made", whole=True), Column(""))
    yield Rows(columns, [_slot(slot) for slot in keys.slots], 2)
    for kind in keys.offered:
        text = f"The daemon was given a {kind} that opens nothing yet; `statekeep key rewrap` makes it a slot."
        yield line(Span(text, "waiting"))
    yield Line()
    yield line(Span("What wraps the actors' data keys:", "strong"))
    yield facts(*(_epoch(keys, epoch) for epoch in keys.epochs))
    if keys.rotating:
        yield line(f"A rotation is under way; {count(keys.left, 'actor')} to follow into epoch {keys.epoch}.")
    elif keys.stuck:
        yield from _rotated(keys)


def _slot(slot: KeySlot) -> tuple[str, str, str, str]:
    return (str(slot.slot), slot.kind, date(slot.created), "in use" if slot.held else "")


def _epoch(keys: Keys, epoch: KeyEpoch) -> tuple[str, str]:
    end = ""
    if epoch.retired is not None:
        end = f", key destroyed {date(epoch.retired)}"
    elif keys.left and epoch.epoch != keys.epoch:
        end = ", still needed"
    return f"epoch {epoch.epoch}", f"since {date(epoch.created)}{end}"


def _names(slots: Iterable[KeySlot]) -> str:
    return ", ".join(f"slot {slot.slot} ({slot.kind})" for slot in slots)
