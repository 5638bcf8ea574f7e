"""``statekeep check`` and ``statekeep simulate``."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.parser import build

LIGHT = {"initial": "green", "states": {"green": {"on": {"GO": "red"}}, "red": {"type": "final"}}}


def run(*arguments: str) -> int:
    """Run a command as the parser of the whole command line would."""
    args = build().parse_args(arguments)
    args.json = getattr(args, "json", False)
    status: int = args.run(args)
    return status


@pytest.fixture
def light(tmp_path: Path) -> str:
    """A file with a definition that has nothing wrong."""
    file = tmp_path / "light.json"
    file.write_text(json.dumps(LIGHT))
    return str(file)


def written(tmp_path: Path, value: Any) -> str:
    """A file with this value as JSON."""
    file = tmp_path / "file.json"
    file.write_text(json.dumps(value))
    return str(file)


def test_check_draws_what_is_sound(light: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The outline, and 0."""
    assert run("check", light) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["    green  (initial)", "      GO -> red", "    red  (final)"]


def test_check_lists_what_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each finding on a line of its own, and 1."""
    file = written(tmp_path, {"initial": "a", "states": {"a": {"on": {"E": "b", "F": "c"}}}})
    assert run("check", file) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [["error", "$.states.a.on.E"], ["error", "$.states.a.on.F"]]
    assert run("check", "--json", file) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [finding["code"] for finding in found] == ["unknown_target", "unknown_target"]


def test_simulate_shows_where_each_event_leads(light: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A state a line, with what is worth knowing beside it."""
    assert run("simulate", light, "NO", "GO", "GO") == 0
    assert capsys.readouterr().out.splitlines() == [
        "(start)  green",
        "NO       green  (not handled)",
        "GO       red  (done)",
        "GO       red  (done, not handled)",
    ]
    assert run("simulate", "--json", light, "GO") == 0
    assert [step["value"] for step in json.loads(capsys.readouterr().out)["trace"]] == ["green", "red"]


def test_simulate_takes_the_policy_of_guards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ignored unless blocked."""
    file = written(tmp_path, {"initial": "a", "states": {"a": {"on": {"E": {"target": "b", "guard": "g"}}}, "b": {}}})
    assert run("simulate", file, "E") == run("simulate", "--guards", "block", file, "E") == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["a", "b", "a", "a"]


def test_a_ring_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message on stderr, and 1."""
    ring = {"a": {"on": {"E": "x"}}, "x": {"always": "y"}, "y": {"always": "x"}}
    assert run("simulate", written(tmp_path, {"initial": "a", "states": ring}), "E") == 1
    assert "does not come to rest" in capsys.readouterr().err


def test_a_batch_answers_every_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Traces and errors in the order of the cases, and 1 if there was an error."""
    cases = [
        {"machine": LIGHT, "events": ["GO", {"type": "GO", "n": 1}], "guards": "never"},
        {"machine": {"initial": "a", "states": {}}, "events": []},
        {"machine": LIGHT, "events": [5]},
        {"machine": LIGHT, "guards": "maybe"},
        {"machine": {"initial": "a", "states": {"a": {"on": {"E": "a"}}}}},
    ]
    text = "\n".join([*map(json.dumps, cases), "", "{", "[" * 100_000])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run("simulate", "--batch", "-") == 1
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    codes = [answer["error"]["code"] if "error" in answer else len(answer["trace"]) for answer in answers]
    assert codes == [3, "invalid_definition", "bad_event", "malformed", 1, "malformed", "malformed"]
    assert answers[0]["trace"][1] == {
        "value": "red",
        "status": "done",
        "nodes": ["(machine)", "(machine).red"],
        "history": {},
        "tags": [],
        "handled": True,
        "exit": ["(machine).green", "(machine).red", "(machine)"],
        "enter": ["(machine).red"],
    }


@pytest.mark.parametrize("arguments", [("check",), ("simulate",), ("simulate", "--batch")])
def test_a_file_that_is_not_there_is_unusable(arguments: tuple[str, ...]) -> None:
    """The command line explains it and returns 2."""
    with pytest.raises(UnusableInput, match="can't be read"):
        run(*arguments, "/nonexistent/file.json")
