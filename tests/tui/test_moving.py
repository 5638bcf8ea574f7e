"""``export`` and ``import``: what goes out comes in again, once, and what does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from statekeep.protocol import Client
from statekeep.protocol.errors import DamagedActor
from statekeep.protocol.messages import Verify
from statekeep.testing import StateKeep, running
from tests.tui import records
from tests.tui.conftest import Asked, Run

STATES: dict[str, Any] = {
    "submitted": {"on": {"SUBMIT_INFO": "under_review"}},
    "under_review": {"on": {"PAY_FEE": "docs", "WAIVE_FEE": "docs"}, "after": {"1000": "docs"}},
    "docs": {"initial": "open", "states": {"open": {"on": {"SIGN": "signed"}}, "signed": {}}, "on": {"APPROVE": "ok"}},
    "ok": {"type": "final"},
}
LOAN: dict[str, Any] = {"id": "loan", "initial": "submitted", "states": STATES}
PARALLEL: dict[str, Any] = {
    "type": "parallel",
    "states": {
        "legal": {"initial": "open", "states": {"open": {}, "a.b": {}}},
        "risk": {"initial": "open", "states": {"open": {}, "done": {}}},
    },
}


def sound(client: Client) -> bool:
    """Whether every actor is what its events make of it."""
    return not any(page.differences for page in client.pages(Verify()))


def exported(run: Run, path: Path) -> list[dict[str, Any]]:
    """The lines of an export."""
    done = run("export", str(path))
    assert (done.code, done.out, done.err) == (0, "", "")
    return [json.loads(text) for text in path.read_text().splitlines()]


def test_an_export_says_who_can_t_be_read(run: Run, daemon: Asked, tmp_path: Path) -> None:
    """It has all the others, and ends with 1: whoever moves a store by it would lose them."""
    history = msgspec.structs.replace(records.HISTORY, next=None)
    daemon.answers(records.STATUS, records.ACTORS, DamagedActor(1), records.BOB, history)
    code, out, err = run("export", str(tmp_path / "a.jsonl"))
    assert (code, out) == (1, "")
    assert err == "damaged, and so left out: 1 actor; see `statekeep verify`\n"
    assert [json.loads(text)["key"] for text in (tmp_path / "a.jsonl").read_text().splitlines()] == ["bob"]


@pytest.fixture
def populated(statekeep: StateKeep) -> StateKeep:
    """A daemon with actors of every kind."""
    client = statekeep.client
    client.deploy("loan", LOAN)
    client.deploy("both", PARALLEL)
    statekeep.spawn("loan", key="alice", context={"n": 1}).send("SUBMIT_INFO")
    client.send("alice", "PAY_FEE", {"cents": 1}, context={"paid": True})
    statekeep.spawn("loan", key="bob").send("SUBMIT_INFO").deliver("xstate.after.1000.loan.under_review")
    statekeep.spawn("loan", context=[1])
    client.spawn("loan", "carol", state="docs.signed")
    client.spawn("both", "dora", state={"legal": "a.b", "risk": "done"})
    return statekeep


def test_what_is_exported_is_imported(run: Run, populated: StateKeep, tmp_path: Path) -> None:
    """With its events, payloads, patches, contexts and starts; a second import changes nothing."""
    lines = exported(run, tmp_path / "a.jsonl")
    with running() as other, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATEKEEP_SOCKET", str(other.socket))
        other.client.deploy("loan", LOAN)
        other.client.deploy("both", PARALLEL)
        done = json.loads(run("import", str(tmp_path / "a.jsonl"), "--json").out)
        assert done == {"made": 5, "continued": 0, "unchanged": 0, "events": 4, "misfits": []}
        there = exported(run, tmp_path / "b.jsonl")
        again = json.loads(run("import", str(tmp_path / "a.jsonl"), "--json").out)
        assert again == {"made": 0, "continued": 0, "unchanged": 5, "events": 0, "misfits": []}
        assert exported(run, tmp_path / "c.jsonl") == there
        assert sound(other.client)
    lines[2]["key"] = "actor-3"  # what has no key gets one
    assert there == lines
    assert [line["now"]["state"] for line in there[-2:]] == [{"docs": "signed"}, {"legal": "a.b", "risk": "done"}]


def test_an_import_that_was_cut_off_is_continued(run: Run, populated: StateKeep, tmp_path: Path) -> None:
    """From the event at which it was."""
    exported(run, tmp_path / "a.jsonl")
    with running() as other, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATEKEEP_SOCKET", str(other.socket))
        other.client.deploy("loan", LOAN)
        other.client.deploy("both", PARALLEL)
        other.spawn("loan", key="alice", context={"n": 1, "paid": True}).send("SUBMIT_INFO")
        done = json.loads(run("import", str(tmp_path / "a.jsonl"), "--json").out)
        assert (done["made"], done["continued"], done["misfits"]) == (4, 1, [])
        assert other.machine("alice").history == ["SUBMIT_INFO", "PAY_FEE"]
        assert other.machine("alice").actor.context == {"n": 1, "paid": True}


def test_a_table_of_ones_own_is_imported(run: Run, populated: StateKeep, tmp_path: Path) -> None:
    """A column each for key, state and context; a missing state is the beginning."""
    path = tmp_path / "loans.csv"
    path.write_text('key,state,context\nx,docs,"{""a"": 1}"\ny,docs.signed,\nz,,\n')
    done = run("import", str(path), "--version", "loan")
    assert (done.code, done.out) == (0, "3 actors made, 0 continued, 0 unchanged; 0 events sent.\n")
    populated.machine("x").assert_at("docs.open").send("SIGN")
    assert populated.machine("x").actor.context == {"a": 1}
    populated.machine("y").assert_at("docs.signed")
    assert populated.machine("z").history == []
    assert "3 unchanged" in run("import", str(path), "--version", "loan").out
    assert sound(populated.client)


V5 = {"status": "active", "value": {"docs": "signed"}, "context": {"c": 5}, "children": {}, "historyValue": {}}
V4 = {"value": {"docs": "open"}, "context": {"c": 4}, "_event": {}, "actions": [], "historyValue": {"current": "x"}}


def test_snapshots_of_xstate_are_imported(run: Run, populated: StateKeep, tmp_path: Path) -> None:
    """Of version 5 and of version 4; on a machine without history states, what 4 recorded of itself means nothing."""
    path = tmp_path / "s.jsonl"
    lines = [{"key": "five", "version": "loan", "snapshot": V5}, {"key": "four", "version": "loan", **V4}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run("import", str(path)).code == 0
    assert populated.machine("five").assert_at("docs.signed").actor.context == {"c": 5}
    assert populated.machine("four").assert_at("docs.open").actor.context == {"c": 4}


MISFITS = [
    ("{", "not JSON"),
    ("[1]", "not an object"),
    ('{"state": "docs"}', "it has no key"),
    ('{"key": "k", "version": "nope", "state": "docs"}', "no version 'nope'"),
    ('{"key": "k", "state": "dogs"}', "Did you mean 'docs'?"),
    ('{"key": "k", "state": 7}', "neither text nor an object"),
    ('{"key": "alice", "state": "docs"}', "another history"),
    ('{"key": "k", "events": [{"event": "NOPE"}]}', "does not handle 'NOPE'"),
    ('{"key": "k", "events": [{"events": 1}]}', "events"),
    (json.dumps({"key": "k", "snapshot": {**V5, "status": "error"}}), "the status error"),
    (json.dumps({"key": "k", "snapshot": {**V5, "children": {"scoring": {}}}}), "scoring"),
    (json.dumps({"key": "k", "snapshot": {**V5, "historyValue": {"h": []}}}), "history states"),
    (json.dumps({"key": "k", "snapshot": {"context": {}}}), "no value"),
]


@pytest.mark.parametrize(("text", "reason"), MISFITS)
def test_a_misfit_is_named_and_the_others_go_on(
    run: Run, populated: StateKeep, tmp_path: Path, text: str, reason: str
) -> None:
    """Exit code 1, the line's number, and why; nothing is invented in its place."""
    path = tmp_path / "m.jsonl"
    path.write_text(f'{{"key": "before"}}\n{text}\n{{"key": "after"}}\n')
    done = run("import", str(path), "--version", "loan")
    assert done.code == 1
    assert done.out.startswith("2 actors made" if "events" not in text or "NOPE" not in text else "3 actors made")
    (named,) = [line for line in done.out.splitlines() if line.startswith("  line 2")]
    assert reason in named
    populated.machine("before")
    populated.machine("after")


def test_a_bad_cell_is_a_misfit(run: Run, populated: StateKeep, tmp_path: Path) -> None:
    """A context in a table is JSON."""
    path = tmp_path / "loans.csv"
    path.write_text("key,state,context\nx,docs,{a\n")
    assert "line 2: its context is not JSON" in run("import", str(path), "--version", "loan").out


def test_a_file_that_is_not_there_is_named(run: Run, populated: StateKeep) -> None:
    """Exit code 2."""
    code, out, err = run("import", "/nowhere.csv", "--version", "loan")
    assert (code, out) == (2, "")
    assert "/nowhere.csv can't be read" in err
