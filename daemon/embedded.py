"""A daemon in a thread of another program, with a store that is thrown away: what ``statekeep.testing`` is made of."""

from __future__ import annotations

import os
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

import trio

from statekeep.daemon.engine import About, Engine
from statekeep.daemon.listening import listener
from statekeep.daemon.server import Server
from statekeep.daemon.store import Store, open_store
from statekeep.protocol.framing import REQUEST_LIMIT

_KEY: Final = bytes(32)
"""The master key of a store that nobody keeps."""

_UNDER_WAY: Final = 1_024
"""Requests of one connection under way, as in a daemon that runs by itself."""


class Embedded:
    """A daemon on the store ``store``, listening at ``at``: it can be reached when the constructor returns."""

    def __init__(self, store: Path, at: Path) -> None:
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._token: trio.lowlevel.TrioToken
        self._stop: trio.Event
        self._thread = threading.Thread(target=self._run, args=(store, at), name="statekeep", daemon=True)
        self._thread.start()
        self._ready.wait()
        self._raise()

    def stop(self) -> None:
        """Answer what has come in, and end. Raises what went wrong meanwhile, if anything did."""
        if self._thread.is_alive():
            self._token.run_sync_soon(self._stop.set)
            self._thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self, path: Path, at: Path) -> None:
        try:
            with open_store(path, _KEY, now=_now()) as store, listener(at) as listening:
                trio.run(self._serve, store, listening, at)
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the one who waits is to see it
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self, store: Store, listening: list[socket.socket], at: Path) -> None:
        self._token, self._stop = trio.lowlevel.current_trio_token(), trio.Event()
        server = Server(
            Engine(store, _now, About(os.getpid(), str(at), str(at.parent), _now(), REQUEST_LIMIT, _UNDER_WAY))
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(server.serve, listening, stop=self._stop))
            self._ready.set()


def _now() -> int:
    return time.time_ns() // 1_000_000
