"""From whatever a caller sends to a chart, or to everything that is wrong with it."""

from statekeep.daemon.statecharts.advice import advise
from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.errors import InvalidDefinition, Unending
from statekeep.daemon.statecharts.findings import Findings, Limits
from statekeep.daemon.statecharts.reading import Object, as_json
from statekeep.daemon.statecharts.structure import check_structure
from statekeep.daemon.statecharts.tree import Tree
from statekeep.daemon.statecharts.wiring import Wiring
from statekeep.protocol.records import Finding, Guards

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
    if chart is None or findings.has_errors():
        raise InvalidDefinition(findings.all())
    return chart


def _examine(definition: object, guards: Guards, limits: Limits, findings: Findings) -> Chart | None:
    config = as_json(definition, limits, findings)
    if config is None:
        return None
    if _is_resolved(config):
        message = "this is a resolved machine, as JSON.stringify(machine) gives it: `always` and more are lost in it"
        findings.error("definition_form", "$", message, "export the config instead: JSON.stringify(machine.config)")
        return None
    tree = Tree(config, limits, findings)
    if tree.is_cut_short:
        return None
    wiring = Wiring(tree, guards, limits, findings)
    if findings.has_errors():
        return None
    check_structure(tree, wiring, findings)
    if findings.has_errors():
        return None
    chart = Chart(tree.root, tree.nodes, guards, limits.microsteps)
    try:
        chart.initial()
    except Unending:
        message = "the machine never comes to rest: from its start, eventless transitions or done events go in a ring"
        findings.error("eventless_cycle", "$", message, "let an event decide at one point of the ring")
        return None
    advise(chart, tree, wiring, findings)
    return chart


def _is_resolved(config: Object) -> bool:
    traces = (
        isinstance(config.get("key"), str),
        isinstance(config.get("order"), int),
        isinstance(config.get("transitions"), list),
    )
    return sum(traces) >= 2
