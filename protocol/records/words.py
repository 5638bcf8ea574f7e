"""What the records of all subjects are made of."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

StateValue = str | dict[str, Any]
"""XState's ``snapshot.value``: the name of the active child, or an object from child to its own value."""

Status = Literal["active", "done", "error", "stopped"]
"""XState's ``snapshot.status``. Only an ``active`` actor takes events."""

Outcome = Literal["migrated", "diverged", "pending", "blocked", "final", "rescue", "kept"]
"""What was decided for an actor about a route.

``migrated``: the path matched and the actor moved. ``diverged``: no continuation of its history can match any more.
``pending``: it may match later. ``blocked``: an earlier sibling route is pending and has first claim.
``final``: the actor had finished. ``rescue``: the path matched, but the landing policy refused the landing.
``kept``: the path matched, but the state map has the actor's state stay.
"""

Guards = Literal["ignore", "block"]
"""Guards are not run. ``ignore``: a guarded transition fires as if its guard held. ``block``: it never fires."""

LandingPolicy = Literal["replay", "strict"]
"""What a replay does about an event that the new definition does not handle: skip and count it, or do not move."""


class Record(msgspec.Struct, omit_defaults=True, frozen=True):
    """Base of everything that the daemon answers."""


class MapLanding(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A landing without a replay: actors go from the state that they are in to the one that the map names for it."""

    map: dict[str, str | None]
    """By the dotted path of a leaf of the parent's definition, that of a state of the new one; null: they stay."""


Landing = LandingPolicy | MapLanding


class Page(Record, frozen=True, kw_only=True):
    """Base of the answers that come page by page."""

    next: int | None = None
    """Pass it as ``cursor`` for the next page; absent on the last."""


class Finding(Record, frozen=True, kw_only=True):
    """One thing that the check of a definition, or of a deploy, found."""

    level: Literal["error", "warning"]
    code: str
    path: str
    """Where in the definition, as a JSON path such as ``$.states.paid.on.REFUND``."""
    message: str
    hint: str = ""


class ErrorBody(Record, frozen=True, kw_only=True):
    """What was wrong and what would be right. ``code`` is stable; ``message`` and ``hint`` are for people."""

    code: str
    message: str
    hint: str = ""
    findings: list[Finding] = []
