"""The daemon's end of the wire: every request is read, and everything else is refused in words that help."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.protocol import messages
from statekeep.protocol.codec import _VALUES, VALUE_DEPTH, VALUE_ITEMS, RequestReader, encode_answers
from statekeep.protocol.errors import CODES, ActorFinished
from statekeep.protocol.framing import Dialect, join_frames
from statekeep.protocol.messages import REQUESTS, Answer, AnyRequest, Refusal, Send
from statekeep.protocol.records import Sent

LIMIT = 1 << 16
NESTED = b'{"op":"send","id":7,"actor":1,"event":"E","payload":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


def one(data: bytes) -> AnyRequest | Refusal:
    """Read what must be exactly one request."""
    (request,) = RequestReader(LIMIT).feed(data)
    return request


def packed(**fields: Any) -> bytes:
    """Write a frame without any check."""
    return join_frames([msgspec.msgpack.encode(fields)])


def refused(data: bytes) -> Refusal:
    """Read what must be exactly one refusal, with a code that is on the list."""
    refusal = one(data)
    assert isinstance(refusal, Refusal)
    assert refusal.error.code in CODES
    return refusal


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@given(values)
def test_the_dialects_agree_about_values(payload: Any) -> None:
    """Whatever JSON can say comes out the same from both dialects."""
    sent = Send("alice", "PAY_FEE", payload, id=3)
    line = RequestReader(1 << 20).feed(msgspec.json.encode(sent) + b"\n")
    frame = RequestReader(1 << 20).feed(join_frames([msgspec.msgpack.encode(sent)]))
    assert line == frame == [sent]


@given(st.binary(max_size=300))
def test_garbage_is_refused(body: bytes) -> None:
    """No bytes raise anything: as frames, as lines, or as they are."""
    for data in (body, b"{" + body + b"\n", join_frames([body])):
        for request in RequestReader(200).feed(data):
            assert isinstance(request, Refusal | messages.Request)


@given(
    st.sampled_from(list(REQUESTS)), st.dictionaries(st.sampled_from(["actor", "event", "payload", "limit"]), values)
)
def test_wrong_fields_are_refused(op: str, fields: dict[str, Any]) -> None:
    """Known ops with wrong fields are refused, under the request's id, alike in both dialects."""
    request = {**fields, "op": op, "id": 12}
    line, frame = one(json.dumps(request).encode() + b"\n"), one(packed(**request))
    assert line == frame
    assert line.id == 12


@pytest.mark.parametrize(
    ("line", "number", "code", "words"),
    [
        (b'{"op":"snd","id":3}', 3, "unknown_op", "Did you mean 'send'?"),
        (b'{"op":"quaff","id":3}', 3, "unknown_op", "hello, describe, deploy"),
        (b"{}", 0, "bad_request", "missing required field `op`"),
        (b'{"op":5,"id":3}', 3, "bad_request", "one of hello"),
        (b'{"op":"get","id":3}', 3, "bad_request", "`get` needs actor"),
        (b'{"op":"get","actor":1.5,"id":3}', 3, "bad_request", "got `float` - at `$.actor`"),
        (b'{"op":"get","actor":1,"colour":2}', 0, "bad_request", "unknown field `colour`"),
        (b'{"op":"get","actor":18446744073709551616,"id":3}', 3, "bad_request", "<= 9223372036854775807"),
        (b'{"op":"get","actor":1,"id":-1}', None, "bad_request", "`int` >= 0"),
        (b'{"op":"get","actor":1,"id":"x"}', None, "bad_request", "$.id"),
        (b'{"op":"actors","limit":0}', 0, "bad_request", "`int` >= 1"),
        (b'{"op":"send","actor":1,"event":""}', 0, "bad_request", "$.event"),
        (b'{"op":"get","actor":1', None, "malformed", "not JSON"),
        (b'{"op":"get","actor":NaN}', None, "malformed", "not JSON"),
        (b'{"op":"get","actor":1} {}', None, "malformed", "trailing characters"),
        (b'{"op":"get","actor":"\xff","id":3}', 3, "malformed", "utf-8"),
        (b"{" + b"x" * LIMIT, None, "frame_too_large", "65536 bytes"),
        (NESTED, None, "bad_request", "nested deeper"),
    ],
)
def test_refusals_say_what_is_wrong(line: bytes, number: int | None, code: str, words: str) -> None:
    """Each has a stable code, helpful words, and the id wherever that could be read."""
    refusal = refused(line + b"\n")
    assert (refusal.id, refusal.error.code) == (number, code)
    assert words in f"{refusal.error.message} {refusal.error.hint}"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"a": [0, math.nan]}, "`payload.a[1]` is not a finite number"),
        (-math.inf, "`payload` is not a finite number"),
        ({"photo": b"\x00"}, "`payload.photo` is of a type that JSON does not have (bytes)"),
        ([msgspec.msgpack.Ext(5, b"x")], "`payload[0]` is of a type that JSON does not have (Ext)"),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "(datetime)"),
        ({"a": {1: 2}}, "`payload.a` has a key that is not text"),
        (2**63, "does not fit into 64 bits"),
    ],
)
def test_values_that_json_can_not_say_are_refused(payload: Any, words: str) -> None:
    """MessagePack can say more than an XState context can hold; the refusal names the place."""
    refusal = refused(packed(op="send", id=5, actor=1, event="E", payload=payload))
    assert (refusal.id, refusal.error.code) == (5, "bad_request")
    assert words in refusal.error.message


