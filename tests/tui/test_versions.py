"""``preview`` and ``deploy``: what is to be, what was made of it, and what to type next."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Deploy, Deployments, Preview
from statekeep.protocol.records import Change, Deployed, Finding, MapLanding
from statekeep.tui.cli import plans
from tests.engine.stories import LOAN, PAID, VERIFIED, WAIVED, deploy, spawn
from tests.tui import records
from tests.tui.conftest import Asked, Run

DEFINITION = records.DEFINITION.definition
LOAN_V2 = ("--id", "loan-v2", "--parent", "loan-v1", "--path", "SUBMIT_INFO,PAY_FEE")
PATH = ["SUBMIT_INFO", "PAY_FEE"]
MOVED = msgspec.structs.replace(records.DEPLOYMENTS, deployments=records.DEPLOYMENTS.deployments[1:])
"""Nothing is under way any more."""


def saved(path: Path, definition: dict[str, Any]) -> str:
    """A file with a definition."""
    path.write_text(json.dumps(definition))
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A definition in a file whose name has to be quoted."""
    return saved(tmp_path / "loan v2.json", DEFINITION)


@pytest.fixture
def verified(tmp_path: Path, engine: Engine) -> str:
    """The file of ``loan-v2``, for a ``loan-v1`` whose alice has paid, whose bob has not, and whose carol waits."""
    deploy(engine, "loan-v1", LOAN)
    for key, events in (("alice", PAID), ("bob", WAIVED), ("carol", PAID[:1])):
        spawn(engine, "loan-v1", *events, key=key)
    return saved(tmp_path / "loan-v2.json", VERIFIED)


def typed(out: str) -> list[str]:
    """The words of the deploy that a preview says to type."""
    (command,) = (line for line in out.splitlines() if "statekeep deploy" in line)
    return shlex.split(command)[1:]


def test_a_preview_reads_at_a_glance(run: Run, daemon: Asked, file: str) -> None:
    """How many would go and stay, from where to where, what to mind, and what to type for exactly this."""
    daemon.answers(records.PLAN)
    out = run("preview", file, *LOAN_V2).out
    assert daemon.asked == [Preview("loan-v2", DEFINITION, "loan-v1", PATH)]
    lines = [line.split() for line in out.splitlines()]
    assert out.startswith("1,203 would migrate to loan-v2, 847 would stay.\n")
    assert ["migrated", "awaiting_docs", "income_verify", "1,203", "3"] in lines
    assert ["pending", "under_review", "-", "47", "-"] in lines
    assert "warning: $.states.late: Nobody gets there. (Cut it.)" in out
    assert f"statekeep deploy '{file}' {' '.join(LOAN_V2)} --digest d1\n" in out


@pytest.mark.parametrize("path", [["A,B", "C"], ["A", " C"], ["[A", "C"], ["A", "B"], ["**", "A B"]])
def test_what_a_preview_says_to_type_is_the_same_deploy(run: Run, daemon: Asked, file: str, path: list[str]) -> None:
    """Every option that matters is in the command, also the odd ones."""
    odd = ["--path", json.dumps(path), "--landing", "strict", "--guards", "block"]
    daemon.answers(records.PLAN)
    out = run("preview", file, "--id", "x", "--parent", "p q", *odd).out
    (command,) = (line for line in out.splitlines() if "statekeep deploy" in line)
    daemon.answers(records.DEPLOYED)
    run(*shlex.split(command)[1:], "--no-wait")
    previewed, deployed = daemon.asked
    assert isinstance(previewed, Preview)
    assert deployed == Deploy("x", DEFINITION, "p q", path, landing="strict", guards="block", digest="d1")
    assert (previewed.path, previewed.landing, previewed.guards) == (path, "strict", "block")


def test_a_deploy_says_what_it_did(run: Run, daemon: Asked, file: str) -> None:
    """In the past tense, with its place in the order of the store, and how long it took."""
    daemon.answers(records.DEPLOYED, MOVED)
    out = run("deploy", file, *LOAN_V2, "--digest", "d1").out
    assert daemon.asked == [Deploy("loan-v2", DEFINITION, "loan-v1", PATH, digest="d1"), Deployments()]
    assert out.startswith("1,203 migrated to loan-v2, 847 stayed.\n")
    assert "The definition differs" not in out
    assert re.search(r"\nDeployed loan-v2 at position 6,152: answered after \d+ ms\.\n$", out)


