"""What is wrong with a request by itself: it is no sound one, or names what is not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from statekeep.protocol.errors.families import BadRequest, NotFound
from statekeep.protocol.errors.wording import LISTED, nearest, quote


class Malformed(BadRequest):
    """The bytes are not one value of the connection's dialect."""

    code = "malformed"

    def __init__(self, dialect: str, reason: str) -> None:
        super().__init__(
            f"This is not {dialect}: {reason}.",
            "A connection whose first byte is `{` speaks JSON, one request a line; any other speaks MessagePack, "
            "each body after its length in four bytes, big-endian.",
        )


class FrameTooLarge(BadRequest):
    """The frame is over the limit and was dropped unread; the connection goes on."""

    code = "frame_too_large"

    def __init__(self, limit: int, size: int | None = None, *, text: bool = False) -> None:
        what = "The line is longer" if size is None else f"The frame announces {size} bytes, more"
        hint = "`hello` tells the limit; the request was dropped and the connection goes on."
        if text:
            hint = "The length reads like text. If JSON was meant, let `{` be the first byte of the connection."
        super().__init__(f"{what} than the limit of {limit} bytes.", hint)


class UnknownOp(BadRequest):
    """The daemon has no such operation."""

    code = "unknown_op"

    def __init__(self, op: str, known: Iterable[str]) -> None:
        known = list(known)
        super().__init__(f"There is no op {quote(op)}.", nearest(op, known) or f"The ops are {', '.join(known)}.")


class UnsupportedProtocol(BadRequest):
    """Client and daemon have no protocol version in common."""

    code = "unsupported_protocol"

    def __init__(self, offered: Sequence[int], spoken: int) -> None:
        super().__init__(
            f"The daemon speaks protocol {spoken}, the client offers {', '.join(map(str, offered[:8])) or 'none'}.",
            "Install the same version of StateKeep on both sides.",
        )


class ReservedEvent(BadRequest):
    """Event types that begin with ``xstate.`` are the machine's own."""

    code = "reserved_event"

    def __init__(self, event: str) -> None:
        super().__init__(
            f"{quote(event)} can't be sent: types that begin with `xstate.` are the machine's own.",
            "Send an event type of your definition; `deliver` is for what timers and invoked services report.",
        )


class NotInternal(BadRequest):
    """``deliver`` is for the events that timers and invoked services bring about."""

    code = "not_internal"

    def __init__(self, event: str, delivered: Sequence[str]) -> None:
        super().__init__(
            f"{quote(event)} is no event of a timer or of an invoked service.",
            f"Those begin with {', '.join(delivered)}; use `send` for the events of your definition.",
        )


class LimitExceeded(BadRequest):
    """Something is larger than a bound that the daemon keeps."""

    code = "limit_exceeded"

    def __init__(self, what: str, limit: int, unit: str = "") -> None:
        super().__init__(f"{what} is over the limit of {limit} {unit}".rstrip() + ".", "Make it smaller.")


class RequestTooSlow(BadRequest):
    """A request began and did not end in time; the connection is closed."""

    code = "request_too_slow"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"A request began and was not complete within {seconds:g} s.",
            "End a line with a newline, and send as many bytes as the length announced; the connection is closed.",
        )


class UnknownVersion(NotFound):
    """No version has this name."""

    code = "unknown_version"

    def __init__(self, version: str, known: Iterable[str] = ()) -> None:
        super().__init__(
            f"There is no version {quote(version)}.", nearest(version, known) or "`versions` lists what is deployed."
        )


class UnknownParent(NotFound):
    """The version that a deploy names as its parent is not there."""

    code = "unknown_parent"

    def __init__(self, parent: str, known: Iterable[str] = ()) -> None:
        super().__init__(
            f"There is no version {quote(parent)} to be the parent.",
            nearest(parent, known) or "Deploy the parent first; `versions` lists what is deployed.",
        )


class UnknownActor(NotFound):
    """No actor has this id or key."""

    code = "unknown_actor"

    def __init__(self, actor: int | str) -> None:
        if isinstance(actor, int):
            super().__init__(
                f"There is no actor with the id {actor}.",
                f"If this is its key, give it as text; on the command line, as key:{actor}.",
            )
        else:
            hint = "If this is its id, give it as a number." if actor.isdecimal() else "`actors` lists those there are."
            super().__init__(f"There is no actor with the key {quote(actor)}.", hint)


class ActorErased(NotFound):
    """The actor was erased: nothing is known of it but that."""

    code = "actor_erased"

    def __init__(self, actor: int, position: int) -> None:
        super().__init__(
            f"Actor {actor} was erased, at position {position}.",
            "Nothing of it can be brought back. An id is never used again; its key may be.",
        )


class UnknownSlot(NotFound):
    """The store has no key slot of this number."""

    code = "unknown_slot"

    def __init__(self, slot: int, known: Sequence[int]) -> None:
        super().__init__(
            f"There is no key slot {slot}.",
            f"There are {', '.join(map(str, known))}; `key_status` says which is which.",
        )


class UnknownState(NotFound):
    """An actor can't start in this state: the version does not have it, or not all of it at a time."""

    code = "unknown_state"

    def __init__(self, state: str, version: str, known: Iterable[str]) -> None:
        known = list(known)
        listed = ", ".join(known[:LISTED]) + (", ..." if len(known) > LISTED else "")
        super().__init__(
            f"No actor can start in {quote(state)} on {quote(version)}.", nearest(state, known) or f"It has {listed}."
        )


class UnknownBackup(NotFound):
    """There is no such copy, or it has ended."""

    code = "unknown_backup"

    def __init__(self, backup: int) -> None:
        super().__init__(f"There is no backup {backup} under way.", "Begin one with `backup`.")