def test_values_may_be_as_deep_as_the_bound() -> None:
    """One level more is refused, and far more is refused in the same words."""

    def nested(levels: int) -> bytes:
        return b'{"op":"spawn","version":"v","context":' + b"[" * levels + b"]" * levels + b"}\n"

    assert isinstance(one(nested(VALUE_DEPTH)), messages.Spawn)
    for levels in (VALUE_DEPTH + 1, 5_000):
        assert f"nested deeper than {VALUE_DEPTH} levels" in refused(nested(levels)).error.message


def test_values_may_have_as_many_elements_as_the_bound() -> None:
    """At all levels together; one more is refused, and so are as many as fit into a request, without a long look."""

    def spread(elements: int) -> bytes:
        rows = b",".join([b"[" + b",".join([b"0"] * 255) + b"]"] * (elements // 256))
        return b'{"op":"spawn","version":"v","context":{"a":[' + rows + b",0" * (elements % 256) + b"]}}\n"

    (taken,) = RequestReader(1 << 20).feed(spread(VALUE_ITEMS - 1))
    assert isinstance(taken, messages.Spawn)
    for elements in (VALUE_ITEMS, 400_000):
        (refusal,) = RequestReader(1 << 20).feed(spread(elements))
        assert isinstance(refusal, Refusal)
        assert "more than the 65,536 elements" in refusal.error.message


def test_every_untyped_field_is_walked() -> None:
    """The list of values is derived from the messages; these are all there are today."""
    assert {kind.__name__: names for kind, names in _VALUES.items() if names} == {
        "Deploy": ["definition"],
        "Preview": ["definition"],
        "Spawn": ["context", "state"],
        "Deliver": ["payload", "context"],
        "PreviewActors": ["definition", "state", "landing_state"],
        "Send": ["payload", "context"],
    }


def test_a_hostile_name_is_not_repeated_in_full() -> None:
    """A message can't be made large by what it complains about."""
    for line in (
        b'{"op":"%s"}',
        b'{"op":"get","actor":1,"%s":1}',
        b'{"op":"send","actor":1,"event":"E","payload":{"%s":1e9,"b":%d}}',
    ):
        long = line % ((b"x" * 10_000,) if line.count(b"%") == 1 else (b"x" * 10_000, 2**64))
        assert len(refused(long + b"\n").error.message) < 300


def test_claims_of_size_cost_nothing() -> None:
    """A body that announces four billion elements is malformed, not allocated."""
    for body in (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x82\xa2op\xa3get\xa5actor\xdb\xff\xff\xff\xff"):
        assert refused(join_frames([body])).error.code in {"malformed", "bad_request"}


def test_a_refusal_does_not_end_the_connection() -> None:
    """What stands before and after it in the same read is read."""
    reader = RequestReader(LIMIT)
    good = packed(op="status", id=1)
    first, refusal, oversized, last = reader.feed(good + packed(op="?", id=2) + join_frames([bytes(LIMIT + 1)]) + good)
    assert first == last == messages.StatusRequest(id=1)
    assert isinstance(refusal, Refusal)
    assert isinstance(oversized, Refusal)
    assert (refusal.id, refusal.error.code) == (2, "unknown_op")
    assert (oversized.id, oversized.error.code) == (None, "frame_too_large")


def test_text_where_a_length_should_be_gets_a_hint() -> None:
    """Somebody who speaks HTTP, or puts a newline before his JSON, is told about the first byte."""
    assert "first byte" in refused(b"GET / HTTP/1.1\r\n").error.hint


def test_answers_are_written_in_the_dialect_of_the_connection() -> None:
    """JSON answers are lines, MessagePack answers are frames; a refusal stands among them in its place."""
    sent = Sent(id=1, handled=False, version="v", state="s", status="active", events=0)
    answers: list[Answer | Refusal] = [Answer(1, sent), Refusal(None, ActorFinished("alice", "v", "done").body())]
    lines = encode_answers(Dialect.JSON, answers).splitlines(keepends=True)
    assert [json.loads(line) for line in lines] == [
        {
            "id": 1,
            "ok": {"id": 1, "handled": False, "version": "v", "state": "s", "status": "active", "events": 0},
        },
        {
            "id": None,
            "error": {
                "code": "actor_finished",
                "message": "Actor 'alice' has finished on 'v' with the status done.",
                "hint": "A finished actor takes no events; `get` shows where it ended.",
            },
        },
    ]
    assert encode_answers(Dialect.MSGPACK, answers) == join_frames(
        msgspec.msgpack.encode(json.loads(line)) for line in lines
    )


def test_every_request_names_its_result() -> None:
    """The result of a request is the one that its type promises to callers."""
    assert " ".join(f"{op}:{kind.Result.__name__}" for op, kind in REQUESTS.items()) == (
        "hello:Welcome describe:Description deploy:Deployed preview:Plan preview_actors:PlannedPage close:Closed "
        "deployments:DeploymentList versions:VersionList definition:DefinitionText spawn:Actor send:Sent deliver:Sent "
        "batch:BatchResults erase:Erased get:Actor actors:ActorPage count:Counts history:HistoryPage "
        "decisions:DecisionPage paths:PathPage histories:HistoryCountPage verify:VerifyPage watch:WatchEnded "
        "unwatch:WatchEnded credit:Credited stats:Statistics key_status:Keys key_rotate:Keys "
        "key_rewrap:Rewrapped key_add_recovery:NewKey key_export_recovery:NewKey "
        "backup:StoreCopy backup_read:CopyPart backup_end:StoreCopy status:ServerStatus"
    )
