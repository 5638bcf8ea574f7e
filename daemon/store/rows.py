"""The rows that the store takes and gives, opened: no ciphertext, no SQL."""

from typing import Any, Literal, NamedTuple


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


class DecisionRow(NamedTuple):
    """What was decided about a route for a cohort."""

    route: int
    cohort: int
    position: int
    outcome: int
    before: int
    landing: int | None
    skipped: int


class Damage(NamedTuple):
    """A row of an actor that is not as it was written."""

    what: Literal["owner", "seal", "data_key", "key", "context", "payload"]
    """The value that fails authentication; ``owner``: the event is another actor's; ``seal``: the event is not the one
    that was written, or does not follow the one that it did."""
    position: int
    """The event's; 0 for the actor's own row."""
