"""Everything that can go wrong between a caller and the daemon, drawn once.

::

    StatekeepError
    ├── NotAnswered             made on the client's side: the daemon's word is missing
    │   ├── NoDaemon            nobody listens: start the daemon, or name its socket. Nothing was sent
    │   ├── ConnectionLost      the outcome of what was under way is unknown: look, then repeat
    │   ├── TimedOut            likewise
    │   └── ProtocolViolation   whoever listens does not speak this protocol
    └── Refused                 the daemon's answer: nothing was changed
        ├── BadRequest          the program that wrote the request is wrong: mend it
        │   ├── Malformed, FrameTooLarge, UnknownOp, UnsupportedProtocol, ReservedEvent, NotInternal, LimitExceeded
        │   ├── RequestTooSlow
        ├── Forbidden           the caller's user may not: ask whoever runs the daemon for a role
        ├── NotFound            the request names what is not there
        │   ├── UnknownVersion, UnknownParent, UnknownActor, ActorErased, UnknownSlot, UnknownBackup
        ├── Conflict            the request is sound, but what is stored stands against it: read, then decide
        │   ├── VersionExists, KeyExists, ActorFinished, PreviewOutdated, RotationUnderWay
        │   ├── BackupUnderWay
        │   ├── ActorMovedOn, EventNotAccepted, IdempotencyConflict
        ├── Undeployable        the version would not do what it is meant to: mend its definition or path
        │   ├── InvalidDefinition, InvalidPath, InvalidMap, UnreachableRoute
        └── DaemonTrouble       the daemon's side is at fault
            ├── StorageFailed, BackupFailed, InternalError    its operator has to look
            ├── ErasureUnfinished   the only one after which something was changed: the actor is gone
            └── Busy, Stopping                  repeat later

Each class has a stable ``code``, which is what crosses the wire, and its constructor makes the sentence and the hint,
so that the wording of an error is found here and nowhere else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from statekeep.protocol.records import ErrorBody, Finding, Peer

_SHOWN: Final = 120
"""Characters of a caller's text that a message repeats: enough for any sensible name, and no way to flood a log."""


_LISTED: Final = 20
"""Event types that a message lists: more than most states have."""


class StatekeepError(Exception):
    """Base of all errors of StateKeep."""

    code: str = "error"

    def __init__(self, message: str, hint: str = "", findings: Sequence[Finding] = ()) -> None:
        super().__init__(message, hint, findings)
        self.message = message
        self.hint = hint
        self.findings = list(findings)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _restore, (type(self), self.body())

    def body(self) -> ErrorBody:
        """Return the form that crosses the wire."""
        return ErrorBody(code=self.code, message=self.message, hint=self.hint, findings=self.findings)


class NotAnswered(StatekeepError):
    """The daemon's word is missing."""


class NoDaemon(NotAnswered):
    """Nobody listens at the socket."""

    code = "no_daemon"

    def __init__(self, socket: str, reason: str, advice: str = "Start the daemon with `statekeepd`") -> None:
        super().__init__(
            f"No daemon answers at {socket}: {reason}.", f"{advice}, or name its socket in STATEKEEP_SOCKET."
        )


class ConnectionLost(NotAnswered):
    """The connection ended while requests were under way."""

    code = "connection_lost"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The connection to the daemon was lost: {reason}.",
            "What was under way may or may not have been carried out; look before you repeat it.",
        )


class TimedOut(NotAnswered):
    """No answer came in time."""

    code = "timed_out"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The daemon did not answer within {seconds:g} s.",
            "The request may still be carried out; look before you repeat it.",
        )


class ProtocolViolation(NotAnswered):
    """What came through the socket is not an answer of this protocol."""

    code = "protocol_violation"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The peer does not speak StateKeep's protocol: {reason}.", "Check what listens at the socket."
        )


class Refused(StatekeepError):
    """The daemon answered, and nothing was changed. Raised as it is for a code that this client does not know."""


class BadRequest(Refused):
    """The request can't be understood as it is."""

    code = "bad_request"


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
        super().__init__(f"There is no op {_quote(op)}.", _nearest(op, known) or f"The ops are {', '.join(known)}.")


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
            f"{_quote(event)} can't be sent: types that begin with `xstate.` are the machine's own.",
            "Send an event type of your definition; `deliver` is for what timers and invoked services report.",
        )


