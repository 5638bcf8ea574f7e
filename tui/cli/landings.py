"""The landing of a version on the command line: ``--landing``, or ``--map`` instead of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any, Final, get_args

from statekeep.protocol.records import Landing, LandingPolicy, MapLanding
from statekeep.tui.cli.arguments import read_object
from statekeep.tui.cli.failures import UnusableInput

_FORM: Final = "Write --map old.state=new.state, or old.state= where actors stay, or name a file with a JSON object."


def add_landing(parser: argparse.ArgumentParser) -> None:
    """Add both options."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--landing",
        choices=get_args(LandingPolicy),
        default="replay",
        help="an event of the history that the new version does not handle is skipped, or keeps the actor where it is "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--map",
        action="append",
        metavar="MAP",
        help="land without a replay, from state to state: OLD=NEW,OLD=NEW or a file with a JSON object; OLD= stays "
        "(may be given several times)",
    )


def landing(args: argparse.Namespace) -> Landing:
    """What the options say. Raises ``UnusableInput``."""
    policy: LandingPolicy = args.landing
    return MapLanding(map=state_map(args.map)) if args.map else policy


def options(args: argparse.Namespace) -> list[str]:
    """The options again, as they were given."""
    given = [word for text in args.map or () for word in ("--map", text)]
    return given + (["--landing", args.landing] if args.landing != "replay" else [])


def state_map(texts: Iterable[str]) -> dict[str, str | None]:
    """The entries of maps, each text ``OLD=NEW,OLD=`` or the name of a file. Raises ``UnusableInput``."""
    names: dict[str, str | None] = {}
    for text in texts:
        more = _pairs(text) if "=" in text else _file(text)
        twice = next((old for old in more if old in names and names[old] != more[old]), None)
        if twice is not None:
            raise UnusableInput(f"The map names {twice!r} twice.", f"read --map {text}", "Name each state once.")
        names |= more
    return names


def _pairs(text: str) -> dict[str, str | None]:
    names: dict[str, str | None] = {}
    for entry in text.split(","):
        old, equals, new = (part.strip() for part in entry.partition("="))
        if not old or not equals or "=" in new or old in names:
            raise UnusableInput(f"{entry!r} is no entry of a map, or comes twice.", f"read --map {text}", _FORM)
        names[old] = new or None
    return names


def _file(name: str) -> dict[str, str | None]:
    found: dict[str, Any] = read_object(name, "state map", _FORM)
    for old, new in found.items():
        if not (new is None or isinstance(new, str)):
            raise UnusableInput(f"{name} maps {old!r} to what is no state.", f"read --map {name}", _FORM)
    return found
