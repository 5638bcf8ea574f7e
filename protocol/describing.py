"""The protocol said by itself: every op with its JSON Schema, every error, made from the messages."""

from __future__ import annotations

import functools
import inspect
from typing import Final

import msgspec

from statekeep.protocol.errors import CODES, Refused, StatekeepError
from statekeep.protocol.messages import REQUESTS, Request
from statekeep.protocol.records import ErrorDescription, OpDescription, Record

_KINDS: Final = {
    "BadRequest": "bad_request",
    "Forbidden": "forbidden",
    "NotFound": "not_found",
    "Conflict": "conflict",
    "Undeployable": "undeployable",
    "DaemonTrouble": "daemon_trouble",
}
"""What the families below ``Refused`` are called on the wire."""


@functools.cache
def op_descriptions() -> dict[str, OpDescription]:
    """Return every op, described, by its name."""
    return {op: _op(op, kind) for op, kind in REQUESTS.items()}


@functools.cache
def error_descriptions() -> list[ErrorDescription]:
    """Return every code that the daemon answers."""
    return [ErrorDescription(code=code, kind=_kind(kind), summary=_summary(kind)) for code, kind in CODES.items()]


def _op(op: str, kind: type[Request[Record]]) -> OpDescription:
    return OpDescription(
        op=op,
        summary=_summary(kind),
        role=kind.role,
        result=kind.Result.__name__,
        request=msgspec.json.schema(kind),
        answer=msgspec.json.schema(kind.Result),
    )


def _summary(kind: type) -> str:
    """Return the first paragraph of a docstring as one line, with words of the wire as `these`."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split()).replace("``", "`")


def _kind(kind: type[StatekeepError]) -> str:
    lineage = kind.__mro__
    return _KINDS[lineage[max(0, lineage.index(Refused) - 1)].__name__]
