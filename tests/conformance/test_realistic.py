"""Machines as users write them."""

import pytest

from tests.conformance.vectors import Case, difference, name_of, read


@pytest.mark.parametrize("case", read("realistic"), ids=name_of)
def test_users_machine_does_what_it_does_in_xstate(case: Case) -> None:
    """Value, status, nodes, history, tags, handled, exit and entry order are XState's in every step."""
    assert difference(case) == ""
