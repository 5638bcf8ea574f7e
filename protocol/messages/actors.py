"""Requests about actors: bring them events, read them, find them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta

from statekeep.protocol.messages.requests import (
    ActorRef,
    Count,
    Name,
    PageRequest,
    Request,
    ResultT_co,
    StatePattern,
    Write,
)
from statekeep.protocol.records import (
    Actor,
    ActorPage,
    BatchResults,
    Counts,
    DecisionPage,
    Erased,
    HistoryPage,
    Outcome,
    Sent,
    StateValue,
    Status,
)

MAX_BATCH = 1_000
"""Requests of one ``Batch``: some 10 ms of the daemon's time."""


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

    role = "operator"
    requests: Annotated[list[Spawn | Send | Deliver], Meta(max_length=MAX_BATCH)]
    """A refusal of one leaves the others alone."""


class Erase(Request[Erased], tag="erase"):
    """Destroy all that is kept of an actor, for good; that it was erased stays known. By its id it may be repeated."""

    role = "admin"
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
    skip: Count = 0
    """Leaves out so many behind the cursor: to jump to any place of a long list. Not with a ``*`` in ``key``."""


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
    since: Count | None = None
    """Only decisions that came to hold at this time or later: with the event or the deploy that brought them about."""
    until: Count | None = None
    """Only decisions that came to hold before this time."""
