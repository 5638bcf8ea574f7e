"""Thousands of connections and floods of large requests, at a daemon that is a process of its own."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from statekeep.daemon.connections import CHUNK, LARGE
from statekeep.protocol import Client
from statekeep.protocol.framing import REQUEST_LIMIT, join_frames
from statekeep.protocol.messages import Send
from tests.daemon.processes import LISTENS, Daemon, command, running
from tests.daemon.serving import LIGHT

IDLE, BUSY = 10_000, 100


def memory(daemon: Daemon) -> int:
    """Bytes that are resident."""
    pages = int(Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def used(daemon: Daemon) -> float:
    """Seconds of CPU."""
    fields = Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def connected(daemon: Daemon, count: int) -> Iterator[list[socket.socket]]:
    """So many sockets that have said nothing yet."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(count)]
        for peer in peers:
            peer.connect(str(daemon.socket))
        yield peers


def latencies(client: Client, count: int) -> list[float]:
    """Seconds that each of so many sends took."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        client.send(1, "TOGGLE")
        taken.append(time.perf_counter() - began)
    return sorted(taken)


@pytest.mark.slow
def test_ten_thousand_idle_connections_and_a_hundred_busy_ones(tmp_path: Path) -> None:
    """The idle ones cost a few kilobytes each and no time; each busy one has its events in their order."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files[1] < IDLE + 2 * BUSY:
        pytest.skip(f"{IDLE:,} connections need as many open files, and this process may have {files[1]:,}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    try:
        with running(tmp_path) as daemon, Client(daemon.socket) as client:
            client.deploy("v", LIGHT)
            for _ in range(BUSY):
                client.spawn("v")
            before = memory(daemon)
            with connected(daemon, IDLE):
                while client.status().connections <= IDLE:
                    pass
                each = (memory(daemon) - before) / IDLE
                assert each < 8_192
                began, at = used(daemon), time.monotonic()
                handled: dict[int, list[int]] = {}

                def work(actor: int) -> None:
                    with Client(daemon.socket) as mine:
                        handled[actor] = [mine.send(actor, "TOGGLE").events for _ in range(100)]

                threads = [threading.Thread(target=work, args=(actor,)) for actor in range(1, BUSY + 1)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                rate = BUSY * 100 / (time.monotonic() - at)
                cost = (used(daemon) - began) / (BUSY * 100)
                assert handled == {actor: list(range(1, 101)) for actor in range(1, BUSY + 1)}
                sys.stdout.write(f"{each:,.0f} bytes each, {rate:,.0f} sends/s, {cost * 1e6:.0f} us of CPU each\n")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, files)


@pytest.mark.slow
def test_a_flood_of_large_requests_is_bounded(tmp_path: Path) -> None:
    """Of three hundred clients that have sent all but the end of a megabyte the daemon holds what is stated; and
    while they send it, others are answered as before.
    """
    clients = 300
    body = join_frames([msgspec.msgpack.encode(Send(1, "NOTHING", "x" * (REQUEST_LIMIT - 100)))])[:-1]
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        client.deploy("v", LIGHT)
        client.spawn("v")
        alone = latencies(client, 300)
        before = memory(daemon)
        with connected(daemon, clients) as peers:
            for peer in peers:
                peer.setblocking(False)
            left = {peer: memoryview(body) for peer in peers}
            flooded: list[float] = []
            for _ in range(60):
                for peer in peers:
                    with contextlib.suppress(BlockingIOError):
                        left[peer] = left[peer][peer.send(left[peer][:CHUNK]) :]
                flooded += latencies(client, 5)
            finished = sum(not rest for rest in left.values())
            assert finished == LARGE
            held = memory(daemon) - before
            assert held < LARGE * REQUEST_LIMIT * 1.25 + clients * 2.5 * CHUNK
            flooded.sort()
            sys.stdout.write(
                f"{held / 2**20:.0f} MiB held, p50 {statistics.median(flooded) * 1e3:.2f} ms, alone "
                f"{statistics.median(alone) * 1e3:.2f} ms\n"
            )
            assert statistics.median(flooded) < 10 * statistics.median(alone) + 0.01


def test_a_daemon_with_few_files_lets_clients_wait(tmp_path: Path) -> None:
    """Its limit is what it may have, not more; the log says it once, waiting costs no time, and nobody is lost."""
    process = subprocess.Popen(
        ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh", *command(tmp_path)], stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stderr
            while LISTENS not in process.stderr.readline():
                pass
            hello = b'{"op":"hello"}\n'
            with contextlib.ExitStack() as stack:
                peers = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(60)]
                for peer in peers:
                    peer.connect(str(tmp_path / "s"))
                    peer.sendall(hello)
                    peer.settimeout(10)
                for number, peer in enumerate(peers):
                    assert b'"protocol":1' in peer.recv(4_096), number
                    peer.close()
        finally:
            process.terminate()
        said = process.stderr.read()
    assert said.count("new connections wait: 36 connections are open") == 1
