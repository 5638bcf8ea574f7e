"""``replay-check`` says beforehand, without a daemon, what a deploy would do."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statekeep.protocol.messages import Histories, Preview, Send, Spawn
from statekeep.tui.cli import replay
from tests.engine.stories import LOAN, PAID, STATES, WAIVED, deploy
from tests.engine.test_worlds import EVENTS, machines
from tests.engine.worlds import MEMORY, Machine, ask, engine_in
from tests.tui.conftest import Run

STRICTER: dict[str, Any] = {**LOAN, "states": {**STATES, "under_review": {"on": {"PAY_FEE": "approved"}}}}
"""A definition that skips ``WAIVE_FEE``, and in which a fee ends it all."""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition and an export, in the current directory; no daemon is to be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATEKEEP_SOCKET", "/nowhere")
    Path("new.json").write_text(json.dumps(STRICTER))
    rows = [([], "submitted", 3), (PAID, "awaiting_docs", 20), (WAIVED, "awaiting_docs", 10)]
    lines = [json.dumps({"history": path, "state": state, "actors": actors}) for path, state, actors in rows]
    Path("h.jsonl").write_text("\n".join(lines) + "\n")


def check(run: Run, *words: str) -> Any:
    """What ``--json`` says."""
    return json.loads(run("replay-check", "new.json", "--histories", "h.jsonl", *words, "--json").out)


@pytest.mark.usefixtures("files")
def test_it_counts_outcomes_and_landings(run: Run) -> None:
    """By state and landing, with the events that are skipped, and for how many."""
    checked = check(run, "--path", "SUBMIT_INFO")
    assert {finding["code"] for finding in checked.pop("findings")} == {"unreachable_state"}
    assert checked == {
        "histories": 3,
        "actors": 33,
        "counts": {"pending": 3, "migrated": 30},
        "rows": [
            {"outcome": "migrated", "state": "awaiting_docs", "landing": "approved", "actors": 20},
            {"outcome": "migrated", "state": "awaiting_docs", "landing": "under_review", "skipped": 1, "actors": 10},
            {"outcome": "pending", "state": "submitted", "actors": 3},
        ],
        "skipped": {"WAIVE_FEE": 10},
        "lost": [],
    }


@pytest.mark.usefixtures("files")
def test_a_lost_landing_fails(run: Run) -> None:
    """Under the policy ``strict`` a skipped event loses it: exit code 1, and each such history by name."""
    words = ("replay-check", "new.json", "--histories", "h.jsonl", "--parent", "loan-v1")
    assert run(*words).code == 0
    code, out, err = run(*words, "--landing", "strict")
    assert (code, err) == (1, "")
    assert out.startswith("33 actors of loan-v1 with 3 distinct histories, tried on new.json; path: every actor\n")
    assert "  10 actors with SUBMIT_INFO, WAIVE_FEE: skips WAIVE_FEE\n" in out
    assert out.endswith("Lost: the landings of 10 actors.\n")
    assert check(run, "--landing", "strict")["lost"] == [{"history": WAIVED, "actors": 10, "skipped": ["WAIVE_FEE"]}]


@pytest.mark.usefixtures("files")
def test_what_the_path_does_not_claim_is_not_lost(run: Run) -> None:
    """Strict or not, only who would migrate has a landing to lose."""
    code, out, _ = run(
        "replay-check", "new.json", "--histories", "h.jsonl", "--path", ",".join(PAID), "--landing", "strict"
    )
    assert code == 0
    assert out.endswith("No landing is lost.\n")


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"history": [], "state": "s", "actors": 1}\n[]\n', "Line 2 of h.jsonl: Expected `object`"),
        ('{"history": [1], "state": "s", "actors": 1}', "Line 1 of h.jsonl: Expected `str`"),
        ('{"history": ["\udcff"]}', "Line 1 of h.jsonl: "),
    ],
)
def test_an_export_that_is_none_is_refused(run: Run, text: str, told: str) -> None:
    """With the line that is wrong."""
    Path("h.jsonl").write_bytes(text.encode(errors="surrogateescape"))
    code, out, err = run("replay-check", "new.json", "--histories", "h.jsonl")
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.usefixtures("files")
def test_what_could_not_be_deployed_fails(run: Run) -> None:
    """A definition with errors is refused with its findings, a file that is missing or a path too long by name."""
    Path("bad.json").write_text('{"initial": "nowhere", "states": {"a": {}}}')
    code, _, err = run("replay-check", "bad.json", "--histories", "h.jsonl")
    assert code == 1
    assert "nowhere" in err
    code, _, err = run("replay-check", "new.json", "--histories", "none.jsonl")
    assert code == 2
    assert "none.jsonl can't be read" in err
    code, _, err = run("replay-check", "new.json", "--histories", "h.jsonl", "--path", ",".join("A" * 257))
    assert code == 2
    assert "256" in err


@pytest.mark.usefixtures("files")
def test_it_needs_no_compiled_evaluator() -> None:
    """The rule that it runs is plain Python: no C, no store, no event loop is loaded."""
    program = (
        "import sys; from statekeep.tui.cli import main;"
        "code = main(['replay-check', 'new.json', '--histories', 'h.jsonl']); print(*sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "statekeep.daemon.routing.rule" in loaded
    assert loaded.isdisjoint({"statekeep.daemon.routing._evaluator", "_cffi_backend", "sqlite3", "trio", "anyio"})


tokens = st.sampled_from([*EVENTS, "*", "**"])


@settings(max_examples=40)
@given(machines(), machines(), st.lists(st.lists(st.sampled_from(EVENTS))), st.lists(tokens, max_size=3), st.booleans())
def test_it_says_what_preview_says(
    before: Machine, after: Machine, sent: list[list[str]], path: list[str], strict: bool
) -> None:
    """In every world: the outcomes and landings of live actors are those that the daemon would give them."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, engine_in(Path(name)) as engine:
        deploy(engine, "v1", before.definition())
        for events in sent:
            actor = ask(engine, Spawn("v1"))
            for event in events:
                if actor.status == "active":
                    actor = ask(engine, Send(actor.id, event))
        args = Namespace(file="", path=path, landing="strict" if strict else "replay", map=None, guards="ignore")
        plan = ask(engine, Preview("v2", after.definition(), "v1", path, landing=args.landing))
        checked = replay.rehearse(args, after.definition(), [], ask(engine, Histories("v1", limit=1000)).histories)
    assert checked.counts == {outcome: actors for outcome, actors in plan.counts.items() if outcome != "final"}
    expected = [row for row in plan.rows if row.outcome != "final"]
    assert sorted(checked.rows, key=repr) == sorted(expected, key=repr)
    assert sum(one.actors for one in checked.lost) == plan.counts.get("rescue", 0)


@pytest.mark.usefixtures("files")
def test_a_map_lands_from_the_states_of_the_export(run: Run) -> None:
    """Without a replay; a state that would move and has no entry is lost, and its entries must name what there is."""
    checked = check(run, "--path", "SUBMIT_INFO", "--map", "awaiting_docs=under_review")
    assert checked["counts"] == {"pending": 3, "migrated": 30}
    assert {row.get("landing") for row in checked["rows"]} == {"under_review", None}
    assert (checked["skipped"], checked["lost"]) == ({}, [])
    assert check(run, "--map", "awaiting_docs=,submitted=submitted")["counts"] == {"migrated": 3, "kept": 30}
    words = ["replay-check", "new.json", "--histories", "h.jsonl", "--map"]
    code, out, _ = run(*words, "awaiting_docs=under_review")
    assert code == 1
    assert "3 actors with : the map does not name submitted" in out
    code, _, err = run(*words, "awaiting_docs=review")
    assert code == 1
    assert "did you mean 'under_review'?" in err
