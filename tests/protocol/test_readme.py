"""The reference page is true: its tables are the messages, its examples are what crosses the wire."""

from __future__ import annotations

import json
import re
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import pytest

from statekeep.daemon.connections import CHUNK, LARGE, PATIENCE
from statekeep.daemon.engine.watching import WATCHES
from statekeep.protocol import messages, records
from statekeep.protocol.codec import VALUE_DEPTH, VALUE_ITEMS, RequestReader, encode_answers
from statekeep.protocol.connection import Connection, Exchange
from statekeep.protocol.describing import error_descriptions, op_descriptions
from statekeep.protocol.errors import CODES
from statekeep.protocol.framing import REQUEST_LIMIT, Dialect, join_frames
from statekeep.protocol.messages import REQUESTS, Answer, Count, Name, Refusal, Request
from statekeep.protocol.records import ErrorBody, Limits, Page, Record, Sent

PAGE = (Path(__file__).parents[2] / "protocol" / "README.md").read_text()
SECTIONS = dict(re.findall(r"(?ms)^## (.+?)\n(.*?)(?=^## |\Z)", PAGE))
EXAMPLES = re.findall(r"(?ms)^```(json|hex) (\w+)\n(.*?)^```", PAGE)
RECORDS = {
    name: kind
    for name, kind in vars(records).items()
    if isinstance(kind, type) and issubclass(kind, Record) and kind not in (Record, Page, ErrorBody)
}

_WORDS = {
    int: "integer",
    float: "number",
    str: "text",
    bool: "boolean",
    Any: "value",
    type(None): "null",
    Count: "integer",
    Name: "name",
    bytes: "bytes",
}


def table(kind: type[Request[Record] | Record]) -> list[tuple[str, str, str]]:
    """Return name, type and default of each field."""
    return [(f"`{field.name}`", words(field.type), default(field)) for field in msgspec.structs.fields(kind)]


