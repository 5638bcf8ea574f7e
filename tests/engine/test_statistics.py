"""Figures of the daemon's health: they add up, and the clock that they rest on decides nothing."""

from __future__ import annotations

import pytest

from statekeep.daemon.engine import Engine, statistics
from statekeep.daemon.engine.statistics import WINDOW, Meter
from statekeep.protocol.errors import Refused
from statekeep.protocol.messages import Get, Send, Spawn, Stats, Watch
from statekeep.protocol.records import Statistics
from tests.engine.stories import deploy
from tests.engine.worlds import ask

MILLISECOND = 1_000_000


def stats(engine: Engine) -> Statistics:
    """What the engine says of itself."""
    found = ask(engine, Stats())
    assert isinstance(found, Statistics)
    return found


def test_what_was_done_is_counted(engine: Engine) -> None:
    """Requests by op, errors by code, events and commits, since the start."""
    deploy(engine, "loan-v1")
    for number in range(3):
        ask(engine, Spawn("loan-v1", key=f"k{number}"))
    engine.run([Send("k0", "SUBMIT_INFO"), Send("k1", "SUBMIT_INFO"), Send("k2", "NOTHING")])
    for _ in range(2):
        with pytest.raises(Refused):
            ask(engine, Get("nobody"))
    engine.watchers.open("me", Watch())
    found = stats(engine)
    assert found.requests_by_op == {"deploy": 1, "get": 2, "send": 3, "spawn": 3}
    assert found.errors_by_code == {"unknown_actor": 2}
    assert (found.requests, found.events, found.commits, found.watches) == (9, 6, 5, 1)
    assert found.position == 6
    assert found.batch_size.max == 3.0
    assert found.uptime > 0
    assert stats(engine).requests_by_op["stats"] == 1


def test_sizes_are_those_of_the_files(engine: Engine) -> None:
    """Of the database, its log, its disk and the process, each within reason."""
    deploy(engine, "loan-v1")
    found = stats(engine)
    assert found.store_bytes + found.wal_bytes > 4_096
    assert found.free_bytes > 1 << 20
    assert 1 << 20 < found.rss_bytes < 1 << 36


def test_percentiles_are_values_that_occurred() -> None:
    """The nearest rank: for a hundred values from 1 to 100 just those, and for none zero."""
    made = statistics._percentiles([float(value) for value in range(100, 0, -1)])
    assert (made.p50, made.p99, made.max) == (50.0, 99.0, 100.0)
    assert statistics._percentiles([3.0]).p99 == 3.0
    assert statistics._percentiles([]).max == 0.0


def test_only_the_last_minute_counts() -> None:
    """Latencies and rates forget what is older; counts don't."""
    now = [0]
    meter = Meter(lambda: now[0])
    meter.ran([Get(1)], 1, -5 * MILLISECOND, 2 * MILLISECOND)
    now[0] = WINDOW - 1
    assert [(batch.took, batch.commit) for batch in meter.recent()] == [(5 * MILLISECOND, 2 * MILLISECOND)]
    now[0] = WINDOW + 1
    meter.ran([Get(1), Get(2)], 0, now[0], 0)
    assert [batch.requests for batch in meter.recent()] == [2]
    assert meter.requests[Get] == 3
    assert meter.events == 1
