"""``explain`` knows every code, and says what to do about it."""

from __future__ import annotations

import json

import pytest

from statekeep.protocol.errors import StatekeepError
from statekeep.tui.cli.explain import sections
from tests.tui.conftest import Run


def codes(kind: type[StatekeepError]) -> set[str]:
    """The codes of all errors below one."""
    below = {code for child in kind.__subclasses__() for code in codes(child)}
    return below | ({kind.code} if "code" in kind.__dict__ and kind is not StatekeepError else set())


def test_every_code_has_its_section() -> None:
    """Those of the daemon and those of the client, and no others."""
    assert set(sections()) == codes(StatekeepError)


@pytest.mark.parametrize("code", sorted(sections()))
def test_a_section_has_cause_remedy_and_example(code: str, run: Run) -> None:
    """In this order, and none is empty; that is what is printed."""
    cause, remedy, *examples = sections()[code].split("\n\n")
    assert not cause.startswith(("**", " "))
    assert remedy.startswith("**To do:** ")
    assert examples
    assert all(example.startswith("    ") for example in examples)
    done = run("explain", code)
    assert done.code == 0
    assert done.out.splitlines()[0] == code
    assert "To do: " in done.out
    assert "**To do" not in done.out


def test_brackets_are_no_obstacle(run: Run) -> None:
    """A code may be copied as a message shows it."""
    assert json.loads(run("explain", "[busy]", "--json").out)["code"] == "busy"


def test_an_unknown_code_names_the_nearest(run: Run) -> None:
    """With exit code 2."""
    done = run("explain", "preview_outdate")
    assert (done.code, done.out) == (2, "")
    assert "Did you mean preview_outdated?" in done.err


def test_without_a_code_all_are_listed(run: Run) -> None:
    """One a line."""
    assert run("explain").out.split() == list(sections())
