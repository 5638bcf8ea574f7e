"""The errors of the client's side, and the families of those that the daemon answers."""

from __future__ import annotations

from collections.abc import Sequence

from statekeep.protocol.errors.wording import quote
from statekeep.protocol.records import ErrorBody, Finding, Peer


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
        return restored, (type(self), self.body())

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


class Forbidden(Refused):
    """The user who connected has no role, or not the one that the op needs."""

    code = "forbidden"

    def __init__(self, op: str, needed: str, peer: Peer) -> None:
        has = f"has the role {peer.role}" if peer.role else "has no role"
        super().__init__(
            f"{quote(op)} needs the role {needed}, and {quote(peer.user)} (uid {peer.uid}) {has} here.",
            "Root and the daemon's own user are admins, members of the socket's group operators; connect again after "
            "a change.",
        )


class NotFound(Refused):
    """The request names what is not there."""


class Conflict(Refused):
    """The request is sound, but what is stored stands against it."""


class Undeployable(Refused):
    """The version would not do what it is meant to."""


class DaemonTrouble(Refused):
    """The daemon's side is at fault."""


def restored(kind: type[StatekeepError], body: ErrorBody) -> StatekeepError:
    """Make an error of sentences that exist already, past the constructor that would make them."""
    error = kind.__new__(kind)
    StatekeepError.__init__(error, body.message, body.hint, body.findings)
    error.code = body.code
    return error
