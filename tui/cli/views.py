"""How each record reads: blocks of a version, a plan, an actor, its events and the decisions about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from statekeep.protocol.messages import (
    Actor,
    ActorPage,
    Decision,
    DecisionPage,
    Finding,
    HistoryPage,
    Outcome,
    Plan,
    PlanRow,
    Sent,
    ServerStatus,
    Version,
    VersionList,
)
from statekeep.tui.cli import failures, wording
from statekeep.tui.cli.blocks import Block, Cell, Column, Line, Rows, Span, Style, facts, line
from statekeep.tui.cli.wording import count, date, moment, state

SHOWN_STATES: Final = 6
"""States of a version that its row names, those with the most actors: parallel states have thousands."""

OUTCOME_STYLES: Final[dict[Outcome, Style]] = {
    "migrated": "good",
    "diverged": "quiet",
    "pending": "waiting",
    "blocked": "waiting",
    "final": "quiet",
    "rescue": "bad",
}


def plan(made: Plan, *, done: bool) -> Iterator[Block]:
    """What a deploy would do, or has done, to the actors of the parent."""
    yield line(_summary(made, done=done))
    if made.rows:
        yield Line()
        yield plan_rows(made.rows)
        yield Line()
    yield from map(_finding, made.warnings)
    yield facts(("digest", made.digest), ("judged", count(made.histories, "distinct history")))


def plan_rows(rows: Iterable[PlanRow]) -> Rows:
    """Actors by what happens to them."""
    columns = (
        Column("outcome", whole=True),
        Column("state"),
        Column("landing"),
        Column("actors", number=True),
        Column("skipped events", number=True),
    )
    return Rows(
        columns,
        [
            (
                Span(row.outcome, OUTCOME_STYLES[row.outcome]),
                state(row.state),
                "-" if row.landing is None else state(row.landing),
                count(row.actors),
                count(row.skipped) if row.landing is not None else "-",
            )
            for row in rows
        ],
        indent=2,
    )


def _summary(made: Plan, *, done: bool) -> Span:
    moved = made.counts.get("migrated", 0)
    stayed = sum(made.counts.values()) - moved
    if not made.parent:
        verb = "is" if done else "would be"
        return Span(f"{made.version} {verb} a root: it has no parent whose actors could move.", "strong")
    if done:
        return Span(f"{count(moved)} migrated to {made.version}, {count(stayed)} stayed.", "strong")
    return Span(f"{count(moved)} would migrate to {made.version}, {count(stayed)} would stay.", "strong")


def _finding(found: Finding) -> Line:
    return line(Span(failures.line(found), "bad" if found.level == "error" else "waiting"), indent=2)


def versions(found: VersionList) -> Iterator[Block]:
    """All versions, children under their parents, with their populations."""
    if not found.versions:
        yield line("No version is deployed. `statekeep deploy FILE --id NAME` deploys the first.")
        return
    columns = (
        Column("version", whole=True),
        Column("path"),
        Column("actors", number=True),
        Column("states"),
        Column("deployed", whole=True),
    )
    yield Rows(columns, [_version(depth, version) for depth, version in _forest(found.versions, None, 0)])
    for version in found.versions:
        if version.needs_rescue:
            yield line(Span(f"{count(version.needs_rescue, 'actor')} of {version.version} need rescue.", "bad"))


def _forest(found: list[Version], parent: str | None, depth: int) -> Iterator[tuple[int, Version]]:
    for version in found:
        if version.parent == parent:
            yield depth, version
            yield from _forest(found, version.version, depth + 1)


def _version(depth: int, version: Version) -> list[Cell]:
    populated = sorted((row for row in version.states if row.actors), key=lambda row: -row.actors)
    states = [f"{state(row.state)} {count(row.actors)}" for row in populated[:SHOWN_STATES]]
    if len(populated) > SHOWN_STATES:
        states.append(f"and {count(len(populated) - SHOWN_STATES, 'state')} more")
    return [
        Span("  " * depth + version.version, "strong"),
        wording.path(version.path) if version.parent else "-",
        count(version.active + version.finished),
        ", ".join(states) or "-",
        Span(date(version.time), "quiet"),
    ]


def actor(found: Actor) -> Iterator[Block]:
    """One actor as it stands."""
    yield line(Span(called(found.id, found.key), "strong"))
    yield facts(
        ("version", found.version),
        ("state", Span(state(found.state), "strong")),
        ("status", found.status),
        *([("tags", ", ".join(found.tags))] if found.tags else []),
        *([("needs rescue", Span("yes", "bad"))] if found.needs_rescue else []),
        ("history", f"{count(found.events, 'event')}, fingerprint {found.fingerprint}"),
        ("context", _json(found.context)),
        ("position", count(found.position)),
    )


def actors(page: ActorPage) -> Iterator[Block]:
    """A table of actors."""
    if not page.actors:
        yield line("No such actors.")
        return
    columns = (
        Column("id", number=True),
        Column("key", whole=True),
        Column("version"),
        Column("state"),
        Column("status", whole=True),
        Column("events", number=True),
    )
    yield Rows(
        columns,
        [
            (
                str(found.id),
                found.key or "-",
                found.version,
                state(found.state),
                Span("needs rescue", "bad") if found.needs_rescue else found.status,
                count(found.events),
            )
            for found in page.actors
        ],
    )


def sent(made: Sent, name: str, event: str) -> Line:
    """What one event did."""
    where = f"{state(made.state)} on {made.version}"
    if not made.handled:
        return line(Span("not handled: ", "waiting"), f"{name} is in {where}, which takes no {event}; nothing changed")
    moved = f", migrated from {made.migrated_from}" if made.migrated_from else ""
    return line(
        f"{name}: {event} led to ",
        Span(where, "strong"),
        f" ({made.status}, {count(made.events, 'event')}{moved})",
    )


def history(page: HistoryPage) -> Iterator[Block]:
    """The events of an actor, oldest first."""
    yield line(Span(f"actor {page.id}", "strong"), f" spawned on {page.spawned_on} at {moment(page.spawned_at)}")
    if not page.events:
        yield line("No events here.", indent=2)
        return
    columns = (
        Column("#", number=True),
        Column("event"),
        Column("state"),
        Column("version"),
        Column("payload"),
        Column("time"),
    )
    yield Rows(
        columns,
        [
            (
                count(event.number),
                event.event,
                state(event.state),
                event.version,
                _json(event.payload),
                Span(date(event.time), "quiet"),
            )
            for event in page.events
        ],
        indent=2,
    )


def decision(made: Decision) -> Iterator[Block]:
    """One decision in full."""
    before = f"{state(made.state_before)} on {made.version_before}"
    after = f" -> {state(made.landing)} on {made.version_after}" if made.landing is not None else ", and stays"
    yield line(
        Span(made.outcome, OUTCOME_STYLES[made.outcome]),
        ": ",
        Span(called(made.actor, made.key), "strong"),
        f", route to {made.route}",
    )
    yield facts(
        ("state", before + after),
        ("history", f"{count(made.events, 'event')}, fingerprint {made.fingerprint}"),
        ("path", f"{wording.path(made.path)}, hash {made.path_hash}"),
        ("skipped", count(made.skipped, "event")),
        ("time", moment(made.time)),
        ("position", count(made.position)),
    )


def decisions(page: DecisionPage) -> Iterator[Block]:
    """Decisions in full, one after the other."""
    if not page.decisions:
        yield line("No such decisions.")
    for number, made in enumerate(page.decisions):
        if number:
            yield Line()
        yield from decision(made)


def route(page: DecisionPage) -> Iterator[Block]:
    """Decisions about one route, a line for each actor."""
    if not page.decisions:
        yield line("No such decisions.")
        return
    first = page.decisions[0]
    yield line(Span(f"{first.version_before} -> {first.route}", "strong"))
    yield facts(("path", wording.path(first.path)), ("hash", first.path_hash))
    yield Line()
    columns = (
        Column("actor", whole=True),
        Column("outcome", whole=True),
        Column("state -> landing"),
        Column("events", number=True),
        Column("fingerprint", whole=True),
        Column("position", number=True),
    )
    yield Rows(columns, [_route_row(made) for made in page.decisions])


def _route_row(made: Decision) -> Sequence[Cell]:
    landing = "" if made.landing is None else f" -> {state(made.landing)}"
    return (
        made.key or str(made.actor),
        Span(made.outcome, OUTCOME_STYLES[made.outcome]),
        state(made.state_before) + landing + (f", {made.skipped} skipped" if made.skipped else ""),
        count(made.events),
        made.fingerprint,
        count(made.position),
    )


def status(found: ServerStatus) -> Iterator[Block]:
    """The daemon in figures."""
    yield line(Span(f"statekeepd {found.server}", "strong"), f", process {found.pid}, up since {moment(found.started)}")
    yield facts(
        ("socket", found.socket),
        ("store", f"{found.store} (SQLite {found.sqlite})"),
        ("versions", count(found.versions)),
        ("actors", count(found.actors)),
        ("finished", count(found.finished)),
        ("cohorts", count(found.cohorts)),
        ("histories", f"{count(found.histories)} distinct"),
        ("event types", count(found.event_types)),
        ("position", count(found.position)),
        ("connections", count(found.connections)),
        ("since start", f"{count(found.requests, 'request')} in {count(found.commits, 'commit')}"),
    )


def called(number: int, key: str | None) -> str:
    """An actor by its key, if it has one, and its id."""
    return f"actor {number}" if key is None else f"{key} (actor {number})"


def _json(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
