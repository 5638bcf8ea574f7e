"""``why``: why an actor is where it is, in sentences made of what is on record."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from statekeep.protocol import Client, errors
from statekeep.protocol.messages import ActorRef, Decisions, Definition, Get, History, Versions
from statekeep.protocol.records import (
    Actor,
    Decision,
    DefinitionText,
    EventRecord,
    HistoryPage,
    MapLanding,
    Record,
    Version,
)
from statekeep.tui.cli.actors import add_actor
from statekeep.tui.cli.arguments import add_command, named
from statekeep.tui.cli.blocks import Line, line
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.wording import count, date, state

if TYPE_CHECKING:
    from statekeep.daemon.routing.rehearsal import Rehearsed

TOLD: Final = 12
"""Events of a history that are named, the last ones."""

_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

_WILDCARDS: Final = {"*": "any event", "**": "any run of events"}


class Why(Record, frozen=True, kw_only=True):
    """What ``--json`` prints."""

    actor: int
    sentences: list[str]


class Case(NamedTuple):
    """All that is on record about one actor."""

    actor: Actor
    spawned_on: str
    spawned_at: int
    events: list[EventRecord]
    decisions: list[Decision]
    """The last about each route, in their order."""
    earlier: list[Decision]
    """The deferrals before them too."""
    versions: dict[str, Version]
    definitions: dict[str, DefinitionText]
    """Those of ``replayed``."""

    @property
    def name(self) -> str:
        return self.actor.key or f"actor {self.actor.id}"

    @property
    def history(self) -> list[str]:
        return [event.event for event in self.events]


def add_commands(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "why",
        tell_why,
        "  statekeep why alice\n  statekeep why alice loan-v2",
    )
    add_actor(parser)
    parser.add_argument(
        "version", type=named, nargs="?", metavar="VERSION", help="only about the route to this version"
    )


def tell_why(client: Client, args: argparse.Namespace) -> int:
    """Tell why."""
    case = _case(client, args.actor)
    if args.version is not None and args.version not in case.versions:
        raise errors.UnknownVersion(args.version, list(case.versions))
    told = paragraphs(case, args.version)
    if args.json:
        print_json(Why(actor=case.actor.id, sentences=told))
    else:
        show(block for number, text in enumerate(told) for block in [*[Line()] * (number > 0), line(text)])
    return 0


def paragraphs(case: Case, version: str | None = None) -> list[str]:
    """Where the actor has come from, then what was decided about each route, or about the one to ``version``."""
    told = [made for made in case.decisions if version in (None, made.route)]
    about = [" ".join(_about(case, made)) for made in told] or [_nothing(case, version)]
    return [_beginning(case), *about]


def replayed(made: Sequence[Decision]) -> list[str]:
    """The versions whose definitions are needed to tell what their replay left out."""
    return list(dict.fromkeys(one.route for one in made if one.skipped or one.outcome == "rescue"))


def case_of(
    actor: Actor,
    history: Sequence[HistoryPage],
    made: Sequence[Decision],
    versions: Iterable[Version],
    definitions: Iterable[DefinitionText],
) -> Case:
    """What is on record about an actor, from all pages of its history and all decisions about it."""
    last = {one.route: one for one in made}
    return Case(
        actor,
        history[0].spawned_on,
        history[0].spawned_at,
        [event for page in history for event in page.events],
        [one for one in made if last[one.route] is one],
        list(made),
        {version.version: version for version in versions},
        {definition.version: definition for definition in definitions},
    )


def _case(client: Client, reference: ActorRef) -> Case:
    actor = client.call(Get(reference))
    made = [one for page in client.pages(Decisions(actor=actor.id, limit=1000)) for one in page.decisions]
    return case_of(
        actor,
        list(client.pages(History(actor.id, limit=1000))),
        made,
        client.call(Versions()).versions,
        [client.call(Definition(route)) for route in replayed(made)],
    )


def _beginning(case: Case) -> str:
    history = "it has processed no event yet"
    if case.events:
        left_out = "" if len(case.events) <= TOLD else f"{count(len(case.events) - TOLD, 'event')}, then "
        history = f"its history is {left_out}{', '.join(case.history[-TOLD:])}"
    where = f"{state(case.actor.state)} on {case.actor.version}"
    status = "" if case.actor.status == "active" else f", {case.actor.status}"
    return (
        f"{case.name} was spawned on {case.spawned_on} at {date(case.spawned_at)}; {history}. It is in {where}{status}."
    )


def _nothing(case: Case, version: str | None) -> str:
    if version is None:
        return f"No route was ever open for it: no version takes over actors of {case.actor.version}."
    parent = case.versions[version].parent
    if parent is None:
        return f"{version} has no parent: no route leads to it."
    return f"{version} takes over actors of {parent}, where {case.name} has not been while the route was open."


def _about(case: Case, made: Decision) -> Iterator[str]:
    """The sentences about one route."""
    whom = f"every actor of {made.version_before}" if not made.path else _whom(made.path)
    yield f"At {date(case.versions[made.route].time)} {made.route} was deployed for {whom}."
    match made.outcome:
        case "migrated":
            yield _migrated(case, made)
            if _by_map(case, made):
                yield f"The state map of {made.route} says so."
            if made.skipped:
                judged = _replayed(case, made)
                yield f"{made.route} does not handle {_skipped(judged)}: the landing skipped that."
        case "diverged":
            yield _diverged(case, made)
        case "pending":
            yield _pending(case, made)
        case "blocked":
            yield _blocked(case, made)
        case "final":
            finished = case.events[-1].time if case.events else case.spawned_at
            yield f"This actor had finished at {date(finished)}, and a finished actor stays as it is."
        case "rescue" if _by_map(case, made):
            yield f"{_refused(case, made)}: the state map of {made.route} has no landing for it."
        case "rescue":
            yield _rescue(case, made)
        case "kept":
            yield f"{_refused(case, made)}, as the state map of {made.route} says."


def _whom(path: Sequence[str]) -> str:
    if len(path) == 2 and path[0] == "**":
        return f"histories in which {_named(path[1:])} comes at some time"
    return f"histories that begin with {_named(path)}"


def _named(tokens: Sequence[str]) -> str:
    return ", ".join(_WILDCARDS.get(token, token) for token in tokens)


def _ordinal(number: int) -> str:
    """``second``, ``21st``."""
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _positions(case: Case, path: Sequence[str]) -> list[int]:
    """Where the path stands after none of the events, after one, and so on: a set of positions each, as bits."""
    from statekeep.daemon.routing.rehearsal import Rehearsal  # noqa: PLC0415 - for those who ask why

    rehearsal = Rehearsal(path, strict=False)
    symbols = map(rehearsal.symbol, case.history)
    return list(accumulate(symbols, rehearsal.path.advance, initial=rehearsal.path.start))


def _migrated(case: Case, made: Decision) -> str:
    assert made.landing is not None
    moved = f"from {state(made.state_before)} to {state(made.landing)}"
    before = [
        one for one in case.decisions if one.position == made.position and one.version_after == made.version_before
    ]
    if before:
        return f"From {made.version_before} it went straight on there, {moved}."
    if made.position == case.versions[made.route].position:
        return f"This actor moved there at once, {moved}."
    if made.events and case.events[made.events - 1].position == made.position:
        event = case.events[made.events - 1]
        done = "completed that" if _completed(case, made) else "ended the claim of a route before it"
        which = f"{_ordinal(made.events)} event, {event.event},"
        return f"This actor's {which} {done} at {date(event.time)}, and it moved {moved}."
    if made.time == case.spawned_at:
        return f"This actor moved there as soon as it was spawned, {moved}."
    return f"A route before it was closed at {date(made.time)}, and this actor moved {moved}."


def _completed(case: Case, made: Decision) -> bool:
    """Whether the event that was the last when it was decided is the one that the path was waiting for."""
    accepting = len([event for event in made.path if event != "**"])
    return not _positions(case, made.path)[made.events - 1] >> accepting & 1


def _diverged(case: Case, made: Decision) -> str:
    number = _positions(case, made.path).index(0)
    stays = f"it stays on {made.version_before} for good"
    if case.actor.version != made.version_before:
        stays = f"{made.route} can never take it over"
    return f"This actor's {_ordinal(number)} event was {case.history[number - 1]}, so {stays}."


def _pending(case: Case, made: Decision) -> str:
    """What the path is still waiting for; the nearest way there, if it has several."""
    furthest = _positions(case, made.path)[-1].bit_length() - 1
    rest = list(made.path)
    for _ in range(furthest):
        while rest.pop(0) == "**":
            pass
    if rest[0] == "**":
        missing = f"as soon as {_named(rest[1:])} {'comes' if len(rest) == 2 else 'come'}"
    else:
        missing = f"if its next {'event is' if len(rest) == 1 else 'events are'} {_named(rest)}"
    return _ended(case, made) or f"This actor moves there {missing}."


def _blocked(case: Case, made: Decision) -> str:
    siblings = [one.route for one in case.earlier if one.outcome == "pending" and one.position <= made.position]
    blocker = [route for route in siblings if case.versions[route].parent == made.version_before][-1]
    if case.actor.version != made.version_before:
        return f"{blocker} came before it and had the first claim, until this actor had moved elsewhere."
    return _ended(case, made) or (
        f"{blocker} came before it, may still take this actor over, and has the first claim. "
        f"`statekeep close {blocker}` would end that claim."
    )


def _ended(case: Case, made: Decision) -> str:
    """Why a deferred route will not be decided any more; empty if it may be."""
    if case.versions[made.route].closed:
        return f"{made.route} was closed before it could take this actor over."
    if case.actor.status != "active":
        return "This actor finished before it could move there."
    return ""


def _rescue(case: Case, made: Decision) -> str:
    judged = _replayed(case, made)
    stays = f"it stayed in {state(made.state_before)} on {made.version_before}"
    if case.actor.needs_rescue and case.actor.version == made.version_before:
        stays = f"it stays on {made.version_before} and needs rescue"
    if not judged.ends:
        return f"This actor's history matches, but its replay on {made.route} does not come to an end: {stays}."
    skips = f"lands strictly and does not handle {_skipped(judged)}"
    return f"This actor's history matches, but {made.route} {skips}: {stays}."


def _by_map(case: Case, made: Decision) -> bool:
    return isinstance(case.versions[made.route].landing, MapLanding)


def _refused(case: Case, made: Decision) -> str:
    """A match without a landing, by a state map."""
    stays = "it stayed there"
    if case.actor.needs_rescue and case.actor.version == made.version_before and made.outcome == "rescue":
        stays = "it stays there and needs rescue"
    return f"This actor's history matched in {state(made.state_before)} on {made.version_before}, but {stays}"


def _replayed(case: Case, made: Decision) -> Rehearsed:
    """The replay of the history that was judged."""
    from statekeep.daemon.routing.rehearsal import Rehearsal  # noqa: PLC0415 - for those who ask why
    from statekeep.daemon.statecharts import Table, load  # noqa: PLC0415

    rehearsal = Rehearsal([], strict=False)
    chart = load(case.definitions[made.route].definition, guards=case.versions[made.route].guards)
    return rehearsal.judge(case.history[: made.events], Table(chart, rehearsal.event_type))


def _skipped(judged: Rehearsed) -> str:
    return f"{count(len(judged.skipped), 'event')} of it ({', '.join(judged.skipped)})"
