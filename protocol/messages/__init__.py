"""Every request that a client can make, and the envelope of its answer.

A request is an object with an ``op`` and an ``id``; the answer repeats the id and holds either ``ok``, the record that
the request's ``Result`` names (see ``records``), or ``error``.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from statekeep.protocol.messages.actors import (
    MAX_BATCH,
    Actors,
    Batch,
    CountRequest,
    Decisions,
    Deliver,
    Erase,
    EventRequest,
    Get,
    History,
    Send,
    Spawn,
)
from statekeep.protocol.messages.daemon import (
    PROTOCOL,
    Backup,
    BackupEnd,
    BackupRead,
    Describe,
    Hello,
    KeyAddRecovery,
    KeyExportRecovery,
    KeyRewrap,
    KeyRotate,
    KeyStatus,
    Stats,
    StatusRequest,
    Verify,
)
from statekeep.protocol.messages.requests import (
    ActorRef,
    Count,
    Name,
    PageRequest,
    Request,
    StatePattern,
    Token,
    Write,
)
from statekeep.protocol.messages.versions import (
    Close,
    Definition,
    Deploy,
    Deployments,
    Histories,
    Paths,
    Plannable,
    Preview,
    PreviewActors,
    Versions,
)
from statekeep.protocol.messages.watching import (
    MAX_CREDITS,
    Credit,
    Notices,
    Unwatch,
    Watch,
)
from statekeep.protocol.records import ErrorBody, Record

__all__ = [
    "MAX_BATCH",
    "MAX_CREDITS",
    "PROTOCOL",
    "REQUESTS",
    "ActorRef",
    "Actors",
    "Answer",
    "AnyRequest",
    "Backup",
    "BackupEnd",
    "BackupRead",
    "Batch",
    "Close",
    "Count",
    "CountRequest",
    "Credit",
    "Decisions",
    "Definition",
    "Deliver",
    "Deploy",
    "Deployments",
    "Describe",
    "Erase",
    "EventRequest",
    "Get",
    "Hello",
    "Histories",
    "History",
    "KeyAddRecovery",
    "KeyExportRecovery",
    "KeyRewrap",
    "KeyRotate",
    "KeyStatus",
    "Name",
    "Notices",
    "PageRequest",
    "Paths",
    "Plannable",
    "Preview",
    "PreviewActors",
    "Refusal",
    "Request",
    "Send",
    "Spawn",
    "StatePattern",
    "Stats",
    "StatusRequest",
    "Token",
    "Unwatch",
    "Verify",
    "Versions",
    "Watch",
    "Write",
]

AnyRequest = (
    Hello
    | Describe
    | Deploy
    | Preview
    | PreviewActors
    | Close
    | Deployments
    | Versions
    | Definition
    | Spawn
    | Send
    | Deliver
    | Batch
    | Erase
    | Get
    | Actors
    | CountRequest
    | History
    | Decisions
    | Paths
    | Histories
    | Verify
    | Watch
    | Unwatch
    | Credit
    | Stats
    | KeyStatus
    | KeyRotate
    | KeyRewrap
    | KeyAddRecovery
    | KeyExportRecovery
    | Backup
    | BackupRead
    | BackupEnd
    | StatusRequest
)

REQUESTS: dict[str, type[Request[Record]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyRequest)}
"""Every request by its op."""


class Answer(msgspec.Struct, frozen=True):
    """The request was carried out."""

    id: int
    ok: Record


class Refusal(msgspec.Struct, frozen=True):
    """The request was not carried out. ``id`` is null when it could not be read far enough to know it."""

    id: int | None
    error: ErrorBody
