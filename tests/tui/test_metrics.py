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


THERE_WERE_NONE = {
    "statekeep_errors_total",
    "statekeep_backup_time_seconds",
    "statekeep_backup_bytes",
    "statekeep_backup_verified",
    "statekeep_shipped_position",
    "statekeep_shipped_lag_seconds",
    "statekeep_shipped_behind_bytes",
    "statekeep_shipping",
}
"""Figures of what does not happen in these tests: refusals and backups."""


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
    assert written == [metric.name for metric in METRICS if metric.name not in THERE_WERE_NONE]


def test_times_are_seconds() -> None:
    """As Prometheus has it, whatever the daemon counts in; refusals have their code."""
    found = figures(exposition(of_statistics(records.STATISTICS)))
    assert found['statekeep_commit_seconds{quantile="0.99"}'] == 0.0025
    assert found['statekeep_errors_total{code="busy"}'] == 2


def test_backups_have_figures() -> None:
    """The last one, and how far shipping is behind; that it does not go on is one, too."""
    made = LastBackup(position=5, time=1_500, size=100, verified=True)
    shipped = Shipped(directory="/b", position=4, behind=1, lag=2_500, unshipped=4_152, failure="disk full")
    known = msgspec.structs.replace(records.STATISTICS, backup=made, shipped=shipped)
    found = figures(exposition(of_statistics(known)))
    assert {name: found[name] for name in THERE_WERE_NONE - {"statekeep_errors_total"}} == {
        "statekeep_backup_time_seconds": 1.5,
        "statekeep_backup_bytes": 100,
        "statekeep_backup_verified": 1,
        "statekeep_shipped_position": 4,
        "statekeep_shipped_lag_seconds": 2.5,
        "statekeep_shipped_behind_bytes": 4_152,
        "statekeep_shipping": 0,
    }


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
