"""Three thousand random machines, recorded."""

from tests.conformance.vectors import difference, name_of, read


def test_random_machines_do_what_they_did_in_xstate() -> None:
    """Every step is XState's; where the set says that XState itself is in doubt, exit and entry order are not asked."""
    differences = {name_of(case): difference(case) for case in read("random-dev")}
    assert len(differences) == 3000
    assert {name: text for name, text in differences.items() if text} == {}
