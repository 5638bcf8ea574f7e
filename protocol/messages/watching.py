"""The stream of what happens: the requests about it, and its parts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from statekeep.protocol.messages.requests import (
    ActorRef,
    Count,
    Name,
    Request,
    Token,
)
from statekeep.protocol.records import (
    Credited,
    NoticeKind,
    WatchEnded,
)

MAX_CREDITS = 2**31 - 1
"""Notices that a watch may be allowed ahead."""


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


class Notices(msgspec.Struct, frozen=True):
    """A part of a watch's stream."""

    id: int
    """That of the request to watch."""
    notices: list[msgspec.Raw]
    """Each a ``Notice`` as it crosses the wire, in order; none, where the token is all that is new."""
    token: Token
    """Where to go on from when all of this was taken in: ``after`` of another watch."""
