"""What requests are made of: their bases, and the kinds of value that several of them hold."""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, TypeVar, get_args

import msgspec
from msgspec import Meta

from statekeep.protocol.records import Page, Record, Role

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A number as the store can hold it: ids, cursors."""

Name = Annotated[str, Meta(min_length=1, max_length=256)]
"""What callers call versions, actors and events."""

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


class Write(Request[ResultT_co], kw_only=True):
    """Base of the requests that may be repeated safely: under one idempotency key they are carried out once."""

    idempotency_key: Name | None = None
    """A repeat with the same key and content changes nothing and is answered as the first was."""
