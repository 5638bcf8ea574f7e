"""A deploy that is being written: what it would ask, how it could go on, what is missing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Versions
from statekeep.protocol.records import Landing, MapLanding
from statekeep.tui import drafts
from statekeep.tui.cli import loan
from statekeep.tui.drafts import Draft, Unready
from tests.engine.worlds import ask
from tests.tui.stage import Within, loans


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with a definition, a broken one and one of another kind."""
    monkeypatch.chdir(tmp_path)
    Path("loan-v2.json").write_text(json.dumps(loan.definition("loan-v2")))
    Path("broken.json").write_text("{")
    Path("notes.txt").touch()
    Path("older").mkdir()


PREVIEW = "preview loan-v2.json --id loan-v2 --parent loan-v1 --path A"
FULL = Draft(file="loan-v2.json", version="loan-v2", parent="loan-v1", path="A, B,", landing="strict", once=True)


def test_a_draft_is_the_request() -> None:
    """A comma at the end of the path waits for its event; the deploy carries digest and ``once``."""
    preview, deploy = FULL.preview(), FULL.deploy("d")
    assert (preview.version, preview.parent, preview.path, preview.landing) == (
        "loan-v2",
        "loan-v1",
        ["A", "B"],
        "strict",
    )
    assert (deploy.digest, deploy.once) == ("d", True)
    assert Draft("loan-v2.json", "loan-v2", path="A").preview().path == []


def test_a_draft_is_the_command_line() -> None:
    """What a shell would be told to do the same."""
    words = "deploy loan-v2.json --id loan-v2 --parent loan-v1 --path A,B, --landing strict --once --digest d"
    assert FULL._replace(path="A,B").command("d") == words.replace("A,B,", "A,B").split()
    assert "--once" not in FULL.command(None)


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (Draft(), "Choose the file"),
        (Draft("loan-v2.json"), "Give the new version a name"),
        (Draft("missing.json", "v"), r"can't be read: No such file or directory\. Name the file of a definition\.$"),
        (Draft("-", "v"), "^- can't be read"),  # stdin is where the keys come from
        (Draft("broken.json", "v"), "not usable as JSON"),
        (FULL._replace(path="A,,B"), "a comma too many"),
        (FULL._replace(landing="loose"), "Write replay, strict, or a map"),
        (FULL._replace(landing="a=b,c"), "'c' is no entry of a map"),
    ],
)
def test_what_is_missing_is_said(draft: Draft, said: str) -> None:
    """The first thing that stands in the way."""
    with pytest.raises(Unready, match=said):
        draft.fields()


@pytest.mark.parametrize(
    ("typed", "landing", "words"),
    [
        ("", "replay", []),
        (" replay", "replay", []),
        ("strict", "strict", ["--landing", "strict"]),
        ("a=b, c.d=,", MapLanding(map={"a": "b", "c.d": None}), ["--map", "a=b,c.d="]),
    ],
)
def test_a_landing_is_typed(typed: str, landing: Landing, words: list[str]) -> None:
    """One of the policies, or a map; a state without another stays."""
    typing = FULL._replace(path="A", landing=typed, once=False)
    assert typing.preview().landing == landing
    assert typing.command(None) == [*PREVIEW.split(), *words]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("s", ["strict", "sent="]),
        ("se", ["sent="]),
        ("sent=a", ["sent=approved", "sent=approved.paid"]),
        ("sent=, open.l", ["sent=, open.late="]),
        ("strict,", ["strict,open.late=", "strict,sent="]),
    ],
)
def test_landings_are_completed(typed: str, completed: list[str]) -> None:
    """A policy or a state that actors are in, then a state of the new definition."""
    new = drafts.state_paths({"states": {"approved": {"states": {"paid": {}}}, "rejected": None}})
    assert drafts.complete_landing(typed, ["open.late", "sent"], new) == completed


def test_states_are_those_that_actors_are_in(engine: Engine) -> None:
    """What nobody is in needs no landing."""
    loans(engine)
    assert drafts.state_names(ask(engine, Versions()).versions, "loan-v1") == ["awaiting_docs"]


def test_files_are_completed() -> None:
    """Definitions and directories; nothing else, and no hidden ones."""
    assert drafts.complete_file("lo") == ["loan-v2.json"]
    assert drafts.complete_file("./o") == ["./older/"]
    assert drafts.complete_file("n") == []
    assert drafts.complete_file("nowhere/x") == []


@pytest.mark.parametrize(
    ("path", "completed"),
    [
        ("SUB", ["SUBMIT_INFO"]),
        ("SUBMIT_INFO,", ["SUBMIT_INFO,PAY_FEE", "SUBMIT_INFO,WAIVE_FEE"]),
        ("SUBMIT_INFO, W", ["SUBMIT_INFO, WAIVE_FEE"]),
        ("**,PAY", ["**,PAY_FEE"]),
        ("*,W", ["*,WAIVE_FEE"]),
        ("NEVER,", []),
        ("*", []),
    ],
)
def test_paths_are_completed_from_what_happened(engine: Engine, path: str, completed: list[str]) -> None:
    """The most travelled way first; behind a wildcard, whatever came anywhere."""
    loans(engine)
    client = Within(engine, "viewer")
    assert asyncio.run(drafts.complete_path(client, "loan-v1", path)) == completed
    assert asyncio.run(drafts.complete_path(client, "nobody", path)) == []
