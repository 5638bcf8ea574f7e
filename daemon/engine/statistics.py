"""How the daemon fares: what its batches took in the last minute, and what it has done since its start."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import statekeep
from statekeep.daemon.engine.about import About
from statekeep.daemon.engine.backups import last_backup, shipped
from statekeep.daemon.engine.world import World
from statekeep.daemon.store import SQLITE_VERSION
from statekeep.protocol.messages import Answer, AnyRequest, Refusal, Request, Stats
from statekeep.protocol.records import Percentiles, Record, Statistics

WINDOW: Final = 60_000_000_000
"""Nanoseconds that latencies and rates are about."""

KEPT: Final = 8_192
"""Batches that are kept of the last minute; where there were more, the latest stand for it. One megabyte."""


class Batch(NamedTuple):
    """What one batch took."""

    ended: int
    """Nanoseconds, of a clock that only goes on."""
    requests: int
    events: int
    took: int
    """Nanoseconds, its commit among them."""
    commit: int
    """Nanoseconds; 0 if there was nothing to commit."""


class Meter:
    """Counts and times, batch by batch. It decides nothing: what the engine does never rests on its clock."""

    def __init__(self, now: Callable[[], int] = time.perf_counter_ns) -> None:
        self.now = now
        self.began = now()
        self.requests: Counter[type[Request[Record]]] = Counter()
        self.errors: Counter[str] = Counter()
        self.events = 0
        self._batches: deque[Batch] = deque(maxlen=KEPT)

    def ran(self, requests: Sequence[AnyRequest], events: int, began: int, commit: int) -> None:
        """Note a batch that has just ended."""
        ended = self.now()
        self._batches.append(Batch(ended, len(requests), events, ended - began, commit))
        self.requests.update(map(type, requests))
        self.events += events

    def refused(self, answers: Sequence[Answer | Refusal | None]) -> None:
        """Count the errors among answers."""
        for answer in answers:
            if type(answer) is Refusal:
                self.errors[answer.error.code] += 1

    def recent(self) -> list[Batch]:
        """The batches of the last minute."""
        since = self.now() - WINDOW
        return [batch for batch in self._batches if batch.ended > since]


def stats(world: World, about: About, meter: Meter, watches: Callable[[], int], _: Stats) -> Statistics:
    """The daemon's health in figures."""
    recent, sizes = meter.recent(), world.store.sizes()
    working = [batch for batch in recent if batch.requests]
    since = recent[0].ended if len(recent) == KEPT else meter.began
    seconds = min(WINDOW, meter.now() - since) / 1e9
    return Statistics(
        server=statekeep.__version__,
        sqlite=SQLITE_VERSION,
        uptime=world.clock() - about.started,
        requests=about.requests,
        requests_by_op={str(kind.__struct_config__.tag): count for kind, count in _by_op(meter.requests)},
        errors_by_code=dict(sorted(meter.errors.items())),
        events=meter.events,
        events_per_second=round(sum(batch.events for batch in recent) / max(seconds, 1e-9), 1),
        commits=about.commits,
        commit_ms=_percentiles([batch.commit / 1e6 for batch in recent if batch.commit]),
        batch_ms=_percentiles([batch.took / 1e6 for batch in working]),
        batch_size=_percentiles([float(batch.requests) for batch in working]),
        connections=about.connections,
        watches=watches(),
        position=world.position,
        cohorts_to_sweep=world.sweep.left if world.sweep is not None else 0,
        store_bytes=sizes.store,
        wal_bytes=sizes.wal,
        free_bytes=sizes.free,
        rss_bytes=_resident(),
        backup=last_backup(world.store),
        shipped=shipped(world.store, world.position),
    )


def _by_op(requests: Counter[type[Request[Record]]]) -> list[tuple[type[Request[Record]], int]]:
    """Requests by kind, in the order of their ops' names."""
    return sorted(requests.items(), key=lambda item: str(item[0].__struct_config__.tag))


def _percentiles(values: list[float]) -> Percentiles:
    """The nearest rank of each: a value that did occur."""
    if not values:
        return Percentiles(p50=0.0, p99=0.0, max=0.0)
    values.sort()
    return Percentiles(
        p50=round(values[(len(values) - 1) // 2], 3),
        p99=round(values[-(-99 * len(values) // 100) - 1], 3),
        max=round(values[-1], 3),
    )


def _resident() -> int:
    """Bytes of memory of this process; the second figure of proc(5), /proc/pid/statm."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
