"""Fuzz targets of the wire, to be run by ``test_wire.py`` as a process each: ``python -m tests.fuzz.wire TARGET ...``.

What follows the name of the target are options of libFuzzer and the folders of its corpus.
"""

from __future__ import annotations

import importlib
import re
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, cast

import msgspec

atheris: Any = importlib.import_module("atheris")  # as Any, because it has no types

with atheris.instrument_imports(include=["statekeep.protocol", "statekeep.daemon"]):
    from statekeep.daemon.engine import About, Engine
    from statekeep.daemon.store import open_store
    from statekeep.daemon.watching import Streams
    from statekeep.protocol import codec, errors, framing, messages
    from tests.engine.worlds import KEY, MEMORY

LIMIT = 1 << 12
FAULTS = {"internal_error", "storage_failed"}
"""What a request must never come to, whatever it is."""

RUNS = 3_000
"""Inputs for one engine: more would only make its store slower."""

NAMES = re.split(" ", "v w x alice 17 GO BACK DONE * ** a a.b  xstate.i xstate.after.1.a")
STATES: list[dict[str, Any]] = [
    {
        "initial": "a",
        "states": {"a": {"on": {"GO": "b"}}, "b": {"on": {"BACK": "a", "DONE": "c"}}, "c": {"type": "final"}},
    },
    {"initial": "a", "states": {"a": {"on": {"GO": "b", "BACK": "a"}}, "b": {"always": {"target": "a", "guard": "g"}}}},
    {"type": "parallel", "states": {"a": {"initial": "x", "states": {"x": {"on": {"GO": "y"}}, "y": {}}}, "b": {}}},
    {"initial": "a", "states": {"a": {"always": "b"}, "b": {"always": "a"}}},
]


def framing_target(data: bytes) -> None:
    """Frames do not depend on how the bytes were chunked, and nothing is raised."""
    whole = framing.FrameReader(LIMIT).feed(data[1:])
    reader, size = framing.FrameReader(LIMIT), 1 + data[0] if data else 1
    pieces = [frame for at in range(1, len(data), size) for frame in reader.feed(data[at : at + size])]
    assert whole == pieces
    assert all(isinstance(frame, framing.Oversized) or len(frame) <= LIMIT for frame in whole)
    assert 0 <= reader.held <= LIMIT + 4


def codec_target(data: bytes) -> None:
    """Any bytes are requests, or refusals with a code; a request means the same in the other dialect."""
    for request in codec.RequestReader(LIMIT).feed(data):
        if isinstance(request, messages.Refusal):
            assert request.error.code in errors.CODES
            codec.encode_answers(framing.Dialect.JSON, [request])
            continue
        line = codec.RequestReader(16 * LIMIT).feed(msgspec.json.encode(request) + b"\n")
        frame = codec.RequestReader(16 * LIMIT).feed(framing.join_frames([msgspec.msgpack.encode(request)]))
        assert line == frame == [request], (line, frame, request)


class Listener:
    """As much of a connection as its watches ask for."""

    stuck = False

    def __init__(self) -> None:
        self.reader = codec.RequestReader(LIMIT)

    def push(self, data: bytes) -> None:
        """Take what it is told: whole frames of notices."""
        for frame in framing.FrameReader(1 << 20).feed(data):
            assert isinstance(frame, bytes), frame
            msgspec.msgpack.decode(frame, type=messages.Notices)


class Dispatch:
    """Requests with fields of every kind, right and wrong, at an engine and the watches of one connection."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._runs = 0
        self._open()

    def _open(self) -> None:
        path = self._directory / f"{self._runs}.db"
        about = About(1, "s", "d", 0, LIMIT, 64)
        self._engine = Engine(open_store(path, KEY, now=0), count(1_700_000_000_000).__next__, about)
        self._streams, self._listener = Streams(self._engine), Listener()

    def __call__(self, data: bytes) -> None:
        self._runs += 1
        if self._runs % RUNS == 0:
            self._engine.close()
            self._open()
        choose = atheris.FuzzedDataProvider(data)
        for _ in range(choose.ConsumeIntInRange(1, 8)):
            body = msgspec.msgpack.encode(request(choose))
            for read in codec.RequestReader(1 << 20).feed(framing.join_frames([body])):
                if not isinstance(read, messages.Refusal):
                    self._ask(read)

    def _ask(self, asked: messages.AnyRequest) -> None:
        for answer in self._answers(asked):
            for dialect in framing.Dialect:
                codec.encode_answers(dialect, [answer])
            if isinstance(answer, messages.Refusal):
                assert answer.error.code in errors.CODES.keys() - FAULTS, (asked, answer)
            else:
                msgspec.msgpack.decode(msgspec.msgpack.encode(answer.ok), type=asked.Result)
        self._streams.tell(1)

    def _answers(self, asked: messages.AnyRequest) -> list[messages.Answer | messages.Refusal]:
        if isinstance(asked, messages.Watch | messages.Unwatch | messages.Credit):
            return self._streams.take(cast("Any", self._listener), asked)
        while (answer := self._engine.run([asked])[0]) is None:
            pass
        return [answer]


def request(choose: Any) -> dict[str, Any]:
    """A request of a known op, most of whose fields have a value that might do."""
    op = choose.PickValueInList(list(messages.REQUESTS))
    made: dict[str, Any] = {"op": op}
    for field in msgspec.structs.fields(messages.REQUESTS[op]):
        if field.required or choose.ConsumeBool():
            made[field.name] = value(choose, field.name, 4)
    return made


def value(choose: Any, name: str, depth: int) -> Any:
    """A value for a field of this name, or any other."""
    kind = choose.ConsumeIntInRange(0, 15)
    if name == "definition" and kind < 14:
        return choose.PickValueInList(STATES)
    if name in {"path", "under"} and kind < 14:
        return [choose.PickValueInList(NAMES) for _ in range(kind % 4)]
    if name in {"actor", "cursor", "limit", "depth"} and kind < 10:
        return choose.ConsumeIntInRange(0, 8)
    if kind < 9:
        return choose.PickValueInList(NAMES)
    if kind < 13 or not depth:
        return choose.PickValueInList([None, True, False, 0, -1, 2**63 - 1, -(2**63), 0.5, 1e300, "", "\0", "é"])
    if kind == 13:
        return choose.ConsumeUnicodeNoSurrogates(300)
    if kind == 14:
        return [value(choose, "", depth - 1) for _ in range(choose.ConsumeIntInRange(0, 4))]
    return {choose.PickValueInList(NAMES): value(choose, "", depth - 1) for _ in range(choose.ConsumeIntInRange(0, 4))}


def main() -> None:
    """Run one target; libFuzzer ends the process."""
    targets: dict[str, Callable[[Path], Callable[[bytes], None]]] = {
        "framing": lambda _: framing_target,
        "codec": lambda _: codec_target,
        "dispatch": Dispatch,
    }
    target = targets[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        atheris.Setup(sys.argv, target(Path(name)))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
