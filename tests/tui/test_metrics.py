"""``metrics``: the text that Prometheus reads."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from statekeep.protocol.records import LastBackup, Shipped
from statekeep.testing import StateKeep
from statekeep.tui.cli.metrics import METRICS, exposition, of_statistics, of_versions
from tests.tui import records
from tests.tui.conftest import Run

LOAN = {"initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {"type": "final"}}}
LINE = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\.)*",?)*\})? -?[0-9.]+(e[-+][0-9]+)?')
"""A figure as the format has it."""


def figures(text: str) -> dict[str, float]:
    """The figures by their names with labels."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_the_figures_are_those_of_the_daemon(run: Run, statekeep: StateKeep) -> None:
    """And every metric has a figure, with its help and type before it."""
    statekeep.deploy("loan", LOAN)
    statekeep.spawn("loan").send("GO")
    statekeep.spawn("loan")
    code, out, err = run("metrics")
    assert (code, err) == (0, "")
    found = figures(out)
    assert found["statekeep_up"] == 1
    assert (found["statekeep_actors"], found["statekeep_actors_finished"]) == (2, 1)
    assert found['statekeep_version_actors{version="loan",status="active"}'] == 1
    assert found["statekeep_position"] == statekeep.client.status().position
    assert found['statekeep_requests_total{op="spawn"}'] == 2
    assert found["statekeep_store_bytes"] > 0
    written = re.findall(r"^# TYPE (\w+)", out, re.MULTILINE)
    none = re.compile("statekeep_(errors_total|backup_.*|shipp.*)")  # there were none
    assert written == [metric.name for metric in METRICS if not none.fullmatch(metric.name)]


def test_times_are_seconds() -> None:
    """As Prometheus has it, whatever the daemon counts in; refusals have their code."""
    found = figures(exposition(of_statistics(records.STATISTICS)))
    assert found['statekeep_commit_seconds{quantile="0.99"}'] == 0.0025
    assert found['statekeep_errors_total{code="busy"}'] == 2
    backup = LastBackup(position=9, time=60_500, size=4_096, verified=True)
    shipped = Shipped(directory="/s", position=8, behind=1, lag=2_500, unshipped=100)
    more = msgspec.structs.replace(records.STATISTICS, backup=backup, shipped=shipped)
    text = exposition(of_statistics(more))
    assert (
        figures(text).items()
        >= {
            "statekeep_backup_time_seconds": 60.5,
            "statekeep_backup_bytes": 4_096,
            "statekeep_backup_verified": 1,
            "statekeep_shipped_position": 8,
            "statekeep_shipped_lag_seconds": 2.5,
            "statekeep_shipped_behind_bytes": 100,
            "statekeep_shipping": 1,
        }.items()
    )
    stopped = msgspec.structs.replace(more, shipped=msgspec.structs.replace(shipped, failure="no space left"))
    assert figures(exposition(of_statistics(stopped)))["statekeep_shipping"] == 0


def test_a_textfile_is_there_as_a_whole(run: Run, statekeep: StateKeep, tmp_path: Path) -> None:
    """Under its name only when all of it is written; others may read it, and nothing is left beside it."""
    path = tmp_path / "statekeep.prom"
    assert run("metrics", "--textfile", str(path)) == (0, "", "")
    assert figures(path.read_text())["statekeep_up"] == 1
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_no_daemon_is_a_figure_too(run: Run, tmp_path: Path) -> None:
    """So that somebody is alarmed; the exit code says so as well."""
    path = tmp_path / "statekeep.prom"
    code, out, err = run("metrics", "--textfile", str(path), "--socket", str(tmp_path / "none"))
    assert (code, out) == (3, "")
    assert "[no_daemon]" in err
    assert figures(path.read_text()) == {"statekeep_up": 0}


def test_a_file_that_cannot_be_written_is_named(run: Run, statekeep: StateKeep) -> None:
    """Exit code 2."""
    code, _, err = run("metrics", "--textfile", "/nowhere/x.prom")
    assert code == 2
    assert "/nowhere/x.prom can't be written" in err


def test_a_name_cannot_break_a_line() -> None:
    """Quotes, backslashes and line feeds in a version's name are escaped."""
    version = msgspec.structs.replace(records.VERSIONS.versions[0], version='a"b\\c\nd')
    text = exposition(of_versions([version]))
    assert figures(text)['statekeep_version_needs_rescue{version="a\\"b\\\\c\\nd"}'] == 12
