"""Requests a second, and what each costs the daemon, for ``get`` and ``send``; beside uvicorn on the same machine.

Usage: python -m tests.bench.bench_wire [SECONDS]

The load comes from a process of its own that writes prepared bytes, one request under way on each connection. The CPU
is the daemon's own, from /proc. The peer is the least that uvicorn can serve: ``ok``, over HTTP on a Unix socket; it
stores nothing, and its answers are not parsed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import resource
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from statekeep.protocol import Client
from statekeep.protocol.framing import join_frames
from statekeep.protocol.messages import Deploy, Get, Send, Spawn
from tests.bench import report

RUNS = 3
CONNECTIONS = (1, 50, 1_000)
ACTORS = 1_000
RING: dict[str, Any] = {"initial": "a", "states": {"a": {"on": {"NEXT": "b"}}, "b": {"on": {"NEXT": "a"}}}}

PEER = """
import uvicorn, sys
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
uvicorn.run(app, uds=sys.argv[1], log_level="info", access_log=False, lifespan="off")
"""


@contextlib.contextmanager
def process(command: list[str], ready: str) -> Iterator[int]:
    """The pid of a process that has said that it is ready."""
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert started.stderr is not None
    for line in started.stderr:
        if ready in line:
            break
    try:
        yield started.pid
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(10)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(at: Path, requests: list[bytes], seconds: float, results: Any) -> None:
    """Keep one request going on each connection; put (answers a second, p50, p99 in ms) into ``results``."""
    poll, peers, sent = select.epoll(), dict[int, tuple[socket.socket, bytes]](), dict[int, float]()
    for request in requests:
        peer = socket.socket(socket.AF_UNIX)
        while peer.connect_ex(str(at)):
            time.sleep(0.001)
        peers[peer.fileno()] = peer, request
        poll.register(peer, select.EPOLLIN)
    latencies, start = list[float](), time.perf_counter()
    for number, (peer, request) in peers.items():
        sent[number] = time.perf_counter()
        peer.send(request)
    while time.perf_counter() - start < seconds:
        for number, _ in poll.poll(1, 256):
            peer, request = peers[number]
            assert peer.recv(65_536)  # one under way, and small: it comes in one piece
            now = time.perf_counter()
            latencies.append((now - sent[number]) * 1e3)
            sent[number] = now
            peer.send(request)
    rate = len(latencies) / (time.perf_counter() - start)
    latencies.sort()
    results.put((rate, statistics.median(latencies), latencies[int(len(latencies) * 0.99)]))


def measure(at: Path, pid: int, requests: list[bytes], seconds: float) -> tuple[float, float, float, float]:
    """(answers a second, p50 ms, p99 ms, us of CPU of ``pid`` for each)."""
    results: Any = multiprocessing.Queue()
    loading = multiprocessing.Process(target=load, args=(at, requests, seconds, results))
    before = cpu(pid)
    loading.start()
    rate, p50, p99 = results.get()
    used = cpu(pid) - before
    loading.join()
    return rate, p50, p99, used / (rate * seconds) * 1e6


def main(seconds: float = 2.0) -> None:
    """Take turns, so that the mood of a shared machine meets all alike."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kinds: dict[str, Callable[[int], bytes]] = {
        "get": lambda n: join_frames([msgspec.msgpack.encode(Get(n + 1))]),
        "send": lambda n: join_frames([msgspec.msgpack.encode(Send(n + 1, "NEXT"))]),
        "uvicorn": lambda _: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    }
    rows: dict[tuple[str, int], list[tuple[float, float, float, float]]] = {}
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR"))))
        daemon = [sys.executable, "-m", "statekeep.daemon", "--data", str(directory), "--socket", str(directory / "s")]
        served = directory / "s", stack.enter_context(process(daemon, "listens"))
        at = dict.fromkeys(kinds, served)
        if importlib.util.find_spec("uvicorn"):
            command = [sys.executable, "-c", PEER, str(directory / "u")]
            at["uvicorn"] = directory / "u", stack.enter_context(process(command, "running on"))
        else:
            print("beside nothing: uvicorn is not installed; `pip install uvicorn` adds the comparison")
            del kinds["uvicorn"]
        with Client(directory / "s") as client:
            client.call(Deploy("ring", RING))
            client.call_many([Spawn("ring") for _ in range(ACTORS)])
        for _ in range(RUNS):
            for kind, request in kinds.items():
                for count in CONNECTIONS:
                    figures = measure(*at[kind], [request(n) for n in range(count)], seconds)
                    rows.setdefault((kind, count), []).append(figures)
    published = list[report.Row]()
    for (kind, count), runs in rows.items():
        if kind == "uvicorn":
            continue
        rates, _, p99s, used = zip(*runs, strict=True)
        peer = rows.get(("uvicorn", count), [])
        name = f"{kind}, {count:,} connections"
        for what, unit, mine, place in (
            ("", "/s", rates, 0),
            (", CPU of each", "us", used, 3),
            (", p99", "ms", p99s, 2),
        ):
            theirs = [found[place] for found in peer]
            published.append(report.row("wire", f"{name}{what}", unit, mine, "uvicorn", theirs))
    report.publish(f"medians of {RUNS} runs of {seconds:g} s, one request under way on each connection", published)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
