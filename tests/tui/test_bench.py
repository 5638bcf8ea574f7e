"""``bench``: the load, what is counted of it, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from statekeep.protocol.messages import Answer, Get, Refusal
from statekeep.protocol.records import Closed, ErrorBody
from statekeep.tui.cli.bench import _histogram
from statekeep.tui.cli.load import Measured, _answers, apply, frame
from tests.daemon.processes import Daemon, running
from tests.tui.conftest import Run


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A real one, which a load needs."""
    with running(tmp_path) as started:
        yield started


def test_a_load_is_measured_and_drawn(run: Run, daemon: Daemon) -> None:
    """Rate, percentiles and a histogram, in words and as JSON; the daemon has carried out what was counted."""
    printed = run("bench", "--socket", str(daemon.socket), "--seconds", "1", "--connections", "2", "--under-way", "3")
    assert printed.code == 0
    assert "durable events a second (2 connections, 3 under way on each, 1 s)" in printed.out
    assert "p99.9" in printed.out
    assert "█" in printed.out
    found = json.loads(run("bench", "--read", "--json", "--socket", str(daemon.socket), "--seconds", "1").out)
    assert found["per_second"] > 0
    assert found["refused"] == 0
    assert found["milliseconds"]["p50"] <= found["milliseconds"]["p99"]


def test_errors_are_counted_and_end_with_1(daemon: Daemon) -> None:
    """An answer that is an error is an answer, and no success."""
    found = apply(str(daemon.socket), [[frame(Get(99))]], 1, 0.05)
    assert found.refused > 0


def test_answers_are_counted_where_a_read_cuts_them() -> None:
    """The rest is kept for the next read, and errors are told apart."""
    good = msgspec.msgpack.encode(Answer(1, Closed(version="v", position=1, waited=0)))
    bad = msgspec.msgpack.encode(Refusal(1, ErrorBody(code="c", message="m")))
    stream = b"".join(len(body).to_bytes(4) + body for body in (good, bad, good))
    assert _answers(stream) == (3, 1, b"")
    for cut in range(len(stream)):
        first = _answers(stream[:cut])
        rest = _answers(first[2] + stream[cut:])
        assert (first[0] + rest[0], first[1] + rest[1], rest[2]) == (3, 1, b"")


def test_percentiles_and_buckets() -> None:
    """A percentile is an answer's own time; each answer is in one bucket, below its edge."""
    found = Measured(1.0, [float(n) for n in range(1, 101)], 0)
    assert [found.percentile(share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 51.0, 100.0, 100.0]
    buckets = _histogram(found.latencies)
    assert sum(count for _, count in buckets) == 100
    below = 0
    for edge, count in buckets:
        below += count
        assert below == sum(latency <= edge + 1e-9 for latency in found.latencies)


@pytest.mark.parametrize("number", ["0", "-1", "x", "100001"])
def test_nonsense_is_refused(run: Run, number: str) -> None:
    """With what it must be."""
    printed = run("bench", "--seconds", number)
    assert printed.code == 2
    assert "from 1 to 100,000" in printed.err
