"""A deploy as it is being written: what is typed so far, what it would ask of the daemon, and how it could go on."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast, get_args

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.messages import Deploy, Paths, Preview, PreviewActors
from statekeep.protocol.records import Landing, LandingPolicy, MapLanding, PathNode, PlanRow, Version
from statekeep.tui import look
from statekeep.tui.asking import Asks
from statekeep.tui.cli.arguments import event_path, path_text, read_definition
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.landings import state_map

WILDCARDS: Final = ("*", "**")


class Unready(ValueError):
    """Something is still missing, or can't be read; says what."""


class Draft(NamedTuple):
    """What a form holds."""

    file: str = ""
    version: str = ""
    parent: str = ""
    path: str = ""
    landing: str = ""
    """``replay``, ``strict``, or a map as ``old=new, old=``; nothing is ``replay``."""
    once: bool = False

    def fields(self) -> dict[str, Any]:
        """The version as a request names it. Raises ``Unready``."""
        if not self.file:
            raise Unready("Choose the file of a definition.")
        if not self.version:
            raise Unready("Give the new version a name.")
        try:
            definition = read_definition(Path(self.file).expanduser())
            path = events(self.path)
        except UnusableInput as problem:
            raise Unready(f"{problem} {problem.advice}") from problem
        return {
            "version": self.version,
            "definition": definition,
            "parent": self.parent or None,
            "path": path if self.parent else [],
            "landing": landing(self.landing),
        }

    def landings(self) -> list[str]:
        """The states of the new definition, by their dotted paths; nothing where there is none yet."""
        try:
            return state_paths(self.fields()["definition"])
        except Unready:
            return []

    def preview(self) -> Preview:
        return Preview(**self.fields())

    def deploy(self, digest: str) -> Deploy:
        return Deploy(**self.fields(), digest=digest, once=self.once)

    def actors(self, row: PlanRow, skip: int, limit: int) -> PreviewActors:
        """The request for the actors behind a line of the plan."""
        return PreviewActors(
            **self.fields(),
            outcome=row.outcome,
            state=row.state,
            landing_state=row.landing,
            skip=skip,
            limit=limit,
        )

    def command(self, digest: str | None) -> list[str]:
        """The words that deploy the same in a shell, or preview it where there is no digest yet."""
        words = ["deploy" if digest else "preview", self.file, "--id", self.version]
        if self.parent:
            words += ["--parent", self.parent]
            words += ["--path", path_text(events(self.path))] if self.path else []
        made = landing(self.landing)
        if isinstance(made, MapLanding):
            words += ["--map", ",".join(f"{old}={new or ''}" for old, new in made.map.items())]
        else:
            words += ["--landing", made] if made != "replay" else []
        words += ["--once"] if self.once and digest else []
        return [*words, "--digest", digest] if digest else words


def events(path: str) -> list[str]:
    """The tokens of a path; a comma at its end is one whose event is still to come. Raises ``Unready``."""
    try:
        return event_path(path.strip().removesuffix(",").rstrip())
    except argparse.ArgumentTypeError as problem:
        raise Unready(f"The path: {problem}.") from problem


def landing(text: str) -> Landing:
    """What the field of the landing says. Raises ``Unready``."""
    policy = text.strip() or "replay"
    for known in get_args(LandingPolicy):
        if policy == known:
            return cast("LandingPolicy", known)
    if "=" not in policy:
        raise Unready(f"The landing: {policy!r} is none. Write replay, strict, or a map such as old=new, other=.")
    try:
        return MapLanding(map=state_map([policy.removesuffix(",")]))
    except UnusableInput as problem:
        raise Unready(f"The landing: {problem} Write old.state=new.state, or old.state= where they stay.") from problem


def split(path: str) -> tuple[list[str], str]:
    """The tokens that are complete, and what is typed of the next."""
    *before, word = path.split(",")
    return [token.strip() for token in before], word.strip()


async def continuations(client: Asks, parent: str, path: str) -> list[PathNode]:
    """What the actors of the parent really did next, the most travelled first; nothing where the daemon knows none."""
    before, _ = split(path)
    under = before[: next((n for n, token in enumerate(before) if token in WILDCARDS), len(before))]
    if not parent or not all(before):
        return []
    try:
        page = await client.call(Paths(parent, under, depth=1 if under == before else 8, limit=200))
    except StatekeepError:
        return []  # what is wrong with the parent, the preview says
    below = [node for node in page.nodes if len(node.path) > len(under)]
    if under == before:
        return below
    # Behind a wildcard any event may come: each once, with the most actors that one place has.
    named: dict[str, PathNode] = {}
    for node in sorted(below, key=lambda node: -node.actors):
        named.setdefault(node.path[-1], node)
    return list(named.values())


async def complete_path(client: Asks, parent: str, path: str) -> list[str]:
    """Paths that begin as what is typed."""
    _, word = split(path)
    if word in WILDCARDS:
        return []
    typed = path[: len(path) - len(word)] if word else path
    nodes = await continuations(client, parent, path)
    return [typed + node.path[-1] for node in nodes if node.path[-1].startswith(word)]


def complete_landing(text: str, old: Iterable[str], new: Iterable[str]) -> list[str]:
    """Landings that begin as what is typed: the policies, or a map from the ``old`` states to the ``new``."""
    *before, entry = text.split(",")
    gap = entry[: len(entry) - len(entry.lstrip())]
    name, equals, target = entry.strip().partition("=")
    if equals:
        words = [f"{name}={state}" for state in new if state.startswith(target.lstrip())]
    else:
        policies = get_args(LandingPolicy) if not before else ()
        words = [word for word in (*policies, *(f"{state}=" for state in old)) if word.startswith(name)]
    return [",".join([*before, gap + word]) for word in words]


def state_names(versions: Sequence[Version], parent: str) -> list[str]:
    """The leaves in which actors of the parent stand now."""
    populated = [row.state for version in versions if version.version == parent for row in version.states if row.actors]
    paths = [look.active_paths(value) for value in populated]
    return sorted(
        {path for found in paths for path in found if not any(other.startswith(f"{path}.") for other in found)}
    )


def state_paths(definition: Any, above: str = "") -> list[str]:
    """The dotted paths of the states of a definition, each before those within it; nothing where it has a bad form."""
    within = definition.get("states") if isinstance(definition, dict) else None
    found: list[str] = []
    for name, below in within.items() if isinstance(within, dict) else ():
        found += [f"{above}{name}", *state_paths(below, f"{above}{name}.")]
    return found


def complete_file(text: str) -> list[str]:
    """Directories and definitions that begin as what is typed."""
    typed = Path(text).expanduser()
    directory, beginning = (typed, "") if text.endswith("/") else (typed.parent, typed.name)
    try:
        entries = sorted(directory.iterdir())
    except OSError:
        return []
    kept = text[: len(text) - len(beginning)] if beginning else text
    found = [
        kept + entry.name + ("/" if entry.is_dir() else "")
        for entry in entries
        if entry.name.startswith(beginning) and (entry.suffix == ".json" or entry.is_dir())
    ]
    return [name for name in found if not Path(name).name.startswith(".")]


def complete_name(names: Sequence[str], text: str) -> list[str]:
    """Names that begin as what is typed."""
    return [name for name in names if name.startswith(text)]
