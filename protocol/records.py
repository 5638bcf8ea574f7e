"""Everything that the daemon answers: the records of StateKeep.

Times are whole milliseconds since 1970 in UTC. A *position* counts everything that happened in one store, from 1:
events, spawns, deploys and closes share the one order.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET

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
``owner``: the event is another actor's. ``lookup``: the key does not lead to the actor. ``data_key``, ``key``,
``context``, ``payload``, ``answer``: the value fails authentication; an ``answer`` is one that is kept for repeats.
``record``: the rows make no sense together.
"""

LandingPolicy = Literal["replay", "strict"]
"""What a replay does about an event that the new definition does not handle: skip and count it, or do not move."""

Guards = Literal["ignore", "block"]
"""Guards are not run. ``ignore``: a guarded transition fires as if its guard held. ``block``: it never fires."""


Role = Literal["viewer", "operator", "admin"]
"""What a peer may do: read, also spawn and send, everything. Each may do what those before it may."""

Feature = Literal["json", "msgpack", "describe", "sweep", "batch", "idempotency", "watch"]
"""What a daemon of this protocol version may or may not have; a client that needs one looks for its name."""


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


class Limits(Record, frozen=True, kw_only=True):
    """What the daemon accepts at most."""

    frame: int
    """Bytes of one request."""
    page: int
    """Rows of one page."""
    under_way: int
    batch: int
    """Requests of one ``batch``."""
    idempotency: int
    """Answers that are kept for each actor, at least, the latest ones: a repeat of an older request is a new one."""
    context: int
    """Bytes of a context that has been patched, as MessagePack."""
    """Requests that one connection may have under way before the daemon stops reading from it."""
    request_seconds: float = 10.0
    """Seconds from the first byte of a request to its last."""


class Peer(Record, frozen=True, kw_only=True):
    """Who a client is, as the kernel told the daemon when it connected."""

    uid: int
    gid: int
    pid: int
    user: str
    """The name of the uid, or its digits where it has none."""
    role: Role | None = None
    """What it may do; absent: nothing."""


class Welcome(Record, frozen=True, kw_only=True):
    """Who answers, and on what terms."""

    protocol: int
    server: str
    limits: Limits
    features: list[Feature] = []
    you: Peer | None = None


class OpDescription(Record, frozen=True, kw_only=True):
    """One op: what it is for, who may use it, and how request and result look."""

    op: str
    summary: str
    role: Role
    """The least that may."""
    result: str
    """The name of the record that answers it."""
    request: dict[str, Any]
    """JSON Schema 2020-12 of the request."""
    answer: dict[str, Any]
    """JSON Schema 2020-12 of what is in ``ok``."""


class ErrorDescription(Record, frozen=True, kw_only=True):
    """One error code."""

    code: str
    kind: str
    """The family, which says who has to do something: the codes of one family can be handled alike."""
    summary: str


class Description(Record, frozen=True, kw_only=True):
    """The protocol as this daemon speaks it, for programs that generate clients and for people who write them."""

    protocol: int
    server: str
    ops: list[OpDescription]
    errors: list[ErrorDescription]


class Finding(Record, frozen=True, kw_only=True):
    """One thing that the check of a definition, or of a deploy, found."""

    level: Literal["error", "warning"]
    code: str
    path: str
    """Where in the definition, as a JSON path such as ``$.states.paid.on.REFUND``."""
    message: str
    hint: str = ""


class Change(Record, frozen=True, kw_only=True):
    """One difference between two definitions. What is new is named as in the new one, what is gone as it was."""

    what: Literal["state", "transition"]
    kind: Literal["added", "removed", "renamed", "changed", "retargeted"]
    path: str
    """The dotted path of the state, or of the transition's source."""
    event: str = ""
    """Of a transition: the event with guard and actions."""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        """The change in a line."""
        subject = f"{self.path}, {self.event}" if self.event else self.path
        change = f": {self.before} -> {self.after}".replace(":  ->", ": ->") if self.before or self.after else ""
        return f"{self.kind} {self.what} {subject}{change.rstrip()}"


class PlanRow(Record, frozen=True, kw_only=True):
    """Actors of one state that share an outcome and a landing state."""

    outcome: Outcome
    state: StateValue
    landing: StateValue | None = None
    skipped: int = 0
    """Events that the new definition does not handle, for each of these actors."""
    actors: int


class Plan(Record, frozen=True, kw_only=True):
    """What a deploy does, or would do, to the actors of the parent."""

    version: str
    parent: str | None = None
    counts: dict[Outcome, int]
    rows: list[PlanRow]
    histories: int
    """Distinct histories that were judged."""
    digest: str
    """Names this very plan: ``deploy`` with it is refused when the plan has changed."""
    changes: list[Change] = []
    """How the new definition differs from the parent's."""
    warnings: list[Finding] = []


class PlannedActor(Record, frozen=True, kw_only=True):
    """One actor behind a line of a preview."""

    actor: Actor
    landing: StateValue | None = None
    """Where it would land, if it would move."""
    skipped: int = 0


class PlannedPage(Page, frozen=True, kw_only=True):
    """Actors of one outcome, by id."""

    actors: list[PlannedActor]


class Deployed(Record, frozen=True, kw_only=True):
    """The version exists, and the plan has been carried out."""

    version: str
    created: bool
    """False when the same version with the same content had been deployed before: nothing was changed."""
    position: int
    plan: Plan | None = None
    """Absent when nothing was changed."""