class NotInternal(BadRequest):
    """``deliver`` is for the events that timers and invoked services bring about."""

    code = "not_internal"

    def __init__(self, event: str, delivered: Sequence[str]) -> None:
        super().__init__(
            f"{_quote(event)} is no event of a timer or of an invoked service.",
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


class Forbidden(Refused):
    """The user who connected has no role, or not the one that the op needs."""

    code = "forbidden"

    def __init__(self, op: str, needed: str, peer: Peer) -> None:
        has = f"has the role {peer.role}" if peer.role else "has no role"
        super().__init__(
            f"{_quote(op)} needs the role {needed}, and {_quote(peer.user)} (uid {peer.uid}) {has} here.",
            "Root and the daemon's own user are admins, members of the socket's group operators; connect again after "
            "a change.",
        )


class NotFound(Refused):
    """The request names what is not there."""


class UnknownVersion(NotFound):
    """No version has this name."""

    code = "unknown_version"

    def __init__(self, version: str, known: Iterable[str] = ()) -> None:
        super().__init__(
            f"There is no version {_quote(version)}.", _nearest(version, known) or "`versions` lists what is deployed."
        )


class UnknownParent(NotFound):
    """The version that a deploy names as its parent is not there."""

    code = "unknown_parent"

    def __init__(self, parent: str, known: Iterable[str] = ()) -> None:
        super().__init__(
            f"There is no version {_quote(parent)} to be the parent.",
            _nearest(parent, known) or "Deploy the parent first; `versions` lists what is deployed.",
        )


class UnknownActor(NotFound):
    """No actor has this id or key."""

    code = "unknown_actor"

    def __init__(self, actor: int | str) -> None:
        if isinstance(actor, int):
            super().__init__(f"There is no actor with the id {actor}.", "If this is its key, give it as text.")
        else:
            hint = "If this is its id, give it as a number." if actor.isdecimal() else "`actors` lists those there are."
            super().__init__(f"There is no actor with the key {_quote(actor)}.", hint)


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


class UnknownBackup(NotFound):
    """There is no such copy, or it has ended."""

    code = "unknown_backup"

    def __init__(self, backup: int) -> None:
        super().__init__(f"There is no backup {backup} under way.", "Begin one with `backup`.")


class Conflict(Refused):
    """The request is sound, but what is stored stands against it."""


class VersionExists(Conflict):
    """The name is taken by a version with another content, and versions never change."""

    code = "version_exists"

    def __init__(self, version: str, *, same: bool = False) -> None:
        if same:
            super().__init__(
                f"The version {_quote(version)} has been deployed with this very content.",
                "A deploy would change nothing; `versions` shows its actors, `decisions` what was decided.",
            )
            return
        super().__init__(
            f"The version {_quote(version)} exists with another content, and a deployed version never changes.",
            "Deploy this under a new name, with the existing version as its parent.",
        )


class KeyExists(Conflict):
    """Another actor has the key."""

    code = "key_exists"

    def __init__(self, key: str, actor: int) -> None:
        super().__init__(
            f"The key {_quote(key)} belongs to actor {actor}.", "Use that actor, or spawn with another key."
        )


class ActorFinished(Conflict):
    """The actor is in a final state, or has stopped, and takes no more events."""

    code = "actor_finished"

    def __init__(self, actor: int | str, version: str, status: str) -> None:
        super().__init__(
            f"Actor {_quote(actor)} has finished on {_quote(version)} with the status {status}.",
            "A finished actor takes no events; `get` shows where it ended.",
        )


class ActorMovedOn(Conflict):
    """The actor has not processed as many events as the request expects."""

    code = "actor_moved_on"

    def __init__(self, actor: int | str, expected: int, found: int) -> None:
        super().__init__(
            f"Actor {_quote(actor)} has processed {_events(found)}; {expected:,} were expected.",
            "`get` shows where it stands now; decide again, and expect that number.",
        )


class EventNotAccepted(Conflict):
    """The request demands that the event is handled, and the actor's configuration does not."""

    code = "event_not_accepted"

    def __init__(self, actor: int | str, event: str, version: str, accepts: Sequence[str]) -> None:
        shown = ", ".join(accepts[:_LISTED]) + (", ..." if len(accepts) > _LISTED else "")
        super().__init__(
            f"Actor {_quote(actor)} does not handle {_quote(event)} where it stands on {_quote(version)}.",
            f"It accepts {shown}." if accepts else "It accepts no event at all there.",
        )


class IdempotencyConflict(Conflict):
    """The idempotency key was used for a request with another content."""

    code = "idempotency_conflict"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The idempotency key {_quote(key)} was used for a request with another content.",
            "Give each request a key of its own, and repeat it with the very same content.",
        )


class PreviewOutdated(Conflict):
    """The plan is no longer the one that was previewed."""

    code = "preview_outdated"

    def __init__(self, version: str, changed: Sequence[tuple[str, int, int]] = ()) -> None:
        what = "; ".join(f"{outcome} {then:,} then, {now:,} now" for outcome, then, now in changed)
        super().__init__(
            f"The deploy of {_quote(version)} would no longer do what its preview showed: "
            f"{what or 'actors, versions or the definition changed'}.",
            "Preview again, and deploy with the new digest.",
        )


class BackupUnderWay(Conflict):
    """Somebody else is making or reading a copy of the store."""

    code = "backup_under_way"

    def __init__(self, backup: int) -> None:
        super().__init__(
            f"Backup {backup} is under way.", "Repeat when it has ended; one that nobody asks about ends in a minute."
        )


