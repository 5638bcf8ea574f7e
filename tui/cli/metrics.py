"""``metrics``: the daemon in figures, in the text format of Prometheus, for node_exporter's textfile collector."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, NamedTuple

from statekeep.protocol import Client
from statekeep.protocol.errors import NotAnswered
from statekeep.protocol.messages import Stats, StatusRequest, Versions
from statekeep.protocol.records import Percentiles, ServerStatus, Statistics, Version
from statekeep.tui.cli.arguments import add_local
from statekeep.tui.cli.exports import refuse_directory
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.parser import Subparsers


class Metric(NamedTuple):
    """One name, and what its figures mean."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str


METRICS: Final = (
    Metric("statekeep_up", "gauge", "1 if the daemon answered, else 0 and nothing else is written."),
    Metric("statekeep_info", "gauge", "Always 1; the labels name the versions of daemon and SQLite."),
    Metric("statekeep_start_time_seconds", "gauge", "When the daemon was started, in seconds since 1970."),
    Metric("statekeep_position", "counter", "Everything that has happened in the store: events, spawns, deploys."),
    Metric("statekeep_requests_total", "counter", "Requests since the start, by op."),
    Metric("statekeep_errors_total", "counter", "Refusals since the start, by code."),
    Metric("statekeep_events_total", "counter", "What has taken a position since the start."),
    Metric("statekeep_commits_total", "counter", "Transactions since the start."),
    Metric("statekeep_commit_seconds", "gauge", "Time of one durable commit, by quantile of the last minute."),
    Metric("statekeep_batch_seconds", "gauge", "Time of a whole batch of requests, likewise."),
    Metric("statekeep_batch_requests", "gauge", "Requests of one batch, likewise."),
    Metric("statekeep_connections", "gauge", "Clients that are connected."),
    Metric("statekeep_watches", "gauge", "Those that watch what happens."),
    Metric("statekeep_store_bytes", "gauge", "Size of the store."),
    Metric("statekeep_wal_bytes", "gauge", "Size of the write-ahead log beside it."),
    Metric("statekeep_free_bytes", "gauge", "Free on the file system of the store."),
    Metric("statekeep_memory_bytes", "gauge", "Memory of the daemon's process."),
    Metric("statekeep_actors", "gauge", "Actors that are not erased."),
    Metric("statekeep_actors_finished", "gauge", "Those of them that have finished."),
    Metric("statekeep_actors_erased", "gauge", "Actors that were erased."),
    Metric("statekeep_cohorts", "gauge", "Groups of actors with one version and one history."),
    Metric("statekeep_histories", "gauge", "Distinct histories."),
    Metric("statekeep_event_types", "gauge", "Distinct event types."),
    Metric("statekeep_version_actors", "gauge", "Actors of each version."),
    Metric("statekeep_version_needs_rescue", "gauge", "Actors of each version whose landing was refused."),
    Metric("statekeep_backup_time_seconds", "gauge", "When the last backup was begun, in seconds since 1970."),
    Metric("statekeep_backup_bytes", "gauge", "Its size."),
    Metric("statekeep_backup_verified", "gauge", "1 if it was restored, to try it out, else 0."),
    Metric("statekeep_shipped_position", "counter", "Up to where what is shipped could be restored."),
    Metric("statekeep_shipped_lag_seconds", "gauge", "For how long the oldest change that is not shipped has waited."),
    Metric("statekeep_shipped_behind_bytes", "gauge", "Bytes of the log that are not shipped."),
    Metric("statekeep_shipping", "gauge", "1 if shipping goes on, 0 if it does not."),
    Metric("statekeep_sweep_cohorts_left", "gauge", "Cohorts that the deploy or close under way has not reached yet."),
)
"""In the order in which they are written."""


class Sample(NamedTuple):
    """A figure of a metric."""

    name: str
    value: int | float
    labels: Mapping[str, str] = {}


def add_commands(subparsers: Subparsers) -> None:
    """Add ``metrics``."""
    parser = add_local(
        subparsers,
        "metrics",
        write_metrics,
        "  statekeep metrics\n  statekeep metrics --textfile /run/statekeep-metrics/statekeep.prom",
    )
    parser.add_argument(
        "--textfile", type=Path, metavar="FILE", help="write this file, all at once, for node_exporter to read"
    )


