"""Random machines, here and in the real XState."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from statekeep.daemon.statecharts import InvalidDefinition, Unending
from tests.conformance.machines import cases
from tests.conformance.vectors import actual_steps

ORACLE = Path(__file__).with_name("xstate_oracle.mjs")
HINT = "npm install --prefix /tmp/xstate xstate@5.33.3, then XSTATE=/tmp/xstate/node_modules/xstate"

UNENDING = "the machine does not come to rest"

pytestmark = [pytest.mark.xstate, pytest.mark.timeout(900)]


class Oracle:
    """The real XState in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, case: dict[str, Any]) -> dict[str, Any]:
        """``{"trace": ...}``, or ``{"error": message}`` as XState words it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """One process for all examples."""
    node, package = shutil.which("node"), os.environ.get("XSTATE", "")
    main = Path(package, "dist", "xstate.cjs.js")
    if node is None:
        pytest.skip("needs node, and XState: " + HINT)
    if not package or not main.exists():
        pytest.skip("needs XState: " + HINT)
    command = [node, str(ORACLE), str(main)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        yield Oracle(process)
        assert process.stdin is not None
        process.stdin.close()


def ours(case: dict[str, Any]) -> dict[str, Any]:
    """The same answer from here."""
    try:
        return {"trace": actual_steps(case)}
    except Unending:
        return {"error": UNENDING}
    except InvalidDefinition as error:
        codes = {finding.code for finding in error.findings if finding.level == "error"}
        if codes == {"eventless_cycle"}:
            return {"error": UNENDING}
        event(f"refused: {sorted(codes)}")
        assume(False)
        raise


@settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    print_blob=True,
)
@given(cases())
def test_random_machines_do_here_what_they_do_in_xstate(oracle: Oracle, case: dict[str, Any]) -> None:
    """Value, status, nodes, history, tags, handled, exit and entry order are the same after every event."""
    expected, actual = oracle.run(case), ours(case)
    if expected.get("error", "").startswith(("Infinite loop detected", "Maximum call stack size exceeded")):
        expected = {"error": UNENDING}
    assert actual == expected, "a case that differs:\n" + json.dumps({**case, "trace": expected.get("trace")})
