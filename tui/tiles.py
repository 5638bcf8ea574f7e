"""How the daemon is, in a few lines: the tiles of the first screen. What matters most stands in the first two."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from statekeep.protocol.records import Keys, LastBackup, Shipped
from statekeep.tui import look
from statekeep.tui.cli.blocks import Line, Span, line
from statekeep.tui.cli.wording import ago, count, size
from statekeep.tui.feed import World

LATE: Final = 60_000
"""Milliseconds that a change may wait to be shipped before that is called late; a ship comes every few seconds."""


def actors(world: World) -> Sequence[Line]:
    """How many there are, and whether any needs somebody's hand."""
    waiting = sum(version.needs_rescue for version in world.versions)
    rescue = Span(f"! {count(waiting)} need rescue", "bad") if waiting else Span("✓ none to rescue", "good")
    # ``actors`` counts everybody, the finished too.
    erased = f"{count(world.status.erased)} erased" if world.status.erased else "none erased"
    return line(Span(count(world.status.actors), "strong"), " actors"), line(rescue), line(Span(erased, "quiet"))


def activity(world: World, width: int) -> Sequence[Line]:
    """What happens a second, and how many requests share a commit."""
    now, peak = (world.rates[-1], max(world.rates)) if world.rates else (0, 0)
    return (
        line(Span(look.sparkline(world.rates, max(8, width)), "good")),
        line(f"{look.short(now)}/s, peak {look.short(peak)}/s"),
        line(Span(f"batches of {look.short(world.statistics.batch_size.p50)}", "quiet")),
    )


def daemon(world: World, width: int) -> Sequence[Line]:
    """Since when it runs, how long a commit takes, and the epoch of its keys for those who may see that."""
    up = ago(time.time() - world.status.started / 1000).removesuffix(" ago")
    latency = world.statistics.commit_ms
    commits = _fitting(width, f"{latency.p50:.1f} ms", " a commit", f" a commit, p99 {latency.p99:.1f}")
    return (
        line(Span("● up ", "good"), up),
        commits if world.status.commits else line(Span("no commit yet", "quiet")),
        line(_keys(world.keys) if world.keys else Span(count(world.status.connections, "connection"), "quiet")),
    )


def store(world: World, width: int) -> Sequence[Line]:
    """How large it is, and how much of it a lost disk would take along."""
    figures, now = world.statistics, int(time.time() * 1000)
    has = _fitting(width, size(figures.store_bytes), " on disk", f", {size(figures.free_bytes)} free")
    if figures.shipped is None:
        return has, line(_backup(figures.backup, now)), line(Span("not shipped", "quiet"))
    return has, line(_shipped(figures.shipped)), line(_backup(figures.backup, now, also=True))


def _fitting(width: int, figure: str, told: str, more: str) -> Line:
    """A figure and what it is, with more of that where it fits."""
    return line(figure, Span(more if len(figure + more) <= width else told, "quiet"))


def _keys(keys: Keys) -> Span:
    if keys.rotating:
        return Span(f"◔ key epoch {keys.epoch}, {look.short(keys.left)} left", "waiting")
    return Span(f"key epoch {keys.epoch}", "quiet")


def _backup(last: LastBackup | None, now: int, *, also: bool = False) -> Span:
    """The last copy; ``also`` where it is not the only one."""
    if last is None:
        return Span("no backup yet", "quiet" if also else "waiting")
    told = f"backup {ago((now - last.time) / 1000)}"
    return Span(told, "quiet") if last.verified else Span(f"{told}, not tried", "waiting")


def _shipped(shipped: Shipped) -> Span:
    if shipped.failure:
        return Span("! shipping fails", "bad")
    if shipped.time is None:
        return Span("◔ shipping begins", "waiting")
    if shipped.lag >= LATE:
        return Span(f"! shipped {ago(shipped.lag / 1000)}", "bad")
    return Span("✓ shipped" if not shipped.lag else f"✓ shipped, {shipped.lag / 1000:.0f} s behind", "good")