def write_metrics(args: argparse.Namespace) -> int:
    """Write the figures; that the daemon does not answer is one of them."""
    unreachable: NotAnswered | None = None
    try:
        with closing(Client(args.socket)) as client:
            samples = list(_samples(client))
    except NotAnswered as error:
        samples, unreachable = [Sample("statekeep_up", 0)], error
    text = exposition(samples)
    if args.textfile is None:
        sys.stdout.write(text)
    else:
        _replace(args.textfile, text)
    if unreachable is not None:
        raise unreachable
    return Exit.DONE


def _samples(client: Client) -> Iterator[Sample]:
    yield from of_status(client.call(StatusRequest()))
    yield from of_statistics(client.call(Stats()))
    yield from of_versions(client.call(Versions()).versions)


def of_status(found: ServerStatus) -> Iterator[Sample]:
    """The figures of ``status``."""
    yield Sample("statekeep_up", 1)
    yield Sample("statekeep_info", 1, {"version": found.server, "sqlite": found.sqlite})
    yield Sample("statekeep_start_time_seconds", found.started / 1000)
    yield Sample("statekeep_position", found.position)
    yield Sample("statekeep_actors", found.actors)
    yield Sample("statekeep_actors_finished", found.finished)
    yield Sample("statekeep_actors_erased", found.erased)
    yield Sample("statekeep_cohorts", found.cohorts)
    yield Sample("statekeep_histories", found.histories)
    yield Sample("statekeep_event_types", found.event_types)


def of_statistics(found: Statistics) -> Iterator[Sample]:
    """The figures of ``stats``."""
    for op, number in found.requests_by_op.items():
        yield Sample("statekeep_requests_total", number, {"op": op})
    for code, number in found.errors_by_code.items():
        yield Sample("statekeep_errors_total", number, {"code": code})
    yield Sample("statekeep_events_total", found.events)
    yield Sample("statekeep_commits_total", found.commits)
    yield from _quantiles("statekeep_commit_seconds", found.commit_ms, 1000)
    yield from _quantiles("statekeep_batch_seconds", found.batch_ms, 1000)
    yield from _quantiles("statekeep_batch_requests", found.batch_size, 1)
    yield Sample("statekeep_connections", found.connections)
    yield Sample("statekeep_watches", found.watches)
    yield Sample("statekeep_sweep_cohorts_left", found.cohorts_to_sweep)
    yield Sample("statekeep_store_bytes", found.store_bytes)
    yield Sample("statekeep_wal_bytes", found.wal_bytes)
    yield Sample("statekeep_free_bytes", found.free_bytes)
    yield Sample("statekeep_memory_bytes", found.rss_bytes)
    yield from _backups(found)


def _backups(found: Statistics) -> Iterator[Sample]:
    if (backup := found.backup) is not None:
        yield Sample("statekeep_backup_time_seconds", backup.time / 1000)
        yield Sample("statekeep_backup_bytes", backup.size)
        yield Sample("statekeep_backup_verified", int(backup.verified))
    if (shipped := found.shipped) is not None:
        yield Sample("statekeep_shipped_position", shipped.position)
        yield Sample("statekeep_shipped_lag_seconds", shipped.lag / 1000)
        yield Sample("statekeep_shipped_behind_bytes", shipped.unshipped)
        yield Sample("statekeep_shipping", int(not shipped.failure))


def _quantiles(name: str, of: Percentiles, units: int) -> Iterator[Sample]:
    for quantile, value in (("0.5", of.p50), ("0.99", of.p99), ("1", of.max)):
        yield Sample(name, value / units, {"quantile": quantile})


def of_versions(found: Iterable[Version]) -> Iterator[Sample]:
    """The populations. Who may see the figures sees the names of the versions."""
    for version in found:
        labels = {"version": version.version}
        yield Sample("statekeep_version_actors", version.active, labels | {"status": "active"})
        yield Sample("statekeep_version_actors", version.finished, labels | {"status": "finished"})
        yield Sample("statekeep_version_needs_rescue", version.needs_rescue, labels)


def exposition(samples: Iterable[Sample]) -> str:
    """The text: each metric with its help and type, then its figures."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines = []
    for metric in METRICS:
        if found := by_name.pop(metric.name, []):
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
            lines += [f"{metric.name}{_labels(sample.labels)} {sample.value}" for sample in found]
    assert not by_name, "every figure belongs to a metric"
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _replace(path: Path, text: str) -> None:
    """Write a file that is there as a whole or not at all: it is read at any moment, and by others."""
    refuse_directory(path)
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(0o644)
        unfinished.replace(path)
    except OSError as problem:
        unfinished.unlink(missing_ok=True)
        advice = "Name a file in a directory that this user may write."
        raise UnusableInput(f"{path} can't be written: {problem.strerror}.", f"write {unfinished}", advice) from problem