def test_a_repeated_deploy_says_so(run: Run, daemon: Asked, file: str) -> None:
    """Nothing was changed, and that is no error."""
    daemon.answers(msgspec.structs.replace(records.DEPLOYED, created=False, plan=None))
    code, out, _ = run("deploy", file, "--id", "loan-v2")
    assert code == 0
    assert "nothing was changed" in out


def test_a_root_moves_nobody(run: Run, daemon: Asked, file: str) -> None:
    """A plan without a parent says why it has no rows."""
    plan = msgspec.structs.replace(records.PLAN, parent=None, counts={}, rows=[], warnings=[])
    daemon.answers(plan)
    assert run("preview", file, "--id", "loan-v2").out.startswith("loan-v2 would be a root")


def test_a_preview_names_what_changes_in_the_definition(run: Run, daemon: Asked, file: str) -> None:
    """A line for each change, marked as added, removed or changed; of very many the first."""
    daemon.answers(records.PLAN)
    out = run("preview", file, *LOAN_V2).out
    title, *changes = out[out.index("The definition differs") :].split("\n\n")[0].splitlines()
    assert title == "The definition differs from that of loan-v1:"
    assert [line.strip() for line in changes] == [
        "+ income_verify",
        "~ checked (was seen)",
        "~ late: final (was atomic)",
        "- under_review: CANCEL -> cancelled",
        "~ under_review: PAY_FEE -> late (was no target)",
    ]
    many = [Change(what="state", kind="added", path=f"s{number}") for number in range(plans.SHOWN_CHANGES + 2)]
    daemon.answers(msgspec.structs.replace(records.PLAN, changes=many))
    out = run("preview", file, *LOAN_V2).out
    assert out.count("    + s") == plans.SHOWN_CHANGES
    assert "and 2 changes more" in out


def test_a_warning_about_the_deploy_has_no_place(run: Run, daemon: Asked, file: str) -> None:
    """It is about the actors, not about a part of the definition."""
    found = Finding(level="warning", code="pending", path="", message="47 actors may match later.", hint="Use once.")
    daemon.answers(msgspec.structs.replace(records.PLAN, warnings=[found]))
    assert "  warning: 47 actors may match later. (Use once.)\n" in run("preview", file, *LOAN_V2).out


def test_the_actors_of_one_outcome_can_be_listed(run: Run, verified: str) -> None:
    """With where they are and would land; in pages, each of which tells how to get the next."""
    out = run("preview", verified, *LOAN_V2, "--actors", "migrated").out
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["1", "alice", "awaiting_docs", "income_verify", "2", "0"]
    ]
    out = run("preview", verified, *LOAN_V2, "--actors", "pending").out
    assert [line.split() for line in out.splitlines()[1:]] == [["3", "carol", "under_review", "-", "1", "-"]]
    everyone = ("preview", verified, "--id", "loan-v2", "--parent", "loan-v1", "--actors", "migrated")
    assert "--cursor 2 shows the next page" in run(*everyone, "--limit", "2").out
    rows = run(*everyone, "--limit", "2", "--all", "--json").out.splitlines()
    assert [json.loads(row)["actor"]["key"] for row in rows] == ["alice", "bob", "carol"]
    assert run("preview", verified, *LOAN_V2, "--actors", "rescue").out == "No such actors.\n"


def test_an_outdated_preview_is_followed_by_the_new_one(run: Run, engine: Engine, verified: str) -> None:
    """The error says what changed; under it stand the plan as it is now and the command that carries out that one."""
    outdated = typed(run("preview", verified, *LOAN_V2).out)
    spawn(engine, "loan-v1", *PAID, key="dora")
    code, out, err = run(*outdated, "--once", "--no-wait")
    assert code == 1
    assert "migrated 1 then, 2 now. [preview_outdated]" in err
    assert out.startswith("2 would migrate to loan-v2, 2 would stay.\n")
    again = typed(out)
    assert (again[:-1], again[-1] == outdated[-1]) == ([*outdated[:-2], "--once", "--no-wait", "--digest"], False)
    code, out, err = run(*again)
    assert (code, err) == (0, "")
    assert out.startswith("2 migrated to loan-v2, 2 stayed.\n")


def test_an_outdated_preview_is_an_error_alone_for_a_program(run: Run, verified: str) -> None:
    """With ``--json`` nothing is on stdout that could be taken for the answer to a deploy."""
    code, out, err = run("deploy", verified, *LOAN_V2, "--digest", "d0", "--json")
    assert (code, out) == (1, "")
    assert "[preview_outdated]" in err


