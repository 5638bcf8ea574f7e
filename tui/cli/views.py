"""How an actor, its events, the decisions about it and the daemon itself read: blocks of each record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import UNSET

from statekeep.protocol.records import (
    Actor,
    ActorPage,
    Counts,
    Decision,
    DecisionPage,
    HistoryPage,
    LastBackup,
    Outcome,
    Sent,
    ServerStatus,
    Shipped,
    VersionList,
)
from statekeep.tui.cli import wording
from statekeep.tui.cli.blocks import Block, Cell, Column, Line, Rows, Span, Style, facts, line
from statekeep.tui.cli.wording import UNSOUND, count, date, moment, state

OUTCOME_STYLES: Final[dict[Outcome, Style]] = {
    "migrated": "good",
    "diverged": "quiet",
    "pending": "waiting",
    "blocked": "waiting",
    "final": "quiet",
    "rescue": "bad",
    "kept": "quiet",
}


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
        *([("accepts", ", ".join(found.accepts))] if found.accepts else []),
        ("position", count(found.position)),
        ("last event", moment(found.updated)),
    )


def unsound(answer: ActorPage | Counts | VersionList) -> Iterator[Block]:
    """A warning, if the actors on the disk are not what was written."""
    if answer.damaged:
        yield line(Span(UNSOUND, "bad"))


def actors(page: ActorPage) -> Iterator[Block]:
    """A table of actors."""
    yield from unsound(page)
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
    moved += ", as answered before" if made.repeated else ""
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
    patched = any(event.context is not UNSET for event in page.events)
    columns = (
        Column("#", number=True),
        Column("event"),
        Column("state"),
        Column("version"),
        Column("payload"),
        *([Column("context")] if patched else []),
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
                *(
                    ["-" if event.context is UNSET else json.dumps(event.context, ensure_ascii=False)]
                    if patched
                    else []
                ),
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
    """Decisions about one route, a line for each actor, and who is left out."""
    if page.decisions:
        yield from _route_rows(page)
    elif not (page.erased or page.damaged):
        yield line("No such decisions.")
    if page.erased:
        ids = ", ".join(f"{found.id} ({date(found.time)})" for found in page.erased)
        yield line(Span("erased", "quiet"), f", and perhaps decided before: {ids}")
    if page.damaged:
        ids = ", ".join(map(str, page.damaged))
        yield line(Span("damaged", "bad"), f", so that nothing of them can be told: {ids}; see `statekeep verify`")


def _route_rows(page: DecisionPage) -> Iterator[Block]:
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
        *([("erased", count(found.erased))] if found.erased else []),
        ("cohorts", count(found.cohorts)),
        ("histories", f"{count(found.histories)} distinct"),
        ("event types", count(found.event_types)),
        ("position", count(found.position)),
        ("connections", count(found.connections)),
        *([("last backup", _backup(found.backup))] if found.backup else []),
        *([("shipped", _shipped(found.shipped))] if found.shipped else []),
        ("since start", f"{count(found.requests, 'request')} in {count(found.commits, 'commit')}"),
    )


def _backup(found: LastBackup) -> str:
    verified = "verified" if found.verified else "not verified"
    return f"{moment(found.time)}, {count(found.size, 'byte')}, {verified}"


def _shipped(found: Shipped) -> str:
    when = "nothing yet" if found.time is None else f"up to position {count(found.position)}, {moment(found.time)}"
    behind = f", {count(found.behind, 'position')} behind" if found.behind else ""
    if found.lag:
        behind += f", for {found.lag / 1000:,.1f} s"
    failure = f"; it does not go on: {found.failure}" if found.failure else ""
    return f"{found.directory}: {when}{behind}{failure}"


def called(number: int, key: str | None) -> str:
    """An actor by its key, if it has one, and its id."""
    return f"actor {number}" if key is None else f"{key} (actor {number})"


def _json(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
