"""``diff`` beside the definitions of a daemon; ``definition`` and ``show`` are with the other commands."""

from __future__ import annotations

import json

from statekeep.protocol.messages import Definition
from statekeep.protocol.records import DefinitionText
from tests.tui.conftest import Asked, Run

OLD = DefinitionText(
    version="loan-v1",
    definition={"initial": "open", "states": {"open": {"on": {"PAY": "paid"}}, "paid": {}}},
    guards="ignore",
)
NEW = DefinitionText(
    version="loan-v2",
    definition={
        "initial": "open",
        "states": {"open": {"on": {"PAY": "verify"}}, "verify": {"on": {"OK": "paid"}}, "paid": {}},
    },
    guards="ignore",
    parent="loan-v1",
)


def test_a_version_is_compared_with_its_parent(run: Run, daemon: Asked) -> None:
    """Unless another is named; what was added and what leads elsewhere stands on a line each."""
    daemon.answers(NEW, OLD)
    code, out, err = run("diff", "loan-v2")
    assert (code, err) == (0, "")
    assert daemon.asked == [Definition("loan-v2"), Definition("loan-v1")]
    assert "added state verify" in out
    assert "retargeted transition open, PAY: paid -> verify" in out


def test_each_change_is_a_line_of_json(run: Run, daemon: Asked) -> None:
    """The same, for programs."""
    daemon.answers(NEW, OLD)
    lines = [json.loads(line) for line in run("diff", "loan-v2", "loan-v1", "--json").out.splitlines()]
    assert {"what": "state", "kind": "added", "path": "verify"}.items() <= lines[0].items()


def test_versions_may_be_alike(run: Run, daemon: Asked) -> None:
    """No line would leave open whether anything was compared."""
    daemon.answers(OLD)
    assert run("diff", "loan-v1", "copy").out == "loan-v1 has the states and transitions of copy.\n"


def test_a_root_has_nothing_to_be_compared_with(run: Run, daemon: Asked) -> None:
    """It says what to type."""
    daemon.answers(OLD)
    code, out, err = run("diff", "loan-v1")
    assert (code, out) == (2, "")
    assert "statekeep diff loan-v1 OTHER" in err
