"""How counts, notices and statistics read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from statekeep.protocol.records import Counts, Notice, NoticeKind, Percentiles, Statistics
from statekeep.tui.cli.blocks import Block, Column, Line, Rows, Span, Style, facts, line
from statekeep.tui.cli.views import called, unsound
from statekeep.tui.cli.wording import ago, count, date, size, state

_STYLES: Final[dict[NoticeKind, Style]] = {
    "migrated": "good",
    "finished": "strong",
    "erased": "bad",
    "damaged": "bad",
    "deployed": "strong",
    "closed": "waiting",
    "progress": "quiet",
}


def counts(found: Counts) -> Iterator[Block]:
    """A line for each version and state."""
    yield from unsound(found)
    yield line(Span(count(found.actors, "actor"), "strong"))
    if found.rows:
        columns = (Column("version"), Column("state"), Column("status", whole=True), Column("actors", number=True))
        yield Rows(columns, [(row.version, state(row.state), row.status, count(row.actors)) for row in found.rows])


def notice(told: Notice) -> Line:
    """One thing that happened, in a line."""
    who = "" if told.actor is None else called(told.actor, told.key)
    where = "" if told.state is None else f"{state(told.state)} on {told.version}"
    moved = "" if told.version_before is None else f", from {told.version_before}"
    said = {
        "spawned": f"{who} in {where}{moved}",
        "event": f"{who}: {told.event} led to {where}{moved}",
        "migrated": f"{who} to {where}{moved}",
        "finished": f"{who} in {where} ({told.status})",
        "erased": who,
        "damaged": f"{who} on the disk: nothing of this can be told; see `statekeep verify`",
        "deployed": told.version or "",
        "closed": f"the route to {told.version}",
        "progress": f"{told.version}: {count(told.swept or 0)} of {count(told.cohorts or 0, 'cohort')}",
    }[told.kind]
    kind = Span(f"{told.kind:8}", _STYLES.get(told.kind, ""))
    when = date(told.time) if told.time else "at a time unknown"
    return line(Span(f"{when:19}  {told.position:>8}  ", "quiet"), kind, f"  {said}")


def statistics(found: Statistics) -> Iterator[Block]:
    """The daemon's health in figures."""
    yield line(Span(f"statekeepd {found.server}", "strong"), f", started {ago(found.uptime / 1_000)}")
    yield facts(
        ("events", f"{count(found.events)}, {found.events_per_second:,.1f} a second in the last minute"),
        ("requests", f"{count(found.requests)} in {count(found.commits, 'commit')}"),
        ("commit", _spread(found.commit_ms, "ms")),
        ("batch", _spread(found.batch_ms, "ms")),
        ("requests a batch", _spread(found.batch_size, "")),
        ("connections", f"{count(found.connections)}; watches: {count(found.watches)}"),
        ("position", count(found.position)),
        *([("sweep", f"{count(found.cohorts_to_sweep, 'cohort')} to go")] if found.cohorts_to_sweep else []),
        ("store", f"{size(found.store_bytes)}, log {size(found.wal_bytes)}, {size(found.free_bytes)} free"),
        ("memory", size(found.rss_bytes)),
        ("by op", _each(found.requests_by_op)),
        ("errors", Span(_each(found.errors_by_code), "bad" if found.errors_by_code else "")),
    )


def _spread(of: Percentiles, unit: str) -> str:
    return f"p50 {of.p50:,g}, p99 {of.p99:,g}, most {of.max:,g} {unit}".rstrip()


def _each(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {count(number)}" for name, number in numbers.items()) or "none"
