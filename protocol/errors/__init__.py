"""Everything that can go wrong between a caller and the daemon, drawn once.

::

    StatekeepError
    ├── NotAnswered             made on the client's side: the daemon's word is missing
    │   ├── NoDaemon            nobody listens: start the daemon, or name its socket. Nothing was sent
    │   ├── ConnectionLost      the outcome of what was under way is unknown: look, then repeat
    │   ├── TimedOut            likewise
    │   └── ProtocolViolation   whoever listens does not speak this protocol
    └── Refused                 the daemon's answer: nothing was changed
        ├── BadRequest          the program that wrote the request is wrong: mend it
        │   ├── Malformed, FrameTooLarge, UnknownOp, UnsupportedProtocol, ReservedEvent, NotInternal, LimitExceeded
        │   ├── RequestTooSlow
        ├── Forbidden           the caller's user may not: ask whoever runs the daemon for a role
        ├── NotFound            the request names what is not there
        │   ├── UnknownVersion, UnknownParent, UnknownActor, ActorErased, UnknownSlot, UnknownBackup, UnknownState
        ├── Conflict            the request is sound, but what is stored stands against it: read, then decide
        │   ├── VersionExists, KeyExists, ActorFinished, PreviewOutdated, RotationUnderWay
        │   ├── BackupUnderWay
        │   ├── ActorMovedOn, EventNotAccepted, IdempotencyConflict
        ├── Undeployable        the version would not do what it is meant to: mend its definition or path
        │   ├── InvalidDefinition, InvalidPath, InvalidMap, UnreachableRoute
        └── DaemonTrouble       the daemon's side is at fault
            ├── StorageFailed, BackupFailed, DamagedActor, InternalError  its operator has to look
            ├── ErasureUnfinished   the only one after which something was changed: the actor is gone
            └── Busy, Stopping                  repeat later

Each class has a stable ``code``, which is what crosses the wire, and its constructor makes the sentence and the hint,
so that the wording of an error is found here and nowhere else.
"""

from __future__ import annotations

from typing import Final

from statekeep.protocol.errors.asked import (
    ActorErased,
    FrameTooLarge,
    LimitExceeded,
    Malformed,
    NotInternal,
    RequestTooSlow,
    ReservedEvent,
    UnknownActor,
    UnknownBackup,
    UnknownOp,
    UnknownParent,
    UnknownSlot,
    UnknownState,
    UnknownVersion,
    UnsupportedProtocol,
)
from statekeep.protocol.errors.families import (
    BadRequest,
    Conflict,
    ConnectionLost,
    DaemonTrouble,
    Forbidden,
    NoDaemon,
    NotAnswered,
    NotFound,
    ProtocolViolation,
    Refused,
    StatekeepError,
    TimedOut,
    Undeployable,
    restored,
)
from statekeep.protocol.errors.stored import (
    ActorFinished,
    ActorMovedOn,
    BackupFailed,
    BackupUnderWay,
    Busy,
    DamagedActor,
    ErasureUnfinished,
    EventNotAccepted,
    IdempotencyConflict,
    InternalError,
    InvalidDefinition,
    InvalidMap,
    InvalidPath,
    KeyExists,
    PreviewOutdated,
    RotationUnderWay,
    Stopping,
    StorageFailed,
    UnreachableRoute,
    VersionExists,
)
from statekeep.protocol.errors.wording import shorten
from statekeep.protocol.records import ErrorBody

__all__ = [
    "CODES",
    "ActorErased",
    "ActorFinished",
    "ActorMovedOn",
    "BackupFailed",
    "BackupUnderWay",
    "BadRequest",
    "Busy",
    "Conflict",
    "ConnectionLost",
    "DaemonTrouble",
    "DamagedActor",
    "ErasureUnfinished",
    "EventNotAccepted",
    "Forbidden",
    "FrameTooLarge",
    "IdempotencyConflict",
    "InternalError",
    "InvalidDefinition",
    "InvalidMap",
    "InvalidPath",
    "KeyExists",
    "LimitExceeded",
    "Malformed",
    "NoDaemon",
    "NotAnswered",
    "NotFound",
    "NotInternal",
    "PreviewOutdated",
    "ProtocolViolation",
    "Refused",
    "RequestTooSlow",
    "ReservedEvent",
    "RotationUnderWay",
    "StatekeepError",
    "Stopping",
    "StorageFailed",
    "TimedOut",
    "Undeployable",
    "UnknownActor",
    "UnknownBackup",
    "UnknownOp",
    "UnknownParent",
    "UnknownSlot",
    "UnknownState",
    "UnknownVersion",
    "UnreachableRoute",
    "UnsupportedProtocol",
    "VersionExists",
    "from_body",
    "shorten",
]


def from_body(body: ErrorBody) -> StatekeepError:
    """Make the error that the daemon answered, in the class of its code."""
    return restored(CODES.get(body.code, Refused), body)


def _codes_below(kind: type[StatekeepError]) -> dict[str, type[StatekeepError]]:
    found = {kind.code: kind} if "code" in kind.__dict__ else {}
    for child in kind.__subclasses__():
        found |= _codes_below(child)
    return found


CODES: Final[dict[str, type[StatekeepError]]] = _codes_below(Refused)
"""The class of each code that the daemon answers."""
