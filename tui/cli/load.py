"""A load of one event, again and again, over raw sockets with prepared frames: what is measured is the daemon."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any, NamedTuple, cast

import msgspec

from statekeep.protocol.dialing import dial, pauses, queue_full
from statekeep.protocol.messages import Request

PATIENCE = 10.0
"""Seconds without any answer after which the load is given up."""


class Measured(NamedTuple):
    """What came of a load."""

    rate: float
    """Requests answered a second."""
    latencies: list[float]
    """Milliseconds from a connection's request to its answer, ascending; of several under way, to the first."""
    refused: int
    """Answers that were errors."""

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the answers came."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] if self.latencies else 0.0


def frame(request: Request[Any]) -> bytes:
    """A request as MessagePack, with its length before it."""
    request.id = 1
    body = msgspec.msgpack.encode(request)
    return struct.pack(">I", len(body)) + body


def apply(
    path: str,
    frames: Sequence[Sequence[bytes]],
    under_way: int,
    seconds: float,
    progress: Callable[[float], None] | None = None,
) -> Measured:
    """Keep ``under_way`` requests going on a connection for each sequence of frames, which it goes round and round.

    That lasts for so many seconds; ``progress`` hears now and then how many have passed.
    Raises ``NoDaemon``, ``TimeoutError``, ``OSError``.
    """
    selector, peers = selectors.DefaultSelector(), dict[socket.socket, Iterator[bytes]]()
    for mine in frames:
        peer = _connect(path)
        peers[peer] = cycle(mine)
        selector.register(peer, selectors.EVENT_READ)
    kept, sent = dict.fromkeys(peers, b""), dict[socket.socket, float]()
    latencies, answers, refused, heard = list[float](), 0, 0, 0.0
    begin = time.perf_counter()
    try:
        for peer, following in peers.items():
            sent[peer] = time.perf_counter()
            peer.sendall(b"".join(islice(following, under_way)))
        while (passed := time.perf_counter() - begin) < seconds:
            ready = selector.select(PATIENCE)
            if not ready:
                raise TimeoutError(f"no answer came within {PATIENCE:g} s")
            if progress is not None and passed - heard > 0.1:
                heard = passed
                progress(passed)
            for key, _ in ready:
                peer = cast(socket.socket, key.fileobj)
                answered, errors, kept[peer] = _answers(kept[peer] + _receive(peer))
                if answered:
                    now = time.perf_counter()
                    latencies.append((now - sent[peer]) * 1e3)
                    sent[peer], answers, refused = now, answers + answered, refused + errors
                    peer.sendall(b"".join(islice(peers[peer], answered)))
        return Measured(answers / (time.perf_counter() - begin), sorted(latencies), refused)
    finally:
        selector.close()
        for peer in peers:
            peer.close()


def _connect(path: str) -> socket.socket:
    end = time.monotonic() + PATIENCE
    for pause in pauses():
        peer = dial(path)
        if peer is not None:
            peer.setblocking(True)
            return peer
        if time.monotonic() > end:
            break
        time.sleep(pause)
    raise queue_full(path, PATIENCE)


def _receive(peer: socket.socket) -> bytes:
    data = peer.recv(262_144)
    if not data:
        raise ConnectionResetError("the daemon closed a connection")
    return data


def _answers(data: bytes) -> tuple[int, int, bytes]:
    """(Whole answers at the beginning of ``data``, those that are errors, what is left behind them)."""
    answers = errors = at = 0
    while len(data) - at >= 4:
        end = at + 4 + int.from_bytes(data[at : at + 4])
        if end > len(data):
            break
        # A map of two: id and then ok or error, whose first letters tell them apart.
        errors += b"\xa5error" in data[at + 4 : at + 24]
        answers, at = answers + 1, end
    return answers, errors, data[at:]
