"""Frames: both dialects, any chunking, any garbage, and a limit that costs a hostile peer more than it costs us."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.protocol.framing import Dialect, FrameReader, Oversized, join_frames

LIMIT = 40


def cut(data: bytes, lengths: list[int]) -> list[bytes]:
    """Cut ``data`` into chunks of these lengths, over and over."""
    chunks = []
    while data:
        for length in lengths:
            chunks.append(data[:length])
            data = data[length:]
    return chunks


def frames(data: bytes, chunks: list[bytes]) -> tuple[list[bytes | Oversized], list[bytes | Oversized]]:
    """Read the same bytes at once and in chunks."""
    reader = FrameReader(LIMIT)
    return FrameReader(LIMIT).feed(data), [frame for chunk in chunks for frame in reader.feed(chunk)]


LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=5)
BODIES = st.lists(st.binary(max_size=2 * LIMIT), max_size=8)


def test_message_pack_is_length_and_body() -> None:
    """A frame is its length in four bytes, the most significant first, and the body."""
    assert join_frames([b"abc", b""]) == b"\x00\x00\x00\x03abc\x00\x00\x00\x00"
    reader = FrameReader(LIMIT)
    assert reader.feed(b"\x00\x00\x00\x03abc\x00\x00\x00\x00\x00") == [b"abc", b""]
    assert reader.dialect is Dialect.MSGPACK


def test_json_is_a_line() -> None:
    """A connection that begins with a brace speaks JSON; blank lines, as a person's return key makes, are nothing."""
    reader = FrameReader(LIMIT)
    assert reader.feed(b'{"a":1}\n\n \r\n[2]\r\n{"un') == [b'{"a":1}', b"[2]\r"]
    assert reader.feed(b'finished"}\n') == [b'{"unfinished"}']
    assert reader.dialect is Dialect.JSON


def test_no_byte_no_dialect() -> None:
    """Nothing is decided before the first byte."""
    reader = FrameReader(LIMIT)
    assert reader.feed(b"") == []
    assert reader.dialect is None


@given(BODIES, LENGTHS)
def test_chunks_of_frames_do_not_matter(bodies: list[bytes], lengths: list[int]) -> None:
    """Every body comes out once, in order, and one over the limit leaves its announcement in its place."""
    data = join_frames(bodies)
    whole, pieces = frames(data, cut(data, lengths))
    assert whole == pieces == [body if len(body) <= LIMIT else Oversized(len(body)) for body in bodies]


@given(BODIES, LENGTHS)
def test_chunks_of_lines_do_not_matter(bodies: list[bytes], lengths: list[int]) -> None:
    """The same for lines, of which one over the limit is noticed before it ends."""
    lines = [b"{" + body.replace(b"\n", b"") for body in bodies]
    data = b"".join(line + b"\n" for line in lines)
    whole, pieces = frames(data, cut(data, lengths))
    assert whole == pieces == [line if len(line) <= LIMIT else Oversized(None) for line in lines]


@given(st.binary(max_size=400), LENGTHS)
def test_chunks_of_garbage_do_not_matter(data: bytes, lengths: list[int]) -> None:
    """No bytes raise, and chunking does not change what is read."""
    whole, pieces = frames(data, cut(data, lengths))
    assert whole == pieces


def test_an_oversized_frame_is_known_by_its_header() -> None:
    """The announcement alone is answered, what follows is dropped as it comes, and the next frame is read."""
    reader = FrameReader(LIMIT)
    assert reader.feed((1 << 20).to_bytes(4, "big")) == [Oversized(1 << 20)]
    for _ in range(16):
        assert reader.feed(bytes(1 << 16)) == []
        assert not reader._kept
    assert reader.feed(join_frames([b"next"])) == [b"next"]


def test_an_oversized_line_is_known_as_soon_as_it_passes_the_limit() -> None:
    """No newline is needed to refuse it, nothing of it is kept, and the next line is read."""
    reader = FrameReader(LIMIT)
    assert reader.feed(b"{" + b"x" * LIMIT) == [Oversized(None)]
    for _ in range(16):
        assert reader.feed(b"x" * (1 << 16)) == []
        assert not reader._kept
    assert reader.feed(b"end\n{}\n") == [b"{}"]


def test_a_line_of_blanks_has_a_limit_too() -> None:
    """Blank lines are ignored, but not ones that are over the limit, however they come."""
    data = b"{}\n" + b" " * (LIMIT + 1) + b"\n"
    whole, pieces = frames(data, cut(data, [1]))
    assert whole == pieces == [b"{}", Oversized(None)]


def test_a_frame_in_small_pieces_is_not_copied_for_each() -> None:
    """What has come of a frame is looked at again only when it is complete."""
    reader = FrameReader(LIMIT)
    data = join_frames([bytes(LIMIT)])
    assert reader.feed(data[:5]) == []
    kept = reader._kept
    for byte in data[5:-1]:
        assert reader.feed(bytes([byte])) == []
        assert reader._kept is kept
    assert reader.feed(data[-1:]) == [bytes(LIMIT)]


def test_a_frame_of_the_limit_is_taken() -> None:
    """The limit is the largest body, not the first one refused."""
    assert FrameReader(LIMIT).feed(join_frames([bytes(LIMIT), bytes(LIMIT + 1)])) == [
        bytes(LIMIT),
        Oversized(LIMIT + 1),
    ]
    line = b"{" + b"x" * (LIMIT - 1)
    assert FrameReader(LIMIT).feed(line + b"\n" + line + b"x\n") == [line, Oversized(None)]


@pytest.mark.parametrize(("start", "text"), [(b"GET ", True), (b'\n{"o', True), (b"\x00\x10\x00\x01", False)])
def test_another_protocol_is_recognised(start: bytes, text: bool) -> None:
    """A length made of characters is somebody's text, which is worth saying."""
    (oversized,) = FrameReader(LIMIT).feed(start)
    assert isinstance(oversized, Oversized)
    assert oversized.looks_like_text is text


@pytest.mark.parametrize("limit", [0, -1, ord("{") << 24])
def test_a_limit_that_would_blur_the_dialects_is_refused(limit: int) -> None:
    """A length whose first byte is a brace must always be over the limit."""
    with pytest.raises(ValueError, match="frame limit"):
        FrameReader(limit)
