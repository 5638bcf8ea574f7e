"""What is typed becomes what is meant, or is refused before any daemon is asked."""

from __future__ import annotations

import io
import re
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import pytest

from statekeep.tui.cli.arguments import actor, event_path, json_value, read_definition
from statekeep.tui.cli.failures import UnusableInput
from tests.tui.conftest import Run


@pytest.mark.parametrize(
    ("text", "meant"),
    [("17", 17), ("alice", "alice"), ("key:17", "17"), ("key:key:a", "key:a"), ("-1", "-1"), ("٣", "٣"), ("1a", "1a")],
)
def test_an_actor_is_an_id_or_a_key(text: str, meant: int | str) -> None:
    """Only ASCII digits are an id, and ``key:`` makes a key of anything."""
    assert actor(text) == meant


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("", []),
        ("A", ["A"]),
        ("A,B", ["A", "B"]),
        ("A, B", ["A", "B"]),
        ('["A,B", "C"]', ["A,B", "C"]),
        ("**,A", ["**", "A"]),
    ],
)
def test_a_path_is_a_list(text: str, events: list[str]) -> None:
    """Commas separate events; an event type that has a comma can be given in a JSON array."""
    assert event_path(text) == events


@pytest.mark.parametrize("text", ["A,,B", "A,", "[1]", "[", "[[]]", "[null]"])
def test_a_broken_path_is_refused(text: str) -> None:
    """An empty event type would match nothing, ever."""
    with pytest.raises(ArgumentTypeError):
        event_path(text)


@pytest.mark.parametrize("text", ["", "{", "nope", "1 2", str(2**70), r'"\ud800"', "[" * 100_000])
def test_what_cannot_cross_the_wire_is_refused(text: str) -> None:
    """Text that is no JSON, and JSON that MessagePack can't carry, raise one error."""
    with pytest.raises(ArgumentTypeError, match="JSON"):
        json_value(text)


def test_a_definition_comes_from_a_file_or_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` is stdin."""
    file = tmp_path / "d.json"
    file.write_text('{"id": "é"}', encoding="utf-8")
    assert read_definition(str(file)) == {"id": "é"}
    monkeypatch.setattr("sys.stdin", io.StringIO('{"id": "x"}'))
    assert read_definition("-") == {"id": "x"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not usable as JSON: "),
        (b"[]", "an array, not an object"),
        (b"null", "null, not an object"),
        (b"0.5", "a number, not an object"),
        (b"\xff", "not UTF-8."),
    ],
)
def test_an_unreadable_definition_names_its_file(tmp_path: Path, content: bytes, said: str) -> None:
    """The error says which file, what is wrong with it and what would do."""
    file = tmp_path / "d.json"
    file.write_bytes(content)
    with pytest.raises(UnusableInput, match=rf"d\.json is {said}") as raised:
        read_definition(str(file))
    assert "JSON object" in raised.value.advice


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["spawn"],
        ["deploy", "f.json"],
        ["deploy", "f.json", "--id", "x", "--landing", "soft"],
        ["deploy", "f.json", "--id", "x", "--path", "A,,B"],
        ["send", "alice", "PAY", "--payload", "{"],
        ["actors", "--limit", "0"],
        ["actors", "--cursor", "-1"],
        ["actor", str(2**63)],
        ["decisions", "--outcome", "lost"],
        ["decisions"],
        ["decisions", "alice", "--route", "loan-v2"],
        ["paths", "loan-v1", "--depth", "0"],
        ["tail", "--number", "0"],
        ["tui", "--web", "--port", "65536"],
    ],
)
def test_a_wrong_command_line_ends_with_2(run: Run, words: list[str]) -> None:
    """Nothing on stdout, an explanation on stderr, and no daemon was needed to find out."""
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert "statekeep" in err


@pytest.mark.parametrize(
    "line",
    [
        ["actor", ""],
        ["actor", "key:"],
        ["send", "alice", ""],
        ["spawn", ""],
        ["spawn", "loan-v1", "--key", ""],
        ["spawn", "loan-v1", "--idempotency-key", ""],
        ["deploy", "f.json", "--id", ""],
        ["deploy", "f.json", "--id", "x", "--parent", ""],
        ["actors", "--state", ""],
        ["decisions", "--route", ""],
        ["show", ""],
        ["why", "alice", ""],
    ],
)
def test_an_empty_name_is_refused_where_it_stands(run: Run, line: list[str]) -> None:
    """It is what a shell makes of a variable that is not set. The option is named, not a field of the wire."""
    code, out, err = run(*line)
    assert (code, out) == (2, "")
    assert re.search(r"argument (--)?\w[\w-]*: it is empty", err)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sned alice PAY", "statekeep: argument COMMAND: there is no 'sned'; did you mean send?"),
        ("key statsu", "statekeep key: argument COMMAND: there is no 'statsu'; did you mean status?"),
        ("key lock", "there are status, rotate, rewrap, add-recovery, export-recovery"),
        ("spawn loan-v1 --kye alice", "statekeep spawn: unknown: --kye alice; did you mean --key?"),
        ("actor alice bob", "statekeep actor: unknown: bob\n  to do  `statekeep actor --help`"),
        ("actors --status actve", "argument --status: there is no 'actve'; did you mean active?"),
    ],
)
def test_a_mistyped_word_is_answered_with_what_is_near(run: Run, line: str, said: str) -> None:
    """By the command it was meant for, which also says where to read on."""
    code, out, err = run(*line.split())
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith(f"usage: {said.partition(':')[0]}" if said.startswith("statekeep") else "usage: statekeep")


@pytest.mark.parametrize("words", [["--help"], ["deploy", "--help"], ["--version"]])
def test_help_ends_with_0(run: Run, words: list[str]) -> None:
    """Help needs no daemon."""
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert "statekeep" in out


def test_every_json_value_may_be_a_context() -> None:
    """Down to null and up to the bounds of 64 bits."""
    values: list[Any] = [None, True, 1, -(2**63), 1.5, "x", [1], {"a": []}]
    assert [
        json_value(text) for text in ("null", "true", "1", str(-(2**63)), "1.5", '"x"', "[1]", '{"a": []}')
    ] == values
