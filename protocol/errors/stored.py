"""What stands against a sound request: what is stored, what is to be deployed, or the daemon's own troubles."""

from __future__ import annotations

from collections.abc import Sequence

from statekeep.protocol.errors.families import Conflict, DaemonTrouble, Undeployable
from statekeep.protocol.errors.wording import LISTED, events_text, quote
from statekeep.protocol.records import Finding


class VersionExists(Conflict):
    """The name is taken by a version with another content, and versions never change."""

    code = "version_exists"

    def __init__(self, version: str, *, same: bool = False) -> None:
        if same:
            super().__init__(
                f"The version {quote(version)} has been deployed with this very content.",
                "A deploy would change nothing; `versions` shows its actors, `decisions` what was decided.",
            )
            return
        super().__init__(
            f"The version {quote(version)} exists with another content, and a deployed version never changes.",
            "Deploy this under a new name, with the existing version as its parent.",
        )


class KeyExists(Conflict):
    """Another actor has the key."""

    code = "key_exists"

    def __init__(self, key: str, actor: int) -> None:
        super().__init__(
            f"The key {quote(key)} belongs to actor {actor}.", "Use that actor, or spawn with another key."
        )


class ActorFinished(Conflict):
    """The actor is in a final state, or has stopped, and takes no more events."""

    code = "actor_finished"

    def __init__(self, actor: int | str, version: str, status: str) -> None:
        super().__init__(
            f"Actor {quote(actor)} has finished on {quote(version)} with the status {status}.",
            "A finished actor takes no events; `get` shows where it ended.",
        )


class ActorMovedOn(Conflict):
    """The actor has not processed as many events as the request expects."""

    code = "actor_moved_on"

    def __init__(self, actor: int | str, expected: int, found: int) -> None:
        super().__init__(
            f"Actor {quote(actor)} has processed {events_text(found)}; {expected:,} were expected.",
            "`get` shows where it stands now; decide again, and expect that number.",
        )


class EventNotAccepted(Conflict):
    """The request demands that the event is handled, and the actor's configuration does not."""

    code = "event_not_accepted"

    def __init__(self, actor: int | str, event: str, version: str, accepts: Sequence[str]) -> None:
        shown = ", ".join(accepts[:LISTED]) + (", ..." if len(accepts) > LISTED else "")
        super().__init__(
            f"Actor {quote(actor)} does not handle {quote(event)} where it stands on {quote(version)}.",
            f"It accepts {shown}." if accepts else "It accepts no event at all there.",
        )


class IdempotencyConflict(Conflict):
    """The idempotency key was used for a request with another content."""

    code = "idempotency_conflict"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The idempotency key {quote(key)} was used for a request with another content.",
            "Give each request a key of its own, and repeat it with the very same content.",
        )


class PreviewOutdated(Conflict):
    """The plan is no longer the one that was previewed."""

    code = "preview_outdated"

    def __init__(self, version: str, changed: Sequence[tuple[str, int, int]] = ()) -> None:
        what = "; ".join(f"{outcome} {then:,} then, {now:,} now" for outcome, then, now in changed)
        super().__init__(
            f"The deploy of {quote(version)} would no longer do what its preview showed: "
            f"{what or 'actors, versions or the definition changed'}.",
            "Preview again, and deploy with the new digest.",
        )


class RotationUnderWay(Conflict):
    """The keys are being rotated already."""

    code = "rotation_under_way"

    def __init__(self, epoch: int, left: int) -> None:
        super().__init__(
            f"The keys are on their way into epoch {epoch}; {left:,} actors are left.",
            "It ends by itself; `key_status` shows how far it is.",
        )


class BackupUnderWay(Conflict):
    """Somebody else is making or reading a copy of the store."""

    code = "backup_under_way"

    def __init__(self, backup: int) -> None:
        super().__init__(
            f"Backup {backup} is under way.", "Repeat when it has ended; one that nobody asks about ends in a minute."
        )


class InvalidDefinition(Undeployable):
    """The definition has errors, each of which is a finding."""

    code = "invalid_definition"

    def __init__(self, version: str, findings: Sequence[Finding]) -> None:
        super().__init__(
            f"The definition of {quote(version)} has {_errors(findings)}.",
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
            f"The state map to {quote(version)} has {_errors(findings)}.",
            "Each state that an actor is in is mapped to one of the new definition, or to null if it shall stay.",
            findings,
        )


class UnreachableRoute(Undeployable):
    """Earlier siblings take or hold every history that the path wants."""

    code = "unreachable_route"

    def __init__(self, version: str, sibling: str) -> None:
        super().__init__(
            f"No actor could ever reach {quote(version)}: {quote(sibling)}, an earlier sibling, takes them all.",
            f"Make it a child of {quote(sibling)}, or let its path differ from that one's.",
        )


class StorageFailed(DaemonTrouble):
    """The disk failed. What was to be changed was taken back."""

    code = "storage_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The store could not be read or written: {reason}.", "Check the daemon's disk, then repeat.")


class BackupFailed(DaemonTrouble):
    """The copy of the store could not be made."""

    code = "backup_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The store could not be copied: {reason}.",
            "It needs as much room again beside the store. Check the daemon's disk, then repeat.",
        )


class DamagedActor(DaemonTrouble):
    """What is stored of the actor is not what the daemon wrote."""

    code = "damaged_actor"

    def __init__(self, actor: int, position: int = 0) -> None:
        where = f"its event at position {position} is" if position else "its row is"
        super().__init__(
            f"Actor {actor} was damaged or tampered with on the disk: {where} not what was written.",
            "Nothing of it is answered or changed; the others are not concerned. `verify` tells what else there is; a "
            "backup may have it whole.",
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
        super().__init__(f"The daemon failed at {quote(op)}; this is its bug.", "Its log has the details.")


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
