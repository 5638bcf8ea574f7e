"""Requests about the daemon and its store: who it is, how it fares, its keys, copies and soundness."""

from __future__ import annotations

from statekeep.protocol.messages.requests import (
    Count,
    Name,
    PageRequest,
    Request,
)
from statekeep.protocol.records import (
    CopyPart,
    Description,
    Keys,
    NewKey,
    Rewrapped,
    ServerStatus,
    Statistics,
    StoreCopy,
    VerifyPage,
    Welcome,
)

PROTOCOL = 1
"""The protocol version that this package speaks."""


class Hello(Request[Welcome], tag="hello"):
    """Agree on a protocol version; optional."""

    protocols: tuple[int, ...] = (PROTOCOL,)


class Describe(Request[Description], tag="describe"):
    """Every op with the JSON Schema of its request and its result, and every error code."""

    about: Name | None = None
    """Only this op, and no errors."""


class StatusRequest(Request[ServerStatus], tag="status"):
    """The daemon in figures."""


class Stats(Request[Statistics], tag="stats"):
    """How the daemon fares: latencies and rates of the last minute, sizes, and counts since its start."""


class Verify(PageRequest[VerifyPage], tag="verify"):
    """Work out anew, from definitions, events and deploys alone, what some actors are, and compare.

    The cursor is an actor's id: page by page all actors are looked at, while the daemon goes on.
    """


class KeyStatus(Request[Keys], tag="key_status"):
    """The slots that open the store, its epochs, and how far a rotation is."""

    role = "admin"


class KeyRotate(Request[Keys], tag="key_rotate"):
    """Begin an epoch with a new key, and wrap every data key with it, between requests; then destroy the key before."""

    role = "admin"


class KeyRewrap(Request[Rewrapped], tag="key_rewrap"):
    """Replace the store key: only keys that the daemon was started with open the store from now on."""

    role = "admin"
    without: list[Count] = []
    """Slots to drop although the daemon was started with their keys."""


class KeyAddRecovery(Request[NewKey], tag="key_add_recovery"):
    """Add a slot for a new recovery key: 36 letters, to be written down and kept elsewhere."""

    role = "admin"


class KeyExportRecovery(Request[NewKey], tag="key_export_recovery"):
    """Add a slot for a new key file, whose content is answered, to be kept elsewhere."""

    role = "admin"


class Backup(Request[StoreCopy], tag="backup"):
    """Begin a copy of the store as it is at this moment, made beside the store while the daemon goes on."""

    role = "admin"


class BackupRead(Request[CopyPart], tag="backup_read"):
    """How far a copy is, and a part of it when it is complete."""

    role = "admin"
    backup: Count
    offset: Count = 0
    """Bytes that the client has."""


class BackupEnd(Request[StoreCopy], tag="backup_end"):
    """Remove a copy that was read, or is not wanted any more."""

    role = "admin"
    backup: Count
    kept: bool = True
    """Whether what was read to its end is a backup from now on, or was thrown away."""
    verified: bool = False
    """Whether it was restored, to try it out."""
