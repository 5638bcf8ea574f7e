"""The front door: what the package hands out, and what it costs to walk in."""

from __future__ import annotations

import subprocess
import sys

import pytest

import statekeep.protocol as door

LIBRARIES = ("anyio", "trio", "asyncio", "textual", "rich", "cryptography", "sqlite_utils", "statekeep.daemon")


def imported_by(statement: str) -> set[str]:
    """Return which of the heavy libraries a fresh interpreter has loaded after a statement."""
    program = f"{statement}; import sys; print(*[name for name in {LIBRARIES} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_the_names_are_these() -> None:
    """What is handed out is there, and nothing else is offered."""
    assert door.__all__ == ["AsyncClient", "Client", "StatekeepError", "errors", "messages", "records"]
    assert all(getattr(door, name) for name in door.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Sever'"):
        _ = door.Sever


def test_the_blocking_client_loads_no_library_of_the_asynchronous_one() -> None:
    """A script pays for msgspec and the standard library only."""
    assert imported_by("import statekeep.protocol") == set()


def test_the_asynchronous_client_loads_no_trio() -> None:
    """Who runs under asyncio doesn't need trio."""
    loaded = imported_by("from statekeep.protocol import AsyncClient")
    assert "anyio" in loaded
    assert "trio" not in loaded


def test_every_operation_is_a_method_of_both_clients() -> None:
    """Each op but the greeting has a method under its name, which says what it does; ``close`` ends a connection.

    A watch is an iterator that sees to its credits, and to its end, by itself.
    """
    for client in (door.Client, door.AsyncClient):
        for op, request in door.messages.REQUESTS.items():
            if op not in ("hello", "watch", "unwatch", "credit"):
                name = "close_route" if op == "close" else op
                assert getattr(client, name).__doc__ == request.__doc__


def test_walking_in_takes_no_time() -> None:
    """A tenth of a second of the processor, at most: a script that asks one thing should not wait for its imports."""
    program = "import time; began = time.process_time(); import statekeep.protocol; print(time.process_time() - began)"
    seconds = [
        float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
        for _ in range(3)
    ]
    assert min(seconds) < 0.1
