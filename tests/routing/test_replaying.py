"""The replay of one history."""

from hypothesis import given

from statekeep.daemon.routing.evaluator import replay as replay_all
from statekeep.daemon.routing.histories import Histories
from statekeep.daemon.routing.replaying import STUCK, replay
from tests.routing.test_evaluator import SmallTable, tables, tries


@given(tries(), tables())
def test_it_is_the_evaluators(trie: Histories, table: SmallTable) -> None:
    """For every history of a trie, one by one, it lands where the evaluator lands them all, and skips as much."""
    landings = replay_all(trie, b"\1" * len(trie), table)
    for node in range(len(trie)):
        found = replay(table, trie.symbols(node))
        assert (found.configuration, len(found.skipped)) == (landings.configuration[node], landings.skipped[node])


def test_it_names_what_it_skips() -> None:
    """The symbols that were not handled, in their order and each as often as it came, up to a step without end."""
    handled, unhandled = 0 << 1 | 1, 0 << 1
    table = SmallTable([handled, unhandled, unhandled, STUCK, handled, handled])
    assert replay(table, [1, 0, 2, 1]) == (0, [1, 2, 1])
    assert replay(table, [2, 3, 1]) == (STUCK, [2])
