"""Every request that a client can make, and the envelope of its answer.

A request is an object with an ``op`` and an ``id``; the answer repeats the id and holds either ``ok``, the record that
the request's ``Result`` names (see ``records``), or ``error``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta

from statekeep.protocol.records import (
    Actor,
    ActorPage,
    BatchResults,
    Closed,
    CopyPart,
    Counts,
    Credited,
    DecisionPage,
    DefinitionText,
    Deployed,
    DeploymentList,
    Description,
    Erased,
    ErrorBody,
    Guards,
    HistoryCountPage,
    HistoryPage,
    Keys,
    Landing,
    NewKey,
    NoticeKind,
    Outcome,
    Page,
    PathPage,
    Plan,
    PlannedPage,
    Record,
    Rewrapped,
    Role,
    Sent,
    ServerStatus,
    StateValue,
    Statistics,
    Status,
    StoreCopy,
    VerifyPage,
    VersionList,
    WatchEnded,
    Welcome,
)

MAX_BATCH = 1_000
"""Requests of one ``Batch``: some 10 ms of the daemon's time."""

PROTOCOL = 1
"""The protocol version that this package speaks."""

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A number as the store can hold it: ids, cursors."""

Name = Annotated[str, Meta(min_length=1, max_length=256)]
"""What callers call versions, actors and events."""

MAX_CREDITS = 2**31 - 1
"""Notices that a watch may be allowed ahead."""

Token = Annotated[str, Meta(min_length=1, max_length=64)]
"""A place in the order of what happens. A position, as text, is the token of the place behind it."""

StatePattern = Annotated[str, Meta(min_length=1, max_length=1024)]
"""A state's dotted path, in which segments may be ``*`` or ``**``."""

ActorRef = Count | Name
"""An actor, by its id (an integer that the daemon gave) or by its key (a string that the caller gave)."""

ResultT_co = TypeVar("ResultT_co", bound=Record, covariant=True)
PageT_co = TypeVar("PageT_co", bound=Page, covariant=True)


class Request(
    msgspec.Struct, Generic[ResultT_co], tag_field="op", omit_defaults=True, forbid_unknown_fields=True, kw_only=True
):
    """Base of all requests; ``Request[Sent]`` is answered with a ``Sent``. The connection gives each its ``id``."""

    Result: ClassVar[type[Record]]
    role: ClassVar[Role] = "viewer"
    """The least that may make this request."""
    id: Count = 0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        (cls.Result,) = get_args(cls.__dict__["__orig_bases__"][0])


class PageRequest(Request[PageT_co], kw_only=True):
    """Base of the requests that are answered page by page."""

    cursor: Count = 0
    """Where the page begins: ``next`` of the page before."""
    limit: Annotated[int, Meta(ge=1)] = 100
    """Rows wanted; the daemon gives at most ``Limits.page``."""


class Hello(Request[Welcome], tag="hello"):
    """Agree on a protocol version; optional."""

    protocols: tuple[int, ...] = (PROTOCOL,)


class Describe(Request[Description], tag="describe"):
    """Every op with the JSON Schema of its request and its result, and every error code."""

    about: Name | None = None
    """Only this op, and no errors."""


class Plannable(Request[ResultT_co]):
    """What ``deploy`` and ``preview`` have in common: a version as it is to be."""

    version: Name
    definition: dict[str, Any]
    parent: Name | None = None
    path: list[str] = []
    landing: Landing = "replay"
    guards: Guards = "ignore"


class Deploy(Plannable[Deployed], tag="deploy"):
    """Make a version and route the parent's actors, durably."""

    role = "admin"
    digest: str | None = None
    """The digest of a preview; the deploy is refused when its plan would differ."""
    once: bool = False
    """Close the route behind the deploy: it takes over who matches now, and nobody later."""


class Preview(Plannable[Plan], tag="preview"):
    """Say what ``deploy`` would do. Runs the same code and changes nothing."""


class PreviewActors(PageRequest[PlannedPage], tag="preview_actors"):
    """The actors behind a line of a preview, page by page."""

    version: Name
    definition: dict[str, Any]
    parent: Name | None = None
    path: list[str] = []
    landing: Landing = "replay"
    guards: Guards = "ignore"
    outcome: Outcome = "migrated"
    state: StateValue | None = None
    """Only actors in this state, as the line shows it."""
    landing_state: StateValue | None = None
    """Only actors that would land in this state, as the line shows it."""


class Close(Request[Closed], tag="close"):
    """End the claim of an open route on all actors that it has not decided; it judges nobody any more."""

    role = "admin"
    version: Name
    """The route's child."""


class Deployments(Request[DeploymentList], tag="deployments"):
    """Every deploy of a child and every close, with its progress."""


class Versions(Request[VersionList], tag="versions"):
    """All versions with their populations."""


class Definition(Request[DefinitionText], tag="definition"):
    """The definition of a version, as it was deployed."""

    version: Name


class Write(Request[ResultT_co], kw_only=True):
    """Base of the requests that may be repeated safely: under one idempotency key they are carried out once."""

    idempotency_key: Name | None = None
    """A repeat with the same key and content changes nothing and is answered as the first was."""


class EventRequest(Write[ResultT_co], kw_only=True):
    """Base of the requests that bring an actor an event."""

    expect: Count | None = None
    """The number of events that the actor has processed so far; refused if it is another."""
    require: bool = False
    """Refuse an event that the configuration does not handle, instead of answering ``handled: false``."""
    context: Any = UNSET
    """A JSON Merge Patch (RFC 7396) of the actor's context, applied if the event is handled."""