def words(kind: Any) -> str:
    """Return a type as the page writes it."""
    if kind in _WORDS:
        return _WORDS[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return words(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{json.dumps(choice)}`" for choice in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(words, arguments)))
    if origin in (list, tuple):
        return f"array of {words(arguments[0])}"
    if origin is dict:
        return "object"
    anchor = "errors" if kind is ErrorBody else kind.__name__.lower()
    return f"[{kind.__name__}](#{anchor})"


def default(field: msgspec.structs.FieldInfo) -> str:
    """Return a default as the page writes it; a dash: there is none; absent: not even null."""
    if field.required:
        return "-"
    if field.default is msgspec.UNSET:
        return "absent"
    made = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"`{json.dumps(made.decode() if isinstance(made, bytes) else made)}`"


def entries(section: str) -> dict[str, str]:
    """Return what stands below each third-level heading of a section."""
    return dict(re.findall(r"(?ms)^### `?(\w+)`?\n(.*?)(?=^### |\Z)", SECTIONS[section]))


def written(text: str) -> list[tuple[str, str, str]]:
    """Return field, type and default of the rows of a table; each must have a meaning."""
    rows = re.findall(r"(?m)^\| (`\w+`) \| (.*?) \| (.*?) \| (.+?) \|$", text)
    assert len(rows) == len(re.findall(r"(?m)^\| `", text)), "a row has a hole"
    return [row[:3] for row in rows]


def read(line: str) -> Request[Record]:
    """Read an example that must be a request."""
    (request,) = RequestReader(REQUEST_LIMIT).feed(line.encode() + b"\n")
    assert isinstance(request, Request), request
    return request


def conversations() -> list[tuple[str, str, str]]:
    """Return who answers in each JSON example, what the client says, and what follows it."""
    spoken = [
        (speaker, text) for kind, speaker, text in EXAMPLES if kind == "json" and speaker not in ("watch", "told")
    ]
    return [(speaker, text, answer) for (_, text), (speaker, answer) in zip(spoken[::2], spoken[1::2], strict=True)]


def test_every_op_is_on_the_page() -> None:
    """Each with its fields, their types and defaults, and the result that it links to; and no op that isn't there."""
    ops = entries("Ops")
    assert list(ops) == list(REQUESTS)
    for op, kind in REQUESTS.items():
        assert written(ops[op]) == [row for row in table(kind) if row[0] != "`id`"], op
        assert f"Answered with [{kind.Result.__name__}](#{kind.Result.__name__.lower()})." in ops[op]


def test_every_record_is_on_the_page() -> None:
    """Likewise, for everything that a result holds."""
    results = entries("Results")
    assert sorted(results) == sorted(RECORDS)
    for name, kind in RECORDS.items():
        assert written(results[name]) == table(kind), name


def test_every_error_is_on_the_page() -> None:
    """The form of an error, and each code with its class and the sentence of that class."""
    fields, _, codes = SECTIONS["Errors"].partition("| code |")
    assert written(fields) == table(ErrorBody)
    rows = re.findall(r"(?m)^\| `(\w+)` \| `(\w+)` \| (.+) \|$", codes)
    assert rows == [
        (code, kind.__name__, " ".join((kind.__doc__ or "").replace("``", "`").split())) for code, kind in CODES.items()
    ]


def test_the_figures_are_the_ones_in_force() -> None:
    """Limits that the page names are the defaults of the code."""
    assert f"A request may have {REQUEST_LIMIT:,} bytes" in SECTIONS["Limits"]
    assert f"nested up to {VALUE_DEPTH} levels, with up to {VALUE_ITEMS:,} elements" in SECTIONS["Values"]
    assert f"{Limits.__struct_defaults__[-1]:g} seconds after its first byte" in SECTIONS["Limits"]
    assert f"closes the connection after {PATIENCE:g} seconds" in " ".join(SECTIONS["Limits"].split())
    assert f"more than {CHUNK >> 10} KiB the daemon reads {LARGE} at a time" in SECTIONS["Limits"]
    name = json.loads(msgspec.json.encode(msgspec.json.schema(Name)))
    assert f"text of {name['minLength']} to {name['maxLength']} characters" in SECTIONS["Values"]


def test_the_conversations_are_possible() -> None:
    """The daemon reads every request of the examples, and its answers are results of theirs to the last byte."""
    said = [(asked, answered) for speaker, asked, answered in conversations() if speaker == "daemon"]
    assert len(said) == 3
    for asked, answered in said:
        requests = {request.id: request for request in map(read, asked.splitlines())}
        for line in answered.splitlines():
            number, ok = json.loads(line)["id"], json.loads(line)["ok"]
            record = msgspec.convert(ok, requests.pop(number).Result)
            assert encode_answers(Dialect.JSON, [Answer(number, record)]).decode() == line + "\n"
        assert not requests


def test_the_values_at_the_edges_become_what_the_page_says() -> None:
    """The bytes of each row, as the payload of a send, are taken as the page says, or refused with its code."""
    rows = re.findall(r"(?m)^\| [^|`]+ \| (`[^|]+`|-) \| (`[0-9a-f ]+`|-) \| `([^|]+)` \|$", SECTIONS["Values"])
    assert len(rows) == SECTIONS["Values"].count("\n|") - 2
    head = msgspec.msgpack.encode({"op": "send", "id": 3, "actor": 1, "event": "E", "payload": None})[:-1]
    for line, frame, expected in rows:
        sent = []
        if line != "-":
            sent.append(b'{"op":"send","id":3,"actor":1,"event":"E","payload":%s}\n' % line.strip("`").encode())
        if frame != "-":
            sent.append(join_frames([head + bytes.fromhex(frame.strip("`"))]))
        assert sent, expected
        for data in sent:
            (request,) = RequestReader(REQUEST_LIMIT).feed(data)
            if isinstance(request, Refusal):
                assert request.error.code == expected, (data, request)
            else:
                assert isinstance(request, messages.Send)
                assert msgspec.json.encode(request.payload).decode() == expected


def test_the_roles_on_the_page_are_those_of_the_requests() -> None:
    """Each op stands in the row of the least role that may use it."""
    rows = re.findall(r"(?m)^\| `(\w+)` \| (.+) \|$", SECTIONS["Roles"])
    assert {role: re.findall(r"`(\w+)`", ops) for role, ops in rows} == {
        role: [op for op, kind in REQUESTS.items() if kind.role == role] for role in get_args(records.Role)
    }


def test_describe_and_the_page_say_the_same() -> None:
    """The same ops with the same fields, needs and results, and the same errors, in the same order."""
    ops = op_descriptions()
    assert list(ops) == list(entries("Ops"))
    for op, text in entries("Ops").items():
        assert text.strip().startswith(ops[op].summary), op
        assert f"[{ops[op].result}](" in text
        schema = ops[op].request["$defs"][ops[op].request["$ref"].rpartition("/")[2]]
        assert schema["properties"].keys() == {"op", "id", *(row[0].strip("`") for row in written(text))}, op
        assert set(schema["required"]) == {"op", *(row[0].strip("`") for row in written(text) if row[2] == "-")}, op
        answer = ops[op].answer["$defs"][ops[op].result]["properties"]
        assert list(answer) == [row[0].strip("`") for row in written(entries("Results")[ops[op].result])]
    rows = re.findall(r"(?m)^\| `(\w+)` \| `\w+` \| (.+) \|$", SECTIONS["Errors"].partition("| code |")[2])
    assert rows == [(error.code, error.summary) for error in error_descriptions()]
    (kinds,) = re.findall(r"(?m)^\| `kind` \|.*$", entries("Results")["ErrorDescription"])
    assert {error.kind for error in error_descriptions()} == set(re.findall(r"`(\w+)`", kinds)) - {"kind"}


def test_the_stream_of_the_example_is_possible() -> None:
    """The request for a watch is read, and the part that it is told is one to the last byte; every kind has its row."""
    asked, told = (text for kind, speaker, text in EXAMPLES if kind == "json" and speaker in ("watch", "told"))
    request = read(asked.strip())
    assert isinstance(request, messages.Watch)
    part = msgspec.json.decode(told, type=messages.Notices)
    assert part.id == request.id
    notices = [msgspec.json.decode(notice, type=records.Notice) for notice in part.notices]
    assert part.token == notices[-1].token
    part = messages.Notices(part.id, [msgspec.Raw(msgspec.json.encode(notice)) for notice in notices], part.token)
    assert encode_answers(Dialect.JSON, [part]).decode() == told
    rows = re.findall(r"(?m)^\| `(\w+)` \| .+ \|$", SECTIONS["Watching"])
    assert rows == list(get_args(records.NoticeKind))
    assert f"may have {WATCHES} watches" in SECTIONS["Watching"]


def test_the_refusals_are_the_ones_the_daemon_gives() -> None:
    """What is wrong in the examples is refused in just these words."""
    ((asked, answered),) = [said[1:] for said in conversations() if said[0] == "refusals"]
    refusals = RequestReader(REQUEST_LIMIT).feed(asked.encode())
    assert all(isinstance(refusal, Refusal) for refusal in refusals)
    assert (
        encode_answers(Dialect.JSON, [refusal for refusal in refusals if isinstance(refusal, Refusal)]).decode()
        == answered
    )


@pytest.mark.parametrize("speaker", ["client", "daemon"])
def test_the_frames_say_the_same_as_the_lines(speaker: str) -> None:
    """The bytes of the MessagePack examples are those of the JSON ones beside them, in both directions."""
    (line, _), *_ = [(text, who) for kind, who, text in EXAMPLES if kind == "json" and who == speaker]
    (dump,) = [text for kind, who, text in EXAMPLES if kind == "hex" and who == speaker]
    frame = bytes.fromhex(dump)
    assert frame == join_frames([msgspec.msgpack.encode(json.loads(line))])
    if speaker == "client":
        assert RequestReader(REQUEST_LIMIT).feed(frame) == [read(line)]
    else:
        connection = Connection()
        connection.window = 9
        exchange = Exchange(connection, [messages.Send("alice", "E")] * 4)
        exchange.fill()
        connection.receive(frame)
        assert exchange.outcomes[3] == msgspec.convert(json.loads(line)["ok"], Sent)
