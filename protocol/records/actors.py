"""Actors: how they stand, what they did, what was decided for them, and what is told of them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET

from statekeep.protocol.records.words import ErrorBody, Outcome, Page, Record, StateValue, Status

Suspect = Literal[
    "version",
    "state",
    "status",
    "events",
    "fingerprint",
    "needs_rescue",
    "position",
    "waiting",
    "decision",
    "event",
    "history",
    "cohort",
    "owner",
    "seal",
    "evidence",
    "lookup",
    "data_key",
    "key",
    "context",
    "payload",
    "answer",
    "record",
]
"""What ``verify`` found to be different.

``version`` to ``position``: what a read of the actor says of it. ``waiting``: the route that is pending for it.
``decision``: one that is on record, or is not. ``event``: one that the actor could not have processed. ``history``: an
event that does not continue the one before it. ``cohort``: the actor stands elsewhere than where its last event led.
``owner``: the event is another actor's. ``seal``: the event is not the one that was written, or does not follow the
one that it did. ``evidence``: rows are missing, were added or are older ones: of the actor, or, where ``actor`` is 0,
of the table that ``found`` names. ``lookup``: the key does not lead to the actor. ``data_key``, ``key``,
``context``, ``payload``, ``answer``: the value fails authentication; an ``answer`` is one that is kept for repeats.
``record``: the rows make no sense together.
"""

NoticeKind = Literal["spawned", "event", "migrated", "finished", "erased", "damaged", "deployed", "closed", "progress"]
"""What a watch tells of.

``spawned``, ``event``: an actor was started, or processed an event; with where it stands after it was routed.
``migrated``: it stands on another version, by a deploy, a close, or the event or spawn just told of. ``finished``: it
takes no more events. ``erased``: it is gone. ``deployed``, ``closed``: a version, or the end of a route's claim.
``progress``: how many of its cohorts a deploy or close has reached; the last such notice comes when it is through.
"""


class PlannedActor(Record, frozen=True, kw_only=True):
    """One actor behind a line of a preview."""

    actor: Actor
    landing: StateValue | None = None
    """Where it would land, if it would move."""
    skipped: int = 0


class PlannedPage(Page, frozen=True, kw_only=True):
    """Actors of one outcome, by id."""

    actors: list[PlannedActor]


class Actor(Record, frozen=True, kw_only=True):
    """One actor as it stands."""

    id: int
    key: str | None = None
    version: str
    state: StateValue
    status: Status
    tags: list[str] = []
    events: int
    """Length of its history: the events it has processed."""
    fingerprint: str
    """FNV-1a 64 of the history, 16 hexadecimal digits. Shown, never trusted."""
    needs_rescue: bool = False
    position: int
    """Where the last thing that happened to it stands in the order of the store."""
    updated: int
    """When its last event was, or its spawn."""
    context: Any = None
    """Absent in lists."""
    accepts: list[str] = []
    """Event types, or wildcards of such, that do something where it stands. Absent in lists."""
    repeated: bool = False
    """Whether this is the answer of an earlier spawn with the same idempotency key."""
    damaged: bool = False
    """Only in lists: what is stored of it is not what was written."""


class Sent(Record, frozen=True, kw_only=True):
    """What one event did, and where the actor stands now. The caller acts on it; the daemon never does."""

    id: int
    handled: bool
    """False: the configuration selects no transition for this event; nothing changed, nothing was recorded."""
    version: str
    state: StateValue
    status: Status
    events: int
    position: int = 0
    """The event's place in the order of the store; 0 when it was not handled."""
    migrated_from: str | None = None
    """The version before, when this event completed the path of a route."""
    repeated: bool = False
    """Whether this is the answer of an earlier request with the same idempotency key."""


class ActorPage(Page, frozen=True, kw_only=True):
    """Actors in the order asked for."""

    actors: list[Actor]
    damaged: bool = False
    """Whether actors on the disk were changed, set back or gone at the start, so that this may not be what was written.

    ``verify`` tells what is known of it.
    """