class StateCount(Record, frozen=True, kw_only=True):
    """How many of a version's actors stand in one state."""

    state: StateValue
    status: Status
    actors: int


class Version(Record, frozen=True, kw_only=True):
    """A deployed definition, its place in the forest and its population."""

    version: str
    parent: str | None = None
    path: list[str] = []
    path_hash: str
    closed: bool = False
    """Whether its route claims nobody any more."""
    landing: Landing
    guards: Guards
    position: int
    time: int
    active: int
    finished: int
    needs_rescue: int = 0
    states: list[StateCount]


class VersionList(Record, frozen=True, kw_only=True):
    """All versions, in deploy order."""

    versions: list[Version]


class DefinitionText(Record, frozen=True, kw_only=True):
    """A definition as it was deployed."""

    version: str
    definition: dict[str, Any]
    guards: Guards
    parent: str | None = None


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
    context: Any = None
    """Absent in lists."""
    accepts: list[str] = []
    """Event types, or wildcards of such, that do something where it stands. Absent in lists."""
    repeated: bool = False
    """Whether this is the answer of an earlier spawn with the same idempotency key."""


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
    """Actors by id."""

    actors: list[Actor]


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


class Closed(Record, frozen=True, kw_only=True):
    """The route claims nobody any more."""

    version: str
    position: int
    waited: int
    """Actors for which the route was pending: they are judged by its later siblings now."""


class Deployment(Record, frozen=True, kw_only=True):
    """A change of the routes, and how far it has been carried out."""

    version: str
    parent: str
    kind: Literal["deploy", "close"]
    path: list[str] = []
    position: int
    time: int
    cohorts: int
    """Cohorts that it concerns."""
    swept: int
    """Of those, how many have been judged; the others are when an event or a read touches them, or in their turn."""


class DeploymentList(Record, frozen=True, kw_only=True):
    """Every deploy of a child and every close, in order."""

    deployments: list[Deployment]


class PathNode(Record, frozen=True, kw_only=True):
    """Live actors of one version whose histories begin alike: a node of the tree of histories."""

    path: list[str]
    """The events so far."""
    actors: int
    """With this beginning."""
    here: int = 0
    """Of those, the ones that have processed nothing more."""
    state: StateValue | None = None
    """Where the ones that are here stand; on a version with a state map, where some do. Absent when there are none."""
    children: int = 0
    """Events that some went on with."""


class PathPage(Page, frozen=True, kw_only=True):
    """Nodes of a version's tree of histories: each before its children, the most travelled child first."""

    actors: int
    """All whose history begins with what was asked for."""
    nodes: list[PathNode]


class HistoryCount(Record, frozen=True, kw_only=True):
    """A history, and how many live actors of a version have just this one."""

    history: list[str]
    """Event types, oldest first."""
    state: StateValue
    """Where they stand; on a version with a state map, where some do."""
    actors: int


class HistoryCountPage(Page, frozen=True, kw_only=True):
    """Distinct histories, in the order in which they first occurred. A page may be short, or empty, before the last."""

    histories: list[HistoryCount]


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


SlotKind = Literal["credential", "file", "passphrase", "recovery"]
"""What opens a key slot: a systemd credential, a key file, a passphrase, or a recovery key that was written down."""


class KeySlot(Record, frozen=True, kw_only=True):
    """One of the ways to open the store."""

    slot: int
    kind: SlotKind
    created: int
    held: bool = False
    """Whether the daemon was started with its key: a rewrap keeps it."""


class KeyEpoch(Record, frozen=True, kw_only=True):
    """A time in which one key wrapped the data keys of new actors."""

    epoch: int
    created: int
    retired: int | None = None
    """When no data key was left in it, and its key was destroyed."""


class Keys(Record, frozen=True, kw_only=True):
    """The keys of the store, and how far a rotation is. Holds none of them."""

    epoch: int
    """The latest one."""
    epochs: list[KeyEpoch]
    slots: list[KeySlot]
    rotating: bool = False
    """Whether data keys are on their way into the latest epoch."""
    left: int = 0
    """Actors whose data keys are in an older one."""
    stuck: int = 0
    """Of those, the ones that the rotation passed by, because their data keys fail authentication."""
    offered: list[SlotKind] = []
    """Keys that the daemon was started with and that no slot fits: a rewrap gives them one."""


class Rewrapped(Record, frozen=True, kw_only=True):
    """The slots after a rewrap."""

    slots: list[KeySlot]
    dropped: list[KeySlot] = []
    """Those that are gone: their keys open this store no more."""


class NewKey(Record, frozen=True, kw_only=True):
    """A key that was made just now. It is kept nowhere: whoever reads this has the only copy."""

    slot: KeySlot
    secret: str


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


class ServerStatus(Record, frozen=True, kw_only=True):
    """The daemon in figures."""

    server: str
    pid: int
    started: int
    socket: str
    store: str
    sqlite: str
    position: int
    versions: int
    actors: int
    finished: int
    erased: int = 0
    """Erased actors."""
    cohorts: int
    histories: int
    event_types: int
    connections: int
    commits: int
    requests: int


class ErrorBody(Record, frozen=True, kw_only=True):
    """What was wrong and what would be right. ``code`` is stable; ``message`` and ``hint`` are for people."""

    code: str
    message: str
    hint: str = ""
    findings: list[Finding] = []


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
