"""``metrics``: the statistics of the daemon as Prometheus reads them.

The names are part of what others build on: docs/reference/metrics.md lists them, and one that is there stays.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from statekeep.protocol import Client
from statekeep.protocol.messages import Stats
from statekeep.protocol.records import Percentiles, Statistics
from statekeep.tui.cli.arguments import Subparsers, add_command
from statekeep.tui.cli.exports import opened
from statekeep.tui.cli.output import print_json


class Metric(NamedTuple):
    """One metric: what kind it is, what it tells, and its samples by the value of its label, if it has one."""

    kind: Literal["counter", "gauge"]
    help: str
    label: str
    samples: Callable[[Statistics], Mapping[str, float]]


def _one(read: Callable[[Statistics], float]) -> Callable[[Statistics], Mapping[str, float]]:
    return lambda found: {"": read(found)}


def _quantiles(
    read: Callable[[Statistics], Percentiles], unit: float = 1
) -> Callable[[Statistics], Mapping[str, float]]:
    def samples(found: Statistics) -> Mapping[str, float]:
        spread = read(found)
        return {"0.5": spread.p50 * unit, "0.99": spread.p99 * unit, "1": spread.max * unit}

    return samples


_MS: Final = 0.001

METRICS: Final[dict[str, Metric]] = {
    "statekeep_info": Metric(
        "gauge", "Always 1; its label is the daemon's version.", "server", lambda s: {s.server: 1}
    ),
    "statekeep_sqlite_info": Metric(
        "gauge", "Always 1; its label is SQLite's version.", "version", lambda s: {s.sqlite: 1}
    ),
    "statekeep_uptime_seconds": Metric("gauge", "Since the daemon's start.", "", _one(lambda s: s.uptime * _MS)),
    "statekeep_requests_total": Metric("counter", "Requests since the start.", "op", lambda s: s.requests_by_op),
    "statekeep_errors_total": Metric(
        "counter", "Refused requests since the start.", "code", lambda s: s.errors_by_code
    ),
    "statekeep_events_total": Metric(
        "counter", "What took a position since the start: spawns, events, deploys.", "", _one(lambda s: s.events)
    ),
    "statekeep_commits_total": Metric("counter", "Durable commits since the start.", "", _one(lambda s: s.commits)),
    "statekeep_commit_seconds": Metric(
        "gauge", "Time of a durable commit, last minute.", "quantile", _quantiles(lambda s: s.commit_ms, _MS)
    ),
    "statekeep_batch_seconds": Metric(
        "gauge", "Time of a whole batch of requests, last minute.", "quantile", _quantiles(lambda s: s.batch_ms, _MS)
    ),
    "statekeep_batch_requests": Metric(
        "gauge", "Requests of one batch, last minute.", "quantile", _quantiles(lambda s: s.batch_size)
    ),
    "statekeep_connections": Metric("gauge", "Open connections.", "", _one(lambda s: s.connections)),
    "statekeep_watches": Metric("gauge", "Open watches.", "", _one(lambda s: s.watches)),
    "statekeep_position": Metric(
        "gauge", "The last position: everything that ever happened.", "", _one(lambda s: s.position)
    ),
    "statekeep_sweep_cohorts": Metric(
        "gauge", "Cohorts that a deploy or close has yet to reach.", "", _one(lambda s: s.cohorts_to_sweep)
    ),
    "statekeep_store_bytes": Metric("gauge", "Size of the database.", "", _one(lambda s: s.store_bytes)),
    "statekeep_wal_bytes": Metric("gauge", "Size of its write-ahead log.", "", _one(lambda s: s.wal_bytes)),
    "statekeep_free_bytes": Metric("gauge", "Free on the disk of the store.", "", _one(lambda s: s.free_bytes)),
    "statekeep_resident_bytes": Metric("gauge", "Memory of the daemon.", "", _one(lambda s: s.rss_bytes)),
}
"""By name, in the order in which they are written."""


def add_commands(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "metrics",
        metrics,
        "print the daemon's statistics as Prometheus reads them",
        "  statekeep metrics\n  statekeep metrics --textfile /var/lib/prometheus/node-exporter/statekeep.prom",
    )
    parser.add_argument(
        "--textfile", default="-", metavar="FILE", help="replace this file at once, for the collector of node_exporter"
    )


def metrics(client: Client, args: argparse.Namespace) -> int:
    """Write the metrics."""
    found = client.call(Stats())
    if args.json:
        print_json(found)
        return 0
    with opened(args.textfile) as file:
        file.writelines(line + "\n" for line in lines(found))
    return 0


def lines(found: Statistics) -> Iterator[str]:
    """The text format of Prometheus, version 0.0.4."""
    for name, metric in METRICS.items():
        yield f"# HELP {name} {metric.help}"
        yield f"# TYPE {name} {metric.kind}"
        for value, sample in metric.samples(found).items():
            label = f'{{{metric.label}="{_escaped(value)}"}}' if metric.label else ""
            yield f"{name}{label} {sample:.12g}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
