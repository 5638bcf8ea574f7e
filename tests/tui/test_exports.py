"""Decisions as files for other programs."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from statekeep.protocol.errors import UnknownVersion
from statekeep.protocol.messages import Actors, Decisions, PageRequest, Request
from statekeep.protocol.records import Actor, Decision, DecisionPage, Erased, Record
from statekeep.tui.screens.listing import written
from tests.tui import records
from tests.tui.conftest import Asked, Run

ROUTE = ("decisions", "--route", "loan-v2")
SECOND = msgspec.structs.replace(
    records.DECISION,
    actor=2,
    key='say "hello",\nBob',
    outcome="diverged",
    version_after=None,
    state_before={"review": {"legal": "open"}},
    landing=None,
)
PAGES = (
    msgspec.structs.replace(records.DECISIONS, next=1),
    msgspec.structs.replace(records.DECISIONS, decisions=[SECOND]),
)


def rows(text: str) -> list[dict[str, str]]:
    """What a reader of CSV makes of it."""
    return list(csv.DictReader(io.StringIO(text)))


def test_json_lines_are_the_records(run: Run, daemon: Asked, tmp_path: Path) -> None:
    """All pages, a line each, as they crossed the wire; large pages, whatever the limit."""
    daemon.answers(*PAGES)
    file = tmp_path / "decisions.jsonl"
    assert run(*ROUTE, "--outcome", "migrated", "--export", str(file)) == (0, "", "")
    lines = file.read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Decision) for line in lines] == [records.DECISION, SECOND]
    asked = Decisions(route="loan-v2", outcome="migrated", limit=1000)
    assert daemon.asked == [asked, msgspec.structs.replace(asked, cursor=1)]


def test_csv_has_every_field(run: Run, daemon: Asked, tmp_path: Path) -> None:
    """Lists and nested states are JSON in their cells, absent values are empty, odd keys survive."""
    daemon.answers(*PAGES)
    file = tmp_path / "decisions.csv"
    run(*ROUTE, "--export", str(file))
    first, second = rows(file.read_text())
    assert list(first) == list(Decision.__struct_fields__)
    assert (first["key"], first["landing"], first["skipped"]) == ("alice", "income_verify", "3")
    assert first["path"] == '["SUBMIT_INFO", "PAY_FEE"]'
    assert (second["key"], second["landing"], second["version_after"]) == (SECOND.key, "", "")
    assert second["state_before"] == '{"review": {"legal": "open"}}'


@pytest.mark.parametrize("key", ["=1+1", "+1", "-1", "@SUM(A1)", "\tA", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(run: Run, daemon: Asked, key: str) -> None:
    """A key that somebody else chose is text to a spreadsheet too; in JSON lines it is as it was."""
    daemon.answers(DecisionPage(decisions=[msgspec.structs.replace(records.DECISION, key=key)]))
    assert rows(run(*ROUTE, "--export", "-", "--format", "csv").out)[0]["key"] == f"'{key}"
    assert msgspec.json.decode(run(*ROUTE, "--export", "-", "--format", "jsonl").out)["key"] == key


def test_stdout_is_a_file_too(run: Run, daemon: Asked) -> None:
    """Where ``--format`` says how."""
    daemon.answers(records.DECISIONS)
    assert rows(run(*ROUTE, "--export", "-", "--format", "csv").out)[0]["key"] == "alice"


@pytest.mark.parametrize("target", ["-", "decisions", "decisions.xlsx"])
def test_the_format_must_be_known(run: Run, daemon: Asked, target: str) -> None:
    """It is not guessed, and nothing is asked before it is known."""
    code, out, err = run(*ROUTE, "--export", target)
    assert (code, out, daemon.asked) == (2, "", [])
    assert "--format csv" in err


def test_an_export_is_whole_or_not_there(run: Run, daemon: Asked, tmp_path: Path) -> None:
    """When a page fails, what was there before still is, and nothing lies beside it."""
    file = tmp_path / "out.jsonl"
    file.write_text("before")
    daemon.answers(PAGES[0], UnknownVersion("loan-v2", []))
    assert run(*ROUTE, "--export", str(file)).code == 1
    assert [(path.name, path.read_text()) for path in tmp_path.glob("out*")] == [("out.jsonl", "before")]


def test_a_file_that_cannot_be_made_is_named(run: Run, daemon: Asked, tmp_path: Path) -> None:
    """In the words of every input that is no use."""
    daemon.answers(records.DECISIONS)
    code, _, err = run(*ROUTE, "--export", str(tmp_path / "no" / "where.csv"))
    assert code == 2
    assert "where.csv can't be written: No such file or directory." in err


class Pages:
    """A daemon that has these pages."""

    socket = ""

    def __init__(self, *pages: Record) -> None:
        self._pages = list(pages)

    async def call(self, request: Request[Any]) -> Any:
        del request
        return self._pages.pop(0)

    def close(self) -> None:
        """Nothing is open."""


LACKING = msgspec.structs.replace(
    records.DECISIONS, erased=[Erased(id=7, position=1, time=0)], damaged=[8, 9], decisions=[SECOND]
)


@pytest.mark.parametrize(
    ("request_", "kind", "pages", "said"),
    [
        (
            Decisions(route="loan-v2"),
            Decision,
            [PAGES[0], LACKING],
            [
                "erased since, and so left out: 1 actor that may have been decided",
                "damaged, and so left out: 2 actors; see `statekeep verify`",
            ],
        ),
        (
            Actors(),
            Actor,
            [msgspec.structs.replace(records.ACTORS, damaged=True)],
            ["damaged: the actors on the disk are not what was written; see `statekeep verify`"],
        ),
        (Actors(), Actor, [records.ACTORS], []),
    ],
)
def test_an_export_of_the_screens_says_who_is_not_in_it(
    tmp_path: Path, request_: PageRequest[Any], kind: type[Record], pages: list[Record], said: list[str]
) -> None:
    """As that of the command does, over all pages."""
    rows_of = "decisions" if kind is Decision else "actors"
    done = asyncio.run(written(Pages(*pages), request_, rows_of, kind, tmp_path / "rows.jsonl"))
    assert not isinstance(done, Exception)
    assert (done.rows, list(done.lacking)) == (2, said)
