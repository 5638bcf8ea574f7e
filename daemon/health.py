"""What the service manager hears of a running daemon: signs of life behind which there is life, and a status line."""

from __future__ import annotations

from typing import Final

import trio

from statekeep.daemon.engine import Engine
from statekeep.daemon.server import Server
from statekeep.daemon.systemd import notify

BEAT: Final = 10.0
"""Seconds between two status lines, at most."""


async def report(server: Server, engine: Engine, watchdog: float | None) -> None:
    """Report for ever. ``watchdog`` is the time in seconds within which the manager wants to hear from us, if it does.

    A sign of life is sent after the batch loop has made another turn, an engine's batch included: a loop that hangs,
    or whose engine does, sends none and is restarted. A full disk is no reason: a restart would not help.
    """
    beat = BEAT if watchdog is None else min(BEAT, watchdog / 3)
    said = ""
    while True:
        await server.turn()
        status = engine.summary()
        signs = ["WATCHDOG=1"] if watchdog is not None else []
        if status != said:
            signs.append(f"STATUS={status}")
            said = status
        if signs:
            notify(*signs)
        await trio.sleep(beat)
