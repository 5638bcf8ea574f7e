"""The tiles of the first screen say what is well, and mark what is not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from msgspec.structs import replace

from statekeep.protocol.records import LastBackup, Shipped
from statekeep.tui import tiles
from statekeep.tui.feed import World
from tests.tui import records

NOW = 1_700_000_000_000
BACKUP = LastBackup(position=7, time=NOW - 7_200_000, size=1 << 20, verified=True)
SHIPPED = Shipped(directory="/backup", position=7, behind=0, time=NOW)


def world(**figures: Any) -> World:
    """A look at a daemon with these statistics."""
    return World(records.STATUS, [], [], (), replace(records.STATISTICS, **figures), None, None, changed=True)


def told(lines: Any) -> list[tuple[str, str]]:
    """Lines with the style of their last span."""
    return [("".join(getattr(span, "text", span) for span in one.spans), one.spans[-1].style) for one in lines]


@pytest.mark.parametrize(
    ("backup", "shipped", "second", "third"),
    [
        (None, None, ("no backup yet", "waiting"), ("not shipped", "quiet")),
        (BACKUP, None, ("backup 2 h ago", "quiet"), ("not shipped", "quiet")),
        (replace(BACKUP, verified=False), None, ("backup 2 h ago, not tried", "waiting"), ("not shipped", "quiet")),
        (BACKUP, SHIPPED, ("✓ shipped", "good"), ("backup 2 h ago", "quiet")),
        (None, replace(SHIPPED, lag=2_000), ("✓ shipped, 2 s behind", "good"), ("no backup yet", "quiet")),
        (None, replace(SHIPPED, lag=7_200_000), ("! shipped 2 h ago", "bad"), ("no backup yet", "quiet")),
        (None, replace(SHIPPED, time=None), ("◔ shipping begins", "waiting"), ("no backup yet", "quiet")),
        (None, replace(SHIPPED, failure="full"), ("! shipping fails", "bad"), ("no backup yet", "quiet")),
    ],
)
def test_the_store_says_how_much_a_lost_disk_would_take(
    monkeypatch: pytest.MonkeyPatch,
    backup: LastBackup | None,
    shipped: Shipped | None,
    second: tuple[str, str],
    third: tuple[str, str],
) -> None:
    """The nearer copy stands first; one that is late, failing, or was never tried is marked."""
    monkeypatch.setattr(time, "time", lambda: NOW / 1000)
    _, *lines = told(tiles.store(world(backup=backup, shipped=shipped), 30))
    assert lines == [second, third]


def test_a_narrow_tile_says_less() -> None:
    """What would be cut is left out."""
    assert told(tiles.store(world(), 16))[0][0] == "12.0 MiB on disk"
    assert told(tiles.store(world(), 30))[0][0] == "12.0 MiB, 2.0 GiB free"


def test_before_the_first_commit_there_is_no_latency() -> None:
    """Zero milliseconds would be said of a daemon that has written nothing."""
    found = world()
    _, latency, _ = tiles.daemon(found, 30)
    assert latency.spans[0] == "0.8 ms"
    _, latency, _ = tiles.daemon(found._replace(status=replace(found.status, commits=0)), 30)
    assert told([latency]) == [("no commit yet", "quiet")]
