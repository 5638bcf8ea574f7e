"""Wrong, doubtful and odd definitions: refused whenever XState fails, and otherwise either alike or on the list."""

import functools
import re
from pathlib import Path

import pytest

import statekeep.daemon.statecharts as room
from statekeep.daemon.statecharts import InvalidDefinition, Unending
from tests.conformance.vectors import Case, actual_steps, difference, name_of, read

CASES = read("invalid")
README = Path(room.__file__ or "").with_name("README.md")


@functools.cache
def differences_on_the_list() -> dict[str, str]:
    """From the case to the code it is refused with, out of the table in the room's README."""
    rows = re.findall(r"^\| .* \| `(\w+)` \| .* \| (.*) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: code for code, names in rows for name in re.findall(r"`([\w/-]+)`", names)}


def refusal(case: Case) -> str:
    """The code of the first error, or how the event is answered; empty if the case runs."""
    try:
        actual_steps(case)
    except InvalidDefinition as error:
        return error.findings[0].code
    except Unending:
        return "unending"
    except ValueError:
        return "bad_event"
    return ""


@pytest.mark.parametrize("case", [case for case in CASES if case["outcome"] != "accepted"], ids=name_of)
def test_what_fails_in_xstate_is_refused(case: Case) -> None:
    """Where XState throws or never comes to rest, the definition is refused, or the event answered with an error."""
    assert refusal(case)


@pytest.mark.parametrize("case", [case for case in CASES if case["outcome"] == "accepted"], ids=name_of)
def test_what_xstate_accepts_is_alike_or_on_the_list(case: Case) -> None:
    """A definition that XState accepts does the same here, or is refused with the code in the README's table."""
    listed = differences_on_the_list().get(case["name"], "")
    assert refusal(case) == listed
    if not listed:
        assert difference(case) == ""


def test_the_list_holds_nothing_else() -> None:
    """Every case on the list is one that XState accepts."""
    accepted = {case["name"] for case in CASES if case["outcome"] == "accepted"}
    assert differences_on_the_list().keys() <= accepted
