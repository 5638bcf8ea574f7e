"""From whatever a caller sends to a chart, or to everything that is wrong with it."""

from typing import Any

from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.findings import Findings, InvalidDefinition, Limits
from statekeep.daemon.statecharts.macrostep import Unending
from statekeep.daemon.statecharts.reading import is_json_within
from statekeep.daemon.statecharts.tree import Tree
from statekeep.daemon.statecharts.wiring import Wiring
from statekeep.protocol.messages import Finding, Guards

_DEFAULT_LIMITS = Limits()


def check(definition: object, *, guards: Guards = "ignore", limits: Limits = _DEFAULT_LIMITS) -> list[Finding]:
    """Everything that is wrong with a definition, errors first; one without errors can be loaded."""
    findings = Findings()
    _examine(definition, guards, limits, findings)
    return findings.all()


def load(definition: object, *, guards: Guards = "ignore", limits: Limits = _DEFAULT_LIMITS) -> Chart:
    """Make a definition ready to run.

    The order of keys counts, as it does in JavaScript.

    Raises:
        InvalidDefinition: it has errors.
    """
    findings = Findings()
    chart = _examine(definition, guards, limits, findings)
    if chart is None or findings.has_errors:
        raise InvalidDefinition(findings.all())
    return chart


def _examine(definition: Any, guards: Guards, limits: Limits, findings: Findings) -> Chart | None:
    if not is_json_within(definition, limits, findings):
        return None
    tree = Tree(definition, limits, findings)
    Wiring(tree, guards, limits, findings)
    if findings.has_errors:
        return None
    chart = Chart(tree.root, tree.nodes, guards, limits.microsteps)
    try:
        chart.initial()
    except Unending:
        message = "the machine never comes to rest after its start: its eventless transitions or done events go in a ring"
        findings.error("eventless_cycle", "$", message, "guard one of them, or let an event decide")
    return chart
