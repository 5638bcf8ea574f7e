"""What a path says about a history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.routing.fingerprint import fingerprint
from statekeep.daemon.routing.paths import ANY_ONE, ANY_RUN, MAX_TOKENS, Path, PathTooLong, Relation
from tests.routing.patterns import ALPHABET, HISTORY, TEXTS, path, relation

PENDING, MATCH, DIVERGED = Relation.PENDING, Relation.MATCH, Relation.DIVERGED


@pytest.mark.parametrize(
    ("texts", "relations"),
    [
        ([], {"": MATCH, "a": MATCH}),
        (["a", "b"], {"": PENDING, "a": PENDING, "b": DIVERGED, "ab": MATCH, "abc": MATCH, "aa": DIVERGED}),
        (["*"], {"": PENDING, "d": MATCH, "da": MATCH}),
        (["*", "b"], {"a": PENDING, "db": MATCH, "dd": DIVERGED}),
        (["**"], {"": MATCH, "a": MATCH}),
        (["**", "b"], {"": PENDING, "ddd": PENDING, "b": MATCH, "ddb": MATCH, "ddbd": MATCH}),
        (["a", "**", "b"], {"a": PENDING, "b": DIVERGED, "acccc": PENDING, "accb": MATCH, "ab": MATCH}),
        (["a", "**"], {"": PENDING, "a": MATCH, "b": DIVERGED}),
        (["**", "a", "b"], {"aa": PENDING, "aab": MATCH, "abab": MATCH}),
        (["**", "*", "b"], {"b": PENDING, "bb": MATCH, "ddb": MATCH}),
    ],
)
def test_the_relation_by_example(texts: list[str], relations: dict[str, Relation]) -> None:
    """Literal paths, ``*`` for one event, ``**`` for any run of them, in places where they meet."""
    for events, expected in relations.items():
        assert path(texts).relation(map(ALPHABET.index, events)) is expected, events


@given(TEXTS, HISTORY)
def test_the_relation_is_the_one_defined(texts: list[str], symbols: list[int]) -> None:
    """Match is an accepted beginning; diverged, that no continuation is accepted; pending, anything else."""
    assert path(texts).relation(symbols) is relation(texts, symbols)


@given(TEXTS, HISTORY, HISTORY)
def test_match_and_diverged_are_permanent(texts: list[str], symbols: list[int], more: list[int]) -> None:
    """No further event takes a decision back."""
    before = path(texts).relation(symbols)
    assert before is PENDING or path(texts).relation(symbols + more) is before


@given(TEXTS, st.data())
def test_a_repeated_run_takes_no_more_than_one(texts: list[str], data: st.DataObject) -> None:
    """Consecutive ``**`` mean what one means, but the path keeps the text and the hash that it was given."""
    at = data.draw(st.integers(0, len(texts)))
    once, twice = ([*texts[:at], *["**"] * runs, *texts[at:]] for runs in (1, 2))
    symbols = data.draw(HISTORY)
    assert path(twice).relation(symbols) is path(once).relation(symbols)
    assert path(twice).hash != path(once).hash


def test_a_path_keeps_what_was_written() -> None:
    """Its tokens are symbols and wildcards in their order, and its hash is the fingerprint of the words."""
    parsed = Path.parse(["**", "b", "*"], ALPHABET.index)
    assert parsed.tokens == (ANY_RUN, 1, ANY_ONE)
    assert parsed.hash == fingerprint(["**", "b", "*"])


def test_the_longest_path_matches_at_its_last_event() -> None:
    """A path of as many tokens as are allowed is pending up to its last event and a match with it."""
    longest = path(["a", "b"] * (MAX_TOKENS // 2))
    events = [0, 1] * (MAX_TOKENS // 2)
    assert longest.relation(events[:-1]) is PENDING
    assert longest.relation(events) is MATCH
    assert longest.relation([*events[:-1], 0]) is DIVERGED


def test_one_token_more_is_refused_before_it_names_anything() -> None:
    """A path that is too long raises, and none of its event types has become a symbol."""
    asked: list[str] = []

    def symbol_of(text: str) -> int:
        asked.append(text)
        return 0

    with pytest.raises(PathTooLong, match="at most 256 tokens, this one 257"):
        Path.parse(["a"] * (MAX_TOKENS + 1), symbol_of)
    assert asked == []
    with pytest.raises(PathTooLong):
        Path((0,) * (MAX_TOKENS + 1), hash=0)
