"""What changed between two definitions."""

from statekeep.daemon.statecharts import diff, load
from tests.conformance.vectors import POLICIES, read
from tests.statecharts.loan import LOAN, renamed


def changes(old: object, new: object) -> list[str]:
    """The differences as lines."""
    return [str(change) for change in diff(load(old), load(new))]


def test_a_definition_does_not_differ_from_itself() -> None:
    """Whatever it is made of."""
    for case in read("realistic")[::11]:
        guards = POLICIES[case["guards"]]
        assert diff(load(case["machine"], guards=guards), load(case["machine"], guards=guards)) == []


def test_changes_are_told_in_the_words_of_statecharts() -> None:
    """A renamed state is not one removed and one added, and what leads to it has not changed."""
    assert changes(LOAN, renamed()) == [
        "renamed state approved: ok -> approved",
        "added state extra",
        'retargeted transition approved, SAY "hi"; <b>: approved (reenter) -> gone',
        "added transition approved, MORE: -> extra",
        "removed transition in review.legal.open, E: in review.legal.shut ->",
    ]


def test_states_that_are_not_alike_are_removed_and_added() -> None:
    """And what is inside them is not told on its own."""
    old = {"initial": "a", "states": {"a": {"on": {"X": "b"}}, "b": {"initial": "c", "states": {"c": {}}}}}
    new = {"initial": "a", "states": {"a": {"on": {"Y": "z"}}, "z": {"type": "final"}}}
    assert changes(old, new) == [
        "removed state b",
        "added state z",
        "added transition a, Y: -> z",
        "removed transition a, X: b ->",
    ]


def test_a_state_of_another_nature_has_changed() -> None:
    """Type, initial state, tags, entry and exit."""
    old = {"initial": "a", "states": {"a": {"tags": "x", "on": {"E": "b"}}, "b": {}}}
    new = {"initial": "b", "states": {"a": {"entry": "log", "on": {"E": "b"}}, "b": {"type": "final"}}}
    assert changes(old, new) == [
        "changed state (machine): compound, initial a -> compound, initial b",
        "changed state a: atomic, #x -> atomic, entry / log",
        "changed state b: atomic -> final",
    ]