class EventRecord(Record, frozen=True, kw_only=True):
    """One processed event of an actor."""

    number: int
    """1 for the first event after the spawn."""
    event: str
    payload: Any = None
    context: Any = UNSET
    """The patch of the context that came with it; absent if none did."""
    version: str
    """The version that the actor stood on after it."""
    state: StateValue
    """The state that it led to."""
    position: int
    time: int


class HistoryPage(Page, frozen=True, kw_only=True):
    """An actor's events, oldest first."""

    id: int
    spawned_on: str
    spawned_at: int
    events: list[EventRecord]


class Decision(Record, frozen=True, kw_only=True):
    """What was decided for one actor about one route, and why."""

    actor: int
    key: str | None = None
    route: str
    """The route's child version."""
    outcome: Outcome
    version_before: str
    version_after: str | None = None
    state_before: StateValue
    landing: StateValue | None = None
    skipped: int = 0
    events: int
    """Length of the history that was judged."""
    fingerprint: str
    """FNV-1a 64 of the history that was judged."""
    path: list[str]
    path_hash: str
    """FNV-1a 64 of the route's path. The events themselves were compared, not the hashes."""
    position: int
    time: int


class Erased(Record, frozen=True, kw_only=True):
    """All that is known of an erased actor."""

    id: int
    position: int
    """Of the erasure."""
    time: int


class DecisionPage(Page, frozen=True, kw_only=True):
    """Decisions by position, or by actor."""

    decisions: list[Decision]
    erased: list[Erased] = []
    """For a route, with every outcome: actors among these that it may have judged, and that were erased since."""
    damaged: list[int] = []
    """For a route: actors among these that it may have judged, whose records are not what was written."""


class Difference(Record, frozen=True, kw_only=True):
    """One thing about one actor that is not what its events and the deploys say."""

    actor: int
    key: str | None = None
    """Absent also where it can't be read."""
    what: Suspect
    position: int = 0
    """The event or decision that it is about; 0 for the actor as it stands."""
    found: Any = None
    expected: Any = None


class VerifyPage(Page, frozen=True, kw_only=True):
    """What was found while looking at some actors."""

    looked_at: int
    differences: list[Difference]


class Notice(Record, frozen=True, kw_only=True):
    """One thing that happened. Those of a position come in a fixed order, the same whenever it is told."""

    kind: NoticeKind
    token: str
    """A watch ``after`` it begins with the next notice."""
    position: int
    """Where it stands in the order of the store: the event, spawn or erasure, or the deploy or close it is due to."""
    time: int
    """0 where it can't be told."""
    version: str | None = None
    """Where the actor stands after it; or the version that was deployed, or whose route was closed.

    Absent when an actor was erased, or is damaged.
    """
    actor: int | None = None
    key: str | None = None
    state: StateValue | None = None
    status: Status | None = None
    event: str | None = None
    """Of an ``event``: its type."""
    events: int | None = None
    """The length of the actor's history."""
    version_before: str | None = None
    """Where the actor stood before, if that was another version."""
    swept: int | None = None
    """Of a deploy or close under way: the cohorts that it has reached."""
    cohorts: int | None = None
    """Of a deploy or close: the cohorts that it concerns."""


class WatchEnded(Record, frozen=True, kw_only=True):
    """The watch has ended; nothing more comes of it."""

    token: str
    """Where it has come to: ``after`` of another watch that is to go on from there."""


class Credited(Record, frozen=True, kw_only=True):
    """The watch may go on."""

    credits: int
    """Notices that may still come before it rests."""


class BatchResult(Record, frozen=True, kw_only=True):
    """What became of one request of a batch: one of the two is there."""

    ok: Any = None
    """An ``Actor`` for a spawn, a ``Sent`` for an event."""
    error: ErrorBody | None = None

    def __post_init__(self) -> None:
        """Make what came over the wire the record that it is."""
        if isinstance(self.ok, dict):
            kind = Sent if "handled" in self.ok else Actor
            msgspec.structs.force_setattr(self, "ok", msgspec.convert(self.ok, kind))


class BatchResults(Record, frozen=True, kw_only=True):
    """The results of a batch, in the order of its requests."""

    results: list[BatchResult]
