"""What is typed as a filter or a command means one thing, or says what would be right."""

from __future__ import annotations

import pytest

from statekeep.tui import commands, filters
from tests.tui import records

VERSIONS = records.VERSIONS.versions


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", {}),
        ("version:loan-v1 state:review.legal", {"version": "loan-v1", "state": "review.legal"}),
        ("  awaiting_docs ", {"state": "awaiting_docs"}),
        ("state:a:b", {"state": "a:b"}),
        ("rescue:no since:1700000000000", {"needs_rescue": False, "updated_after": 1_700_000_000_000}),
    ],
)
def test_a_filter_is_read(text: str, fields: dict[str, str]) -> None:
    """Words with a colon name a field, one without is a state."""
    assert filters.parse(text).request == fields


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", "There is no filter colour: use version, state"),
        ("version:", "version: wants a value"),
        ("version:a version:b", "version: is there twice"),
        ("status:late", "status: is one of active, done, error, stopped."),
        ("rescue:maybe", "rescue: is one of yes, no."),
        ("since:yesterday", "since: 'yesterday' is no time; write 15m"),
    ],
)
def test_a_wrong_filter_says_what_is_right(text: str, said: str) -> None:
    """A slip does not become another filter."""
    with pytest.raises(filters.Unusable, match=said):
        filters.parse(text)


@pytest.mark.parametrize(
    ("text", "population"),
    [
        ("", 847 + 36),
        ("version:loan-v1", 847),
        ("state:awaiting_docs", 847),
        ("version:loan-v2 state:s8", 8),
        ("version:loan-v2 state:awaiting_docs", 0),
        ("state:*", None),
    ],
)
def test_populations_tell_how_many_pass(text: str, population: int | None) -> None:
    """What the versions say is enough for most filters, and where it is not, nothing is claimed."""
    assert filters.population(VERSIONS, filters.parse(text)) == population


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ver", "version:"),
        ("version:loan-v2", "version:loan-v2"),
        ("version:loan-v1 st", "version:loan-v1 state:"),
        ("version:loan-v1 state:a", "version:loan-v1 state:awaiting_docs"),
        ("zzz", None),
        ("", None),
    ],
)
def test_a_filter_is_completed(text: str, first: str | None) -> None:
    """The last word, from what there is."""
    assert next(iter(filters.completions(text, VERSIONS)), None) == first


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("route:loan-v2 outcome:pending until:7d", ["--route", "loan-v2", "--outcome", "pending", "--until", "7d"]),
        ("since:2h actor:alice", ["alice", "--since", "2h"]),
    ],
)
def test_a_filter_is_the_options_of_a_command(text: str, words: list[str]) -> None:
    """Times as they were typed: the command line understands them too."""
    assert filters.options(filters.decisions(text), filters.DECISIONS) == words


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (":actors version:loan-v2", ("actors", {"text": "version:loan-v2"})),
        ("actor 17", ("actor", {"actor": 17})),
        ("actor alice", ("actor", {"actor": "alice"})),
        ("p loan-v1", ("paths", {"version": "loan-v1"})),
        ("decisions loan-v2 since:2h", ("decisions", {"text": "loan-v2 since:2h"})),
        ("decisions actor:alice", ("decisions", {"text": "actor:alice"})),
        ("q", ("quit", {})),
    ],
)
def test_a_command_is_read(text: str, command: tuple[str, dict[str, object]]) -> None:
    """With or without its colon, in full or by its letter."""
    assert commands.parse(text) == command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("actrs", "Did you mean actors"),
        ("actor", "Name the actor"),
        ("actors colour:red", "no filter colour"),
        ("decisions outcome:migrated", "about a route or about an actor"),
    ],
)
def test_a_wrong_command_says_what_is_right(text: str, said: str) -> None:
    """Before anything is opened."""
    with pytest.raises(ValueError, match=said):
        commands.parse(text)


def test_commands_are_completed_from_what_there_is() -> None:
    """Names of commands, then of versions."""
    assert commands.completions("ve", VERSIONS, []) == ["versions"]
    assert commands.completions("paths loan-v2", VERSIONS, []) == ["paths loan-v2"]
    assert commands.completions("theme n", VERSIONS, ["nord", "monokai"]) == ["theme nord"]
