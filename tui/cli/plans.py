"""How versions, plans and changes of the routes read: blocks of each record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from statekeep.protocol.records import (
    Change,
    Closed,
    Deployment,
    DeploymentList,
    Finding,
    MapLanding,
    Plan,
    PlannedPage,
    PlanRow,
    Version,
    VersionList,
)
from statekeep.tui.cli import failures, wording
from statekeep.tui.cli.blocks import Block, Cell, Column, Line, Rows, Span, Style, facts, line
from statekeep.tui.cli.views import OUTCOME_STYLES, unsound
from statekeep.tui.cli.wording import count, date, state

SHOWN_STATES: Final = 6
"""States of a version that its row names, those with the most actors: parallel states have thousands."""

SHOWN_CHANGES: Final = 20
"""Changes of a definition that a preview names: with more, what becomes of the actors would be out of sight."""

BAR: Final = 10
"""Columns of the bar that stands for all cohorts of a change."""


def plan(made: Plan, *, done: bool) -> Iterator[Block]:
    """What a deploy would do, or has done, to the actors of the parent."""
    yield line(summary(made, done=done))
    if made.rows:
        yield Line()
        yield plan_rows(made.rows)
        yield Line()
    if made.changes and not done:
        yield line(Span(f"The definition differs from that of {made.parent}:", "quiet"), indent=2)
        yield from map(change_line, made.changes[:SHOWN_CHANGES])
        if len(made.changes) > SHOWN_CHANGES:
            yield line(f"and {count(len(made.changes) - SHOWN_CHANGES, 'change')} more", indent=4)
        yield Line()
    yield from map(finding, made.warnings)
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


def summary(made: Plan, *, done: bool) -> Span:
    """What becomes of the actors, in a sentence."""
    moved = made.counts.get("migrated", 0)
    stayed = sum(made.counts.values()) - moved
    if not made.parent:
        verb = "is" if done else "would be"
        return Span(f"{made.version} {verb} a root: it has no parent whose actors could move.", "strong")
    if done:
        return Span(f"{count(moved)} migrated to {made.version}, {count(stayed)} stayed.", "strong")
    return Span(f"{count(moved)} would migrate to {made.version}, {count(stayed)} would stay.", "strong")


def change_line(change: Change) -> Line:
    """``+ stuck``, ``- waived: APPROVE -> approved``, ``~ under_review: PAY_FEE -> paid (was awaiting_docs)``."""
    marks: dict[str, tuple[str, Style]] = {"added": ("+", "good"), "removed": ("-", "bad")}
    mark, style = marks.get(change.kind, ("~", "waiting"))
    if change.what == "transition":
        target = change.before if change.kind == "removed" else change.after
        text = f"{change.path}: {change.event} -> {target or 'no target'}"
        was = change.before or "no target"
    else:
        text = f"{change.path}: {change.after}" if change.kind == "changed" else change.path
        was = change.before
    return line(Span(f"{mark} ", style), text, f" (was {was})" if mark == "~" else "", indent=4)


def finding(found: Finding) -> Line:
    """A finding in a line."""
    return line(Span(failures.line(found), "bad" if found.level == "error" else "waiting"), indent=2)


def planned_actors(page: PlannedPage) -> Iterator[Block]:
    """The actors behind a line of a plan."""
    if not page.actors:
        yield line("No such actors.")
        return
    columns = (
        Column("id", number=True),
        Column("key", whole=True),
        Column("state"),
        Column("landing"),
        Column("events", number=True),
        Column("skipped", number=True),
    )
    yield Rows(
        columns,
        [
            (
                str(planned.actor.id),
                planned.actor.key or "-",
                state(planned.actor.state),
                "-" if planned.landing is None else state(planned.landing),
                count(planned.actor.events),
                "-" if planned.landing is None else count(planned.skipped),
            )
            for planned in page.actors
        ],
    )


def versions(found: VersionList) -> Iterator[Block]:
    """All versions, children under their parents, with their populations."""
    yield from unsound(found)
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


def _version(depth: int, version: Version) -> Sequence[Cell]:
    populated = sorted((row for row in version.states if row.actors), key=lambda row: -row.actors)
    states = [f"{state(row.state)} {count(row.actors)}" for row in populated[:SHOWN_STATES]]
    if len(populated) > SHOWN_STATES:
        states.append(f"and {count(len(populated) - SHOWN_STATES, 'state')} more")
    route = wording.path(version.path) if version.parent else "-"
    landing = "map" if isinstance(version.landing, MapLanding) else version.landing
    notes = [note for note, shown in (("closed", version.closed), (landing, landing != "replay")) if shown]
    return [
        Span("  " * depth + version.version, "strong"),
        Span(f"{route} ({', '.join(notes)})", "quiet" if version.closed else "") if notes else route,
        count(version.active + version.finished),
        ", ".join(states) or "-",
        Span(date(version.time), "quiet"),
    ]


def deployments(found: DeploymentList) -> Iterator[Block]:
    """Every change of the routes, in order, and how far it has come."""
    if not found.deployments:
        yield line("No version has been deployed below another yet.")
        return
    columns = (
        Column("time", whole=True),
        Column("kind", whole=True),
        Column("version", whole=True),
        Column("parent", whole=True),
        Column("path"),
        Column("progress", whole=True),
        Column("cohorts", number=True),
    )
    yield Rows(columns, [_deployment(change) for change in found.deployments])


def _deployment(change: Deployment) -> Sequence[Cell]:
    done = change.swept == change.cohorts
    filled = BAR if done else BAR * change.swept // change.cohorts
    return (
        Span(date(change.time), "quiet"),
        change.kind,
        Span(change.version, "strong"),
        change.parent,
        wording.path(change.path),
        Span("█" * filled + "░" * (BAR - filled), "good" if done else "waiting"),
        count(change.cohorts) if done else f"{count(change.swept)} of {count(change.cohorts)}",
    )


def closed(made: Closed) -> Line:
    """What a close did."""
    waited = f"{count(made.waited, 'actor')} that waited for it {'is' if made.waited == 1 else 'are'}"
    then = f"{waited} judged by its later siblings now." if made.waited else "nobody was waiting for it."
    return line(Span(f"{made.version} takes nobody over any more; ", "strong"), then)
