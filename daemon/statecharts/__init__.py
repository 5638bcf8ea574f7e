"""Statecharts with the semantics of XState 5: pure, without a store, a socket or a clock.

``load`` makes a ``Chart`` of a definition, ``Chart.step`` takes a ``Configuration`` and an event type to the next one,
and ``Table`` remembers each step that has occurred. The names are those of XState and of the W3C SCXML algorithm.
"""

from statekeep.daemon.statecharts.chart import Chart, Step
from statekeep.daemon.statecharts.configuration import Configuration
from statekeep.daemon.statecharts.definition import check, load
from statekeep.daemon.statecharts.diff import diff
from statekeep.daemon.statecharts.errors import InvalidDefinition, Unending
from statekeep.daemon.statecharts.findings import Limits
from statekeep.daemon.statecharts.mermaid import mermaid
from statekeep.daemon.statecharts.offers import offers
from statekeep.daemon.statecharts.outline import outline
from statekeep.daemon.statecharts.scxml import scxml
from statekeep.daemon.statecharts.starting import START, start_event
from statekeep.daemon.statecharts.statemap import KEPT, Jumps, NoLanding, StateMap
from statekeep.daemon.statecharts.table import STUCK, UNKNOWN, Table
from statekeep.daemon.statecharts.trace import trace

__all__ = [
    "KEPT",
    "START",
    "STUCK",
    "UNKNOWN",
    "Chart",
    "Configuration",
    "InvalidDefinition",
    "Jumps",
    "Limits",
    "NoLanding",
    "StateMap",
    "Step",
    "Table",
    "Unending",
    "check",
    "diff",
    "load",
    "mermaid",
    "offers",
    "outline",
    "scxml",
    "start_event",
    "trace",
]