class RotationUnderWay(Conflict):
    """The keys are being rotated already."""

    code = "rotation_under_way"

    def __init__(self, epoch: int, left: int) -> None:
        super().__init__(
            f"The keys are on their way into epoch {epoch}; {left:,} actors are left.",
            "It ends by itself; `key_status` shows how far it is.",
        )


class Undeployable(Refused):
    """The version would not do what it is meant to."""


class InvalidDefinition(Undeployable):
    """The definition has errors, each of which is a finding."""

    code = "invalid_definition"

    def __init__(self, version: str, findings: Sequence[Finding]) -> None:
        super().__init__(
            f"The definition of {_quote(version)} has {_errors(findings)}.",
            "The findings say for each what is wrong and what to write.",
            findings,
        )


def _errors(findings: Sequence[Finding]) -> str:
    """How many they are, and the first."""
    errors = [finding for finding in findings if finding.level == "error"]
    first = f", the first at {errors[0].path}: {errors[0].message.rstrip('.')}" if errors else ""
    return ("1 error" if len(errors) == 1 else f"{len(errors)} errors") + first


class InvalidPath(Undeployable):
    """The path is not one that a history could take."""

    code = "invalid_path"

    def __init__(self, reason: str, hint: str = "A path is a list of event types, oldest first.") -> None:
        super().__init__(f"The path can't be used: {reason}.", hint)


class InvalidMap(Undeployable):
    """The state map names what is not there, or has no landing for actors that would move."""

    code = "invalid_map"

    def __init__(self, version: str, findings: Sequence[Finding]) -> None:
        super().__init__(
            f"The state map to {_quote(version)} has {_errors(findings)}.",
            "Each state that an actor is in is mapped to one of the new definition, or to null if it shall stay.",
            findings,
        )


class UnreachableRoute(Undeployable):
    """Earlier siblings take or hold every history that the path wants."""

    code = "unreachable_route"

    def __init__(self, version: str, sibling: str) -> None:
        super().__init__(
            f"No actor could ever reach {_quote(version)}: {_quote(sibling)}, an earlier sibling, takes them all.",
            f"Make it a child of {_quote(sibling)}, or let its path differ from that one's.",
        )


class DaemonTrouble(Refused):
    """The daemon's side is at fault."""


class StorageFailed(DaemonTrouble):
    """The change could not be made durable, and was taken back."""

    code = "storage_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The store could not be written: {reason}.", "Check the daemon's disk, then repeat.")


class BackupFailed(DaemonTrouble):
    """The copy of the store could not be made."""

    code = "backup_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The store could not be copied: {reason}.",
            "It needs as much room again beside the store. Check the daemon's disk, then repeat.",
        )


class ErasureUnfinished(DaemonTrouble):
    """The actor is erased for every reader, but what it left in the files could not be overwritten yet."""

    code = "erasure_unfinished"

    def __init__(self, actor: int, reason: str) -> None:
        super().__init__(
            f"Actor {actor} is erased, but its remains could not be overwritten yet: {reason}.",
            f"The daemon tries again by itself. Mend the reason, and repeat with the id {actor} to be told that it is "
            "done.",
        )


class InternalError(DaemonTrouble):
    """A bug in the daemon."""

    code = "internal_error"

    def __init__(self, op: str) -> None:
        super().__init__(f"The daemon failed at {_quote(op)}; this is its bug.", "Its log has the details.")


class Busy(DaemonTrouble):
    """The daemon takes no more connections or requests at the moment."""

    code = "busy"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The daemon is busy: {reason}.", "Repeat in a moment.")


class Stopping(DaemonTrouble):
    """The daemon is on its way out."""

    code = "stopping"

    def __init__(self) -> None:
        super().__init__("The daemon is stopping.", "Repeat when it is up again.")


def from_body(body: ErrorBody) -> StatekeepError:
    """Make the error that the daemon answered, in the class of its code."""
    return _restore(CODES.get(body.code, Refused), body)


def _restore(kind: type[StatekeepError], body: ErrorBody) -> StatekeepError:
    """Make an error of sentences that exist already, past the constructor that would make them."""
    error = kind.__new__(kind)
    StatekeepError.__init__(error, body.message, body.hint, body.findings)
    error.code = body.code
    return error


def _codes_below(kind: type[StatekeepError]) -> dict[str, type[StatekeepError]]:
    found = {kind.code: kind} if "code" in kind.__dict__ else {}
    for child in kind.__subclasses__():
        found |= _codes_below(child)
    return found


CODES: Final[dict[str, type[StatekeepError]]] = _codes_below(Refused)
"""The class of each code that the daemon answers."""


def shorten(text: str) -> str:
    """Cut what a caller wrote to the length that a message may repeat."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"


def _quote(name: int | str) -> str:
    return repr(shorten(str(name)))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:_SHOWN], known, n=1)
    return f"Did you mean {_quote(near[0])}?" if near else ""