def test_once_closes_the_route_behind_the_deploy(run: Run, engine: Engine, verified: str) -> None:
    """Who pays afterwards stays, and the tree of versions marks the route as closed."""
    out = run("deploy", verified, *LOAN_V2, "--once").out
    assert "\nIts route is closed: loan-v2 takes nobody over later.\n" in out
    assert "awaiting_docs on loan-v1" in run("send", "carol", "PAY_FEE").out
    assert "SUBMIT_INFO, PAY_FEE (closed)" in run("versions").out


def test_a_path_may_have_wildcards(run: Run, verified: str) -> None:
    """``**,PAY_FEE`` is who paid at some time; what to type next is quoted, so that no shell makes files of it."""
    out = run("preview", verified, "--id", "loan-v2", "--parent", "loan-v1", "--path", "**,PAY_FEE").out
    assert out.startswith("1 would migrate")
    assert "--path '**,PAY_FEE'" in out


def test_a_root_moves_nobody_that_could_be_waited_for(run: Run, daemon: Asked, file: str) -> None:
    """The daemon is not asked how far it has come."""
    plan = msgspec.structs.replace(records.PLAN, parent=None, counts={}, rows=[], changes=[], warnings=[])
    daemon.answers(Deployed(version="loan-v2", created=True, position=1, plan=plan))
    assert re.search(
        r"Deployed loan-v2 at position 1: answered after \d+ ms\.\n$", run("deploy", file, "--id", "x").out
    )
    assert daemon.asked == [Deploy("x", DEFINITION)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--map", "a=b.c,d="], {"a": "b.c", "d": None}),
        (["--map", "a = b", "--map", "d=e"], {"a": "b", "d": "e"}),
        (["--map", "map.json"], {"x,y": "z", "w": None}),
        (["--map", "map.json", "--map", "w=,v=w"], {"x,y": "z", "w": None, "v": "w"}),
    ],
)
def test_a_map_is_read_from_words_and_files(
    run: Run, daemon: Asked, file: str, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: dict[str, Any]
) -> None:
    """And the command that a preview says to type gives the same one."""
    monkeypatch.chdir(Path(file).parent)
    Path("map.json").write_text('{"x,y": "z", "w": null}')
    daemon.answers(records.PLAN)
    out = run("preview", file, "--id", "x", "--parent", "p", *words).out
    (command,) = (line for line in out.splitlines() if "statekeep deploy" in line)
    daemon.answers(records.DEPLOYED)
    run(*shlex.split(command)[1:], "--no-wait")
    asked = [request for request in daemon.asked if isinstance(request, Preview | Deploy)]
    assert [request.landing for request in asked] == [MapLanding(map=expected)] * 2


@pytest.mark.parametrize("text", ["a=b,", "=b", "a=b=c", "a=b,a=c", "nowhere.json", "list.json", "number.json"])
def test_a_map_that_is_none_is_explained(run: Run, file: str, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With what was read, and the form that a map has."""
    monkeypatch.chdir(Path(file).parent)
    Path("list.json").write_text("[]")
    Path("number.json").write_text('{"a": 1}')
    code, out, err = run("deploy", file, "--id", "x", "--parent", "p", "--map", text)
    assert (code, out) == (2, "")
    assert text in err
    assert "map" in err.partition("to do")[2]


def test_a_state_is_mapped_once(run: Run, file: str) -> None:
    """Two targets in two options are a mistake, and so is a policy beside a map."""
    code, _, err = run("deploy", file, "--id", "x", "--parent", "p", "--map", "a=b", "--map", "a=c")
    assert code == 2
    assert "names 'a' twice" in err
    assert run("deploy", file, "--id", "x", "--landing", "strict", "--map", "a=b").code == 2


def test_the_tree_of_versions_marks_a_map(run: Run, engine: Engine) -> None:
    """Beside what else there is to say of the route."""
    deploy(engine, "loan-v1")
    landing = MapLanding(map={"submitted": "under_review"})
    deploy(engine, "loan-v2", parent="loan-v1", landing=landing, once=True)
    deploy(engine, "loan-v3", parent="loan-v1", landing="strict")
    out = run("versions").out
    assert "every actor (closed, map)" in out
    assert "every actor (strict)" in out