class Spawn(Write[Actor], tag="spawn"):
    """Start an actor on a version."""

    role = "operator"
    version: Name
    key: Name | None = None
    context: Any = None
    state: StateValue | None = None
    """Start here, for an actor that had a life elsewhere: a dotted path, or a state as ``get`` shows it."""


class Send(EventRequest[Sent], tag="send"):
    """Send one event to an actor."""

    role = "operator"
    actor: ActorRef
    event: Name
    payload: Any = None


class Deliver(EventRequest[Sent], tag="deliver"):
    """Bring an actor an event of its machine's own: a timer that ran out, an invoked service that reported back.

    The daemon runs neither. Whoever does tells it: ``xstate.after.1000.loan.waiting``, ``xstate.done.actor.scoring``.
    """

    role = "operator"
    actor: ActorRef
    event: Name
    payload: Any = None


class Batch(Request[BatchResults], tag="batch"):
    """Many spawns and events in one request, in this order, durable together; each has a result of its own."""

    role: ClassVar[Role] = "operator"
    requests: Annotated[list[Spawn | Send | Deliver], Meta(max_length=MAX_BATCH)]
    """A refusal of one leaves the others alone."""


class Erase(Request[Erased], tag="erase"):
    """Destroy all that is kept of an actor, for good; that it was erased stays known. By its id it may be repeated."""

    role: ClassVar[Role] = "admin"
    actor: ActorRef


class Get(Request[Actor], tag="get"):
    """One actor with its context."""

    actor: ActorRef


class Actors(PageRequest[ActorPage], tag="actors"):
    """Actors that pass all of the filters, by id or by their last event. A page may be short before the last."""

    version: Name | None = None
    state: StatePattern | None = None
    """The dotted path of an active state, leaf or parent; ``*`` is any one segment, ``**`` any run of them."""
    tag: Name | None = None
    """A tag of an active state."""
    status: Status | None = None
    key: Name | None = None
    """The actor's key; with ``*``, which stands for any text, all keys of that form."""
    needs_rescue: bool | None = None
    updated_after: Count | None = None
    """Only actors whose last event, or spawn, was at this time or later."""
    updated_before: Count | None = None
    """Only actors whose last event, or spawn, was before this time."""
    order: Literal["id", "updated"] = "id"
    """``updated``: who had the latest event comes first; an event moves an actor to the front."""


class CountRequest(Request[Counts], tag="count"):
    """How many actors pass all of the filters, by version, state and status."""

    version: Name | None = None
    state: StatePattern | None = None
    tag: Name | None = None
    status: Status | None = None
    needs_rescue: bool | None = None
    updated_after: Count | None = None
    updated_before: Count | None = None


class History(PageRequest[HistoryPage], tag="history"):
    """The events that an actor has processed."""

    actor: ActorRef


class Decisions(PageRequest[DecisionPage], tag="decisions"):
    """The decisions about one actor in their order, or about one route by actor. Name one of the two."""

    actor: ActorRef | None = None
    route: Name | None = None
    outcome: Outcome | None = None


class Paths(PageRequest[PathPage], tag="paths"):
    """The tree of the histories of a version's live actors, with their numbers: where to see which path to write."""

    version: Name
    under: list[Name] = []
    """Only histories that begin so."""
    depth: Annotated[int, Meta(ge=1, le=64)] = 3
    """Levels below ``under``."""


class Histories(PageRequest[HistoryCountPage], tag="histories"):
    """The distinct histories of a version's live actors, to try other definitions on. Event types, and no data."""

    version: Name


class Verify(PageRequest[VerifyPage], tag="verify"):
    """Work out anew, from definitions, events and deploys alone, what some actors are, and compare.

    The cursor is an actor's id: page by page all actors are looked at, while the daemon goes on.
    """


class Watch(Request[WatchEnded], tag="watch"):
    """Tell what happens, from a position on, as a stream of ``Notices``; answered when it ends.

    Each notice takes one of the watch's credits, and without any it rests: a slow reader costs the daemon nothing,
    and misses nothing, since it is told later from what is stored.
    """

    after: Token | None = None
    """The token of the last notices that were taken in, or a position; none: from now on."""
    kinds: list[NoticeKind] = []
    """Only these kinds; empty: all."""
    actor: ActorRef | None = None
    """Only what happens to this actor."""
    version: Name | None = None
    """Only what has to do with this version: it stands there, stood there before, or the change is of its route."""
    credits: Annotated[int, Meta(ge=0, le=MAX_CREDITS)] = 256


class Unwatch(Request[WatchEnded], tag="unwatch"):
    """End a watch of this connection."""

    watch: Count
    """The id of its request."""


class Credit(Request[Credited], tag="credit"):
    """Let a watch of this connection go on for so many notices more."""

    watch: Count
    """The id of its request."""
    credits: Annotated[int, Meta(ge=1, le=MAX_CREDITS)]


class Stats(Request[Statistics], tag="stats"):
    """How the daemon fares: latencies and rates of the last minute, sizes, and counts since its start."""


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


class StatusRequest(Request[ServerStatus], tag="status"):
    """The daemon in figures."""


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


class Notices(msgspec.Struct, frozen=True):
    """A part of a watch's stream."""

    id: int
    """That of the request to watch."""
    notices: list[msgspec.Raw]
    """Each a ``Notice`` as it crosses the wire, in order; none, where the token is all that is new."""
    token: Token
    """Where to go on from when all of this was taken in: ``after`` of another watch."""


class Refusal(msgspec.Struct, frozen=True):
    """The request was not carried out. ``id`` is null when it could not be read far enough to know it."""

    id: int | None
    error: ErrorBody
