"""``metrics`` is what Prometheus reads, under the names that the reference page has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from statekeep.protocol.records import Percentiles, Statistics
from statekeep.tui.cli.metrics import METRICS, lines
from tests.tui.conftest import Asked, Run

PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"
SPREAD = Percentiles(p50=1.5, p99=4.0, max=20.0)
STATISTICS = Statistics(
    server="0.1.0",
    sqlite="3.46.0",
    uptime=61_500,
    requests=8,
    requests_by_op={"send": 7, "get": 1},
    errors_by_code={"unknown_actor": 2},
    events=123_456_789,
    events_per_second=1.5,
    commits=6,
    commit_ms=SPREAD,
    batch_ms=SPREAD,
    batch_size=SPREAD,
    connections=3,
    watches=1,
    position=123_456_790,
    cohorts_to_sweep=4,
    store_bytes=1_048_576,
    wal_bytes=4_096,
    free_bytes=5_000_000_000,
    rss_bytes=60_000_000,
)


def test_samples_are_exact() -> None:
    """Base units, and no digit lost; a label where there are several samples."""
    told = list(lines(STATISTICS))
    assert "statekeep_uptime_seconds 61.5" in told
    assert 'statekeep_requests_total{op="send"} 7' in told
    assert 'statekeep_errors_total{code="unknown_actor"} 2' in told
    assert "statekeep_events_total 123456789" in told
    assert 'statekeep_commit_seconds{quantile="0.99"} 0.004' in told
    assert 'statekeep_batch_requests{quantile="1"} 20' in told
    assert 'statekeep_info{server="0.1.0"} 1' in told
    assert told.index("# TYPE statekeep_watches gauge") + 1 == told.index("statekeep_watches 1")


def test_every_line_is_one_of_the_format() -> None:
    """By the grammar of the text format: each sample below the help and the type of its metric."""
    metric = ""
    for line in lines(STATISTICS):
        if line.startswith("# HELP "):
            metric = line.split()[2]
        elif line.startswith("# TYPE "):
            assert line.split()[2:] in ([metric, "counter"], [metric, "gauge"])
        else:
            assert re.fullmatch(rf'{metric}(\{{[a-z]+="[^"\\\n]*"\}})? [0-9.e+]+', line)


def test_counters_are_called_total_and_nothing_else_is() -> None:
    """As those who write rules over them expect."""
    assert {name.endswith("_total") == (metric.kind == "counter") for name, metric in METRICS.items()} == {True}


def test_the_page_lists_them() -> None:
    """Name, kind, label and help of each."""
    rows = re.findall(r"^\| `(statekeep_\w+)` \| (\w+) \| (?:`(\w+)`)? *\| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(name, metric.kind, metric.label, metric.help) for name, metric in METRICS.items()]


def test_a_text_file_is_replaced_at_once(run: Run, daemon: Asked, tmp_path: Path) -> None:
    """The collector never reads half of one; without a file they are printed."""
    daemon.answers(STATISTICS)
    target = tmp_path / "statekeep.prom"
    assert run("metrics", "--textfile", str(target)) == (0, "", "")
    assert target.read_text() == "".join(f"{line}\n" for line in lines(STATISTICS))
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_they_are_printed(run: Run, daemon: Asked) -> None:
    """For whoever looks on, or has another way to his collector."""
    daemon.answers(STATISTICS)
    assert run("metrics").out.splitlines() == list(lines(STATISTICS))


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb"])
def test_a_label_ends_where_it_ends(value: str) -> None:
    """Whatever is in it."""
    odd = Statistics(**{name: getattr(STATISTICS, name) for name in Statistics.__struct_fields__} | {"server": value})
    (found,) = [line for line in lines(odd) if line.startswith("statekeep_info")]
    assert "\n" not in found
    assert re.fullmatch(r'statekeep_info\{server="(?:[^"\\]|\\.)*"\} 1', found)
