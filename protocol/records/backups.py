"""The records about backups."""

from __future__ import annotations

from statekeep.protocol.records.words import Record


class StoreCopy(Record, frozen=True, kw_only=True):
    """A copy of the store, for a backup."""

    backup: int
    position: int
    """What happened up to here is in it."""
    time: int
    """When it was begun."""
    size: int = 0
    """Its bytes; 0 while they are not known."""
    copied: int = 0
    """Bytes so far."""
    sha256: str = ""
    """Of the copy, in hex; there when it is complete."""


class CopyPart(Record, frozen=True, kw_only=True):
    """A copy, and a part of it."""

    copy: StoreCopy
    data: bytes = b""
    """Bytes from the offset that was asked for; none behind the end, and none before the copy is complete."""


class LastBackup(Record, frozen=True, kw_only=True):
    """The last copy of the store that somebody has taken away."""

    position: int
    """What happened up to here is in it."""
    time: int
    """When it was begun."""
    size: int
    """Its bytes."""
    verified: bool
    """Whether it was restored, to try it out."""


class Shipped(Record, frozen=True, kw_only=True):
    """How far continuous backup is."""

    directory: str
    position: int
    """A restore would come up to here."""
    behind: int
    """Positions since."""
    time: int | None = None
    """When the store was there; absent: nothing was ever shipped."""
    failure: str = ""
    """Why it does not go on."""
    lag: int = 0
    """Milliseconds for which the oldest change that is not shipped has waited; 0: all is."""
    unshipped: int = 0
    """Bytes of the log that are not shipped."""
    generation: str = ""
    """The directory in ``directory`` that is shipped to; empty: there is none at the moment."""
    since: int | None = None
    """When that was begun."""
