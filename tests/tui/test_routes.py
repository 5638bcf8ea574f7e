"""Changes of the routes take their time, and the command line with them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from statekeep.daemon.engine import Engine, sweeping
from statekeep.protocol import errors
from statekeep.protocol.messages import Close, Deployments
from statekeep.protocol.records import DeploymentList
from statekeep.tui.cli import routes
from tests.engine.stories import LOAN, PAID, VERIFIED, WAIVED, deploy, spawn
from tests.tui import records
from tests.tui.conftest import Asked, Run

CLOSING = records.DEPLOYMENTS.deployments[1]


def swept(cohorts: int) -> DeploymentList:
    """The close, when so many of its cohorts have been judged."""
    return msgspec.structs.replace(records.DEPLOYMENTS, deployments=[msgspec.structs.replace(CLOSING, swept=cohorts)])


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were slept between looks, in no time."""
    slept = list[float]()
    monkeypatch.setattr(routes, "time", SimpleNamespace(sleep=slept.append))
    return slept


def test_a_close_waits_for_the_last_cohort(run: Run, daemon: Asked, pauses: list[float]) -> None:
    """It looks soon, then ever more seldom, and writes nothing about that into a pipe."""
    daemon.answers(records.CLOSED, *map(swept, (100, 200, 300, 400, 500, 600, 847)))
    code, out, err = run("close", "loan-v2")
    assert (code, out.count("\n"), err) == (0, 1, "")
    assert daemon.asked == [Close("loan-v2"), *[Deployments()] * 7]
    assert pauses == [0.01, 0.02, 0.04, 0.08, 0.16, 0.25]


def test_json_is_printed_before_the_wait(run: Run, daemon: Asked, pauses: list[float]) -> None:
    """What was done is known, whatever becomes of the wait."""
    daemon.answers(records.CLOSED, swept(100), errors.Stopping())
    code, out, err = run("close", "loan-v2", "--json")
    assert json.loads(out)["waited"] == 847
    assert (code, len(pauses)) == (1, 1)
    assert "[stopping]" in err


@pytest.mark.parametrize("words", [["close", "v"], ["close", "v", "--json"]])
def test_a_bar_is_for_people_on_a_terminal(
    run: Run, daemon: Asked, pauses: list[float], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """It is drawn on stderr, with the cohorts that have been judged, and is gone in the end."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    daemon.answers(records.CLOSED, swept(100), swept(200), swept(847))
    code, out, err = run(*words)
    drawn = re.findall(r"(\d+) of 847 cohorts", err)
    assert (code, out.count("\n")) == (0, 1)
    if "--json" in words:
        assert err == ""
    else:
        assert list(dict.fromkeys(drawn)) == ["0", "100", "200"]
        assert err.endswith("\x1b[2K")


def test_a_change_in_one_piece_is_not_waited_for(run: Run, daemon: Asked, pauses: list[float]) -> None:
    """One look tells that all of it was done with the answer."""
    daemon.answers(records.CLOSED, records.DEPLOYMENTS)
    run("close", "loan-v2")
    assert daemon.asked == [Close("loan-v2"), Deployments()]
    assert pauses == []


@pytest.fixture
def pieces(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that deploy ``loan-v2`` to four cohorts, when each is a piece of its own."""
    deploy(engine, "loan-v1", LOAN)
    for events in ([], PAID[:1], PAID, WAIVED):
        spawn(engine, "loan-v1", *events)
    monkeypatch.setattr(sweeping, "CHUNK", 1)
    monkeypatch.setattr(sweeping, "AT_ONCE", 1)
    (tmp_path / "loan-v2.json").write_text(json.dumps(VERIFIED))
    return [
        "deploy",
        str(tmp_path / "loan-v2.json"),
        "--id",
        "loan-v2",
        "--parent",
        "loan-v1",
        "--path",
        ",".join(PAID),
    ]


def test_a_deploy_in_pieces_is_measured_to_its_end(run: Run, pauses: list[float], pieces: list[str]) -> None:
    """Answered when it is durable, it is over when the last cohort has been judged."""
    out = run(*pieces).out
    assert out.startswith("1 migrated to loan-v2, 3 stayed.\n")
    assert re.search(r": answered after \d+ ms, all moved after \d+ ms\.\n$", out)
    assert pauses != []
    assert re.search(r"deploy  loan-v2  loan-v1  SUBMIT_INFO, PAY_FEE  █{10} +4\n", run("deployments").out)


def test_who_does_not_wait_can_look_later(run: Run, pauses: list[float], pieces: list[str]) -> None:
    """``--no-wait`` ends with the answer; ``deployments`` shows the deploy under way."""
    assert re.search(r": answered after \d+ ms\.\n$", run(*pieces, "--no-wait").out)
    assert re.search(r"█{2,7}░{3,8} +[123] of 4\n", run("deployments").out)
    assert pauses == []


def test_a_close_frees_those_who_waited(run: Run, pauses: list[float], pieces: list[str]) -> None:
    """It says for how many, once; a root has no route to close."""
    run(*pieces)
    sentence = "loan-v2 takes nobody over any more; "
    assert (
        run("close", "loan-v2").out == f"{sentence}2 actors that waited for it are judged by its later siblings now.\n"
    )
    assert run("close", "loan-v2").out == f"{sentence}nobody was waiting for it.\n"
    assert [row["kind"] for row in json.loads(run("deployments", "--json").out)["deployments"]] == ["deploy", "close"]
    assert "[bad_request]" in run("close", "loan-v1").err
