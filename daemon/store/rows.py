"""The rows that the store takes and gives, opened: no ciphertext, no SQL."""

from typing import Any, Literal, NamedTuple

PATCHED = 1
"""The extension of MessagePack that holds the payload of an event together with a patch of the context."""


class VersionRow(NamedTuple):
    """A deployed version."""

    id: int
    name: str
    definition: dict[str, Any]
    semantics: int
    guards: int
    landing: int
    position: int
    time: int
    state_map: dict[str, str | None] | None = None
    """Of a version whose landing is one."""


class RouteRow(NamedTuple):
    """The edge to a version from its parent."""

    child: int
    parent: int
    path: list[int]
    """Tokens as ``routing.paths`` numbers them."""
    closed: int


class DeploymentRow(NamedTuple):
    """A change of the routes: a deploy or, if ``closing``, a close."""

    position: int
    route: int
    closing: int
    time: int
    cohorts: int
    """How many it concerns."""
    last_cohort: int
    """The last cohort that was there: later ones know of the change."""
    done: int
    counts: dict[int, int]
    """Actors by outcome, by the plan as it was when it began; of a close nothing."""


class CohortRow(NamedTuple):
    """Where a cohort stands; see ``routing.rule.Standing``."""

    id: int
    version: int
    history: int
    configuration: int
    waiting: int
    rescued: int


class ActorRow(NamedTuple):
    """An actor, with its key and context."""

    id: int
    spawned_on: int
    cohort: int
    last: int
    key: str | None
    context: Any


class EventRow(NamedTuple):
    """A spawn or a processed event: when, and the cohort that it led to."""

    position: int
    cohort: int
    time: int
    payload: Any


class Happening(NamedTuple):
    """A spawn or a processed event, with what is told of its actor."""

    position: int
    actor: int
    time: int
    cohort: int
    """Which it led to."""
    before: int
    """The cohort that the actor came from; 0 for a spawn."""
    spawned_on: int
    key: str | None
    damaged: bool
    """Whether this is not what was written, or the key is not."""


class Patched(NamedTuple):
    """The payload of an event that came with a patch of the actor's context."""

    payload: Any
    context: Any
    """The patch, as it was sent."""


class RepeatRow(NamedTuple):
    """What a request under an idempotency key was answered with."""

    scope: int
    """The actor that the request was for; 0 for a spawn."""
    key_hash: bytes
    """See ``Records.repeat_hash``."""
    number: int
    """Counts the actor's requests with a key, from 1; the new actor's id for a spawn."""
    content: bytes
    """Digest of the request."""
    answer: bytes

    @property
    def actor(self) -> int:
        """Whose the answer is."""
        return self.scope or self.number


class DecisionRow(NamedTuple):
    """What was decided about a route for a cohort."""

    route: int
    cohort: int
    position: int
    outcome: int
    before: int
    landing: int | None
    skipped: int


class BackupRow(NamedTuple):
    """A copy of the store that somebody has."""

    position: int
    """What happened up to here is in it."""
    time: int
    """When it was begun."""
    size: int
    """Bytes."""
    verified: int
    """Whether it was restored, to try it out."""


class Sizes(NamedTuple):
    """Bytes of the store's files, and what is free for them to grow."""

    store: int
    wal: int
    free: int


class TombstoneRow(NamedTuple):
    """What stays of an erased actor: nothing that it did, or was."""

    actor: int
    position: int
    """Of the erasure."""
    time: int
    spawned_on: int
    """The version; so one can say which routes may have judged it. 0 if the actor is known from the journal alone."""


class Damage(NamedTuple):
    """A row of an actor that is not as it was written."""

    what: Literal["owner", "seal", "data_key", "key", "context", "payload", "answer"]
    """The value that fails authentication; ``owner``: the event is another actor's; ``seal``: the event is not the one
    that was written, or does not follow the one that it did."""
    position: int
    """The event's; 0 for the actor's own row."""
