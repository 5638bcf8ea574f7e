"""``erase`` destroys what somebody meant, and asks before."""

from __future__ import annotations

import io
import json
import sys

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Erase, Get
from statekeep.protocol.records import Erased
from tests.engine.stories import PAID, VERIFIED, deploy, spawn
from tests.tui import records
from tests.tui.conftest import Asked, Run

ERASED = Erased(id=1, position=6_160, time=records.NOON)


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def loans(engine: Engine) -> Engine:
    """Two loans that were taken over."""
    deploy(engine, "loan-v1")
    spawn(engine, "loan-v1", *PAID, key="alice")
    spawn(engine, "loan-v1", *PAID)
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    return engine


@pytest.mark.parametrize(("actor", "name"), [("alice", "alice"), ("1", "alice"), ("2", "2")])
def test_who_types_the_name_means_it(
    loans: Engine, run: Run, monkeypatch: pytest.MonkeyPatch, actor: str, name: str
) -> None:
    """The key, or the id of an actor without one; the question says what will be destroyed."""
    monkeypatch.setattr(sys, "stdin", Terminal(f"{name}\n"))
    code, out, err = run("erase", actor)
    assert code == 0
    assert f"Type {name} to erase it: " in err
    assert "income_verify on loan-v2, 2 events: all of it will be destroyed" in err
    assert "was erased at position 9, " in out
    assert run("actor", actor if actor != "alice" else "1").err.count("[actor_erased]") == 1


@pytest.mark.parametrize("typed", ["", "\n", "y\n", "Alice\n", "1\n"])
def test_anything_else_erases_nobody(loans: Engine, run: Run, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """Also the end of the input."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    code, out, err = run("erase", "alice")
    assert (code, out) == (2, "")
    assert "nothing was erased" in err
    assert run("actor", "alice").code == 0


def test_without_a_person_it_takes_yes(run: Run, daemon: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that forgot it is told so, and nothing was asked for but the actor."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("alice\n"))
    daemon.answers(records.ALICE)
    code, _, err = run("erase", "alice")
    assert (code, daemon.asked) == (2, [Get("alice")])
    assert "must be confirmed" in err
    assert "--yes" in err
    daemon.answers(ERASED)
    assert json.loads(run("erase", "alice", "--yes", "--json").out) == {"id": 1, "position": 6160, "time": records.NOON}
    code, out, _ = run("erase", "alice", "--yes")
    assert out.startswith("alice (actor 1) was erased at position 6,160, 2026-03-01 12:00:00 ")
    assert daemon.asked[1:] == [Erase("alice")] * 2


def test_an_erasure_may_be_repeated(loans: Engine, run: Run) -> None:
    """There is nothing to confirm any more, and the same is said."""
    first = run("erase", "alice", "--yes", "--json").out
    assert run("erase", "1", "--json") == (0, first, "")


def test_a_route_names_the_erased(loans: Engine, run: Run) -> None:
    """Below its decisions, or instead of them; an export says how many it lacks."""
    run("erase", "1", "--yes")
    out = run("decisions", "--route", "loan-v2").out
    assert "2      migrated" in out
    assert "erased, and perhaps decided before: 1 (" in out
    exported = run("decisions", "--route", "loan-v2", "--export", "-", "--format", "jsonl")
    assert exported.out.count("\n") == 1
    assert exported.err == "erased since, and so left out: 1 actor that may have been decided\n"
    run("erase", "2", "--yes")
    assert run("decisions", "--route", "loan-v2").out.startswith("erased, and perhaps decided before: 1 (")
