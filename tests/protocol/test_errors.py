"""The tree of errors: codes that never change, sentences that are made in one place, and the way over the wire."""

from __future__ import annotations

import pickle
import re

import pytest

from statekeep.protocol import errors
from statekeep.protocol.errors import CODES, StatekeepError, from_body
from statekeep.protocol.records import ErrorBody, Finding, Peer

FINDING = Finding(level="error", code="no_initial", path="$.initial", message="there is no `initial`", hint="Name one.")

EVERY: list[StatekeepError] = [
    errors.BadRequest("The request is odd.", "Mend it."),
    errors.Malformed("JSON", "trailing characters"),
    errors.FrameTooLarge(1024, 4096),
    errors.UnknownOp("snd", ["send", "get"]),
    errors.UnsupportedProtocol([2, 3], 1),
    errors.ReservedEvent("xstate.init"),
    errors.NotInternal("PAY", ["xstate.after."]),
    errors.LimitExceeded("The context", 65536, "bytes"),
    errors.RequestTooSlow(10.0),
    errors.Forbidden("deploy", "admin", Peer(uid=1001, gid=1001, pid=7, user="bob", role="viewer")),
    errors.UnknownVersion("loan-v9", ["loan-v1", "loan-v2"]),
    errors.UnknownParent("nothing", ["loan-v1"]),
    errors.UnknownActor("alice"),
    errors.ActorErased(7, 512),
    errors.UnknownState("a", "v", ["b"]),
    errors.UnknownSlot(7, [1, 2]),
    errors.VersionExists("loan-v1"),
    errors.KeyExists("alice", 1),
    errors.ActorFinished("alice", "loan-v1", "done"),
    errors.ActorMovedOn("alice", 1, 2),
    errors.EventNotAccepted("alice", "PAY_FEE", "loan-v1", ["SUBMIT_INFO"]),
    errors.IdempotencyConflict("payment-4711"),
    errors.PreviewOutdated("loan-v2"),
    errors.RotationUnderWay(2, 1_000),
    errors.BackupUnderWay(1),
    errors.BackupFailed("database or disk is full"),
    errors.UnknownBackup(2),
    errors.InvalidDefinition("loan-v2", [FINDING]),
    errors.InvalidPath("it has 300 tokens"),
    errors.InvalidMap("loan-v2", [FINDING]),
    errors.UnreachableRoute("loan-v3", "loan-v2"),
    errors.StorageFailed("the disk is full"),
    errors.DamagedActor(7, 12),
    errors.ErasureUnfinished(7, "database or disk is full"),
    errors.InternalError("send"),
    errors.Busy("256 connections"),
    errors.Stopping(),
]

LOCAL: list[StatekeepError] = [
    errors.NoDaemon("/run/x.sock", "there is no such socket"),
    errors.ConnectionLost("the daemon closed it"),
    errors.TimedOut(30.0),
    errors.ProtocolViolation("an answer belongs to no request"),
]


def test_the_codes_are_these() -> None:
    """Programs compare codes: none is ever renamed, and a new one is added here."""
    assert sorted(CODES) == sorted(error.code for error in EVERY)
    assert " ".join(sorted(CODES)) == (
        "actor_erased actor_finished actor_moved_on backup_failed backup_under_way bad_request busy damaged_actor "
        "erasure_unfinished event_not_accepted forbidden frame_too_large idempotency_conflict internal_error "
        "invalid_definition invalid_map invalid_path key_exists limit_exceeded malformed not_internal preview_outdated "
        "request_too_slow reserved_event rotation_under_way stopping storage_failed unknown_actor unknown_backup "
        "unknown_op unknown_parent unknown_slot unknown_state unknown_version unreachable_route unsupported_protocol "
        "version_exists"
    )


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.code)
def test_an_error_survives_the_wire(error: StatekeepError) -> None:
    """The client raises the class that the daemon raised, with the same words and findings."""
    received = from_body(error.body())
    assert type(received) is type(error)
    assert received.body() == error.body()


@pytest.mark.parametrize("error", EVERY + LOCAL, ids=lambda error: error.code)
def test_every_error_says_what_is_wrong_and_what_to_do(error: StatekeepError) -> None:
    """Message and hint are sentences, both appear in the text, and a pickle keeps them."""
    assert error.message[0].isupper() or error.message[0] == "'"
    assert error.message.endswith(".")
    assert error.hint.endswith((".", "?"))
    assert str(error) == f"{error.message} {error.hint}"
    assert pickle.loads(pickle.dumps(error)).body() == error.body()  # noqa: S301 - made on this very line


def test_a_code_of_a_newer_daemon_is_kept() -> None:
    """A client that doesn't know the code still raises ``Refused``, with everything the daemon said."""
    body = ErrorBody(code="too_quiet", message="Louder.", hint="Shout.")
    error = from_body(body)
    assert type(error) is errors.Refused
    assert error.body() == body


def test_local_errors_are_never_taken_from_the_wire() -> None:
    """That the connection was lost is not for the daemon to say."""
    assert not {error.code for error in LOCAL} & set(CODES)


def test_the_tree_at_the_top_is_the_tree() -> None:
    """Every class is drawn once, below the class from which it is derived."""
    drawn: dict[str, str] = {"StatekeepError": "Exception"}
    families = ["StatekeepError"]
    for line in (errors.__doc__ or "").splitlines():
        if branch := re.search(r"[├└]── ([A-Z]\w+(?:, [A-Z]\w+)*)", line):
            names = branch[1].split(", ")
            depth = (branch.start() - 4) // 4 + 1
            assert not set(names) & set(drawn)
            drawn |= dict.fromkeys(names, families[depth - 1])
            families[depth:] = names
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StatekeepError)]
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in kinds}


def test_a_near_name_is_offered() -> None:
    """Unknown names come with the nearest known one, and without one with the way to find it."""
    assert errors.UnknownVersion("laon-v1", ["loan-v1", "order-v1"]).hint == "Did you mean 'loan-v1'?"
    assert "`versions`" in errors.UnknownVersion("x", ["loan-v1"]).hint
    assert "as a number" in errors.UnknownActor("17").hint
    assert "as text" in errors.UnknownActor(17).hint


def test_a_definition_error_counts_errors_and_not_warnings() -> None:
    """The sentence names the first error's place; warnings are in the findings only."""
    warning = Finding(level="warning", code="guard", path="$.on", message="the guard is ignored")
    error = errors.InvalidDefinition("v", [warning, FINDING])
    assert error.message == "The definition of 'v' has 1 error, the first at $.initial: there is no `initial`."
    assert error.findings == [warning, FINDING]
