"""``tail`` on a real daemon, how its lines read, and times as people write them."""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statekeep.protocol import Client
from statekeep.protocol.records import Notice, NoticeKind
from statekeep.tui.cli import filters, happenings
from tests.daemon.processes import Daemon, running
from tests.daemon.serving import LIGHT
from tests.engine.worlds import MEMORY
from tests.tui.conftest import Run
from tests.tui.records import NOON


@pytest.fixture
def lamp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon that the command line finds, with a light that was switched on."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, running(Path(name)) as daemon:
        monkeypatch.setenv("STATEKEEP_SOCKET", str(daemon.socket))
        with Client(daemon.socket) as client:
            client.deploy("light", LIGHT)
            client.spawn("light", key="lamp")
            client.send("lamp", "TOGGLE")
        yield daemon


def test_tail_shows_what_happened(run: Run, lamp: Daemon) -> None:
    """A line for each notice, from the place asked for; as JSON, the notice itself."""
    code, out, err = run("tail", "--after", "0", "--number", "3")
    assert (code, err) == (0, "")
    deployed, spawned, event = out.splitlines()
    assert deployed.endswith("1  deployed  light")
    assert spawned.endswith("2  spawned   lamp (actor 1) in off on light")
    assert event.endswith("3  event     lamp (actor 1): TOGGLE led to on on light")
    told = json.loads(run("tail", "--after", "1", "--kind", "event", "--actor", "lamp", "--number", "1", "--json").out)
    assert (told["kind"], told["event"], told["token"]) == ("event", "TOGGLE", "3")


def test_tail_as_a_table_has_its_titles_once(run: Run, lamp: Daemon) -> None:
    """One CSV, however long it takes to come."""
    titles, *rows = csv.reader(io.StringIO(run("tail", "--after", "0", "--number", "3", "--output", "csv").out))
    assert [dict(zip(titles, row, strict=True))["kind"] for row in rows] == ["deployed", "spawned", "event"]


def test_counts_are_a_line_each(run: Run, lamp: Daemon) -> None:
    """JSON lines and CSV have a line for each version and state; as JSON it is the answer with its sum."""
    (row,) = csv.DictReader(io.StringIO(run("count", "--output", "csv").out))
    assert (row["version"], row["state"], row["actors"]) == ("light", "on", "1")
    assert json.loads(run("count", "--output", "jsonl").out)["state"] == "on"
    assert json.loads(run("count", "--json").out)["actors"] == 1


def test_tail_is_refused_what_is_not_there(run: Run, lamp: Daemon) -> None:
    """An unknown actor, a kind that there is not, and a place that the store has not come to."""
    assert run("tail", "--actor", "nobody").code == 1
    assert run("tail", "--kind", "sneezed").code == 2
    code, _, err = run("tail", "--after", "99")
    assert code == 1
    assert "ahead of the store" in err


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("migrated", {"version_before": "loan-v1"}, "alice (actor 1) to paid on loan-v2, from loan-v1"),
        ("finished", {"status": "done"}, "alice (actor 1) in paid on loan-v2 (done)"),
        ("erased", {"state": None}, "alice (actor 1)"),
        (
            "damaged",
            {"key": None, "state": None, "time": 0},
            "actor 1 on the disk: nothing of this can be told; see `statekeep verify`",
        ),
        ("closed", {"actor": None, "state": None}, "the route to loan-v2"),
        ("progress", {"actor": None, "state": None, "swept": 3, "cohorts": 2_000}, "loan-v2: 3 of 2,000 cohorts"),
    ],
)
def test_each_kind_has_its_words(kind: NoticeKind, more: dict[str, Any], said: str) -> None:
    """What happened to whom, in one line."""
    about: Any = {
        "token": "7",
        "position": 7,
        "time": NOON,
        "version": "loan-v2",
        "actor": 1,
        "key": "alice",
        "state": "paid",
        **more,
    }
    line = happenings.notice(Notice(kind=kind, **about))
    assert "".join(span if isinstance(span, str) else span.text for span in line.spans).endswith(f"{kind:8}  {said}")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0", 0), ("1772366400000", NOON), ("2026-03-01T12:00Z", NOON), ("2026-03-01 13:00+01:00", NOON)],
)
def test_times_are_read(text: str, milliseconds: int) -> None:
    """Milliseconds, and dates with their zone."""
    assert filters.moment(text) == milliseconds


def test_times_ago_are_read() -> None:
    """Seconds, minutes, hours and days before now."""
    now = time.time() * 1_000
    for text, seconds in {"30s": 30, "15m": 900, "2h": 7_200, "7d": 604_800}.items():
        assert filters.moment(text) == pytest.approx(now - seconds * 1_000, abs=5_000)
    assert filters.moment("999999999d") == 0


@pytest.mark.parametrize("text", ["", "yesterday", "-1h", "1.5h", "2026-13-01", "\u0663h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """And the error says what would be one."""
    with pytest.raises(argparse.ArgumentTypeError, match="write 15m"):
        filters.moment(text)
