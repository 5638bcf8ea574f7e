"""The daemon as it is now, looked at again and again: the one place that decides how the screens stay alive."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.messages import Deployments, Hello, StatusRequest, Versions
from statekeep.protocol.records import Deployment, Peer, ServerStatus, Version
from statekeep.tui.asking import Asks, build, takes

REMEMBERED: Final = 120
"""Looks that the sparkline can show: two minutes."""


class World(NamedTuple):
    """What the screens share."""

    status: ServerStatus
    versions: list[Version]
    deployments: list[Deployment]
    rates: tuple[float, ...]
    """Positions a second between looks, the last one last: events, spawns and changes of the routes together."""
    statistics: dict[str, Any]
    """What ``stats`` answers, by name; empty where the daemon has no such operation."""
    you: Peer | None
    """Who the daemon takes this user for, if it tells."""
    changed: bool
    """Whether anything happened since the look before."""

    def version(self, name: str) -> Version | None:
        """A version by its name."""
        return next((version for version in self.versions if version.version == name), None)

    @property
    def sweeping(self) -> bool:
        """Whether a change of the routes is still being carried out."""
        return any(one.swept < one.cohorts for one in self.deployments)


class Feed:
    """Looks at the daemon; asks for little where little has happened."""

    def __init__(self, client: Asks, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._rates: deque[float] = deque(maxlen=REMEMBERED)
        self._last: tuple[float, int, int] | None = None
        self._seen: World | None = None
        self._you: Peer | None = None
        self._has_statistics = takes("stats")

    async def look(self, *, anew: bool = False) -> World:
        """The world now; ``anew`` asks for everything whether or not anything happened. Raises what asking raises."""
        status = await self._client.call(StatusRequest())
        now = self._clock()
        before, self._last = self._last, (now, status.position, status.pid)
        if before is not None and before[2] == status.pid and now > before[0]:
            self._rates.append(max(0, status.position - before[1]) / (now - before[0]))
        seen = self._seen
        if seen is None:
            self._you = (await self._client.call(Hello())).you
        changed = anew or seen is None or seen.sweeping or before is None or before[1:] != self._last[1:]
        versions, deployments = (seen.versions, seen.deployments) if seen else ([], [])
        if changed:
            deployments = (await self._client.call(Deployments())).deployments
            # Populations are told at the end of a sweep; its progress is to be seen meanwhile.
            if not seen or not any(one.swept < one.cohorts for one in deployments):
                versions = (await self._client.call(Versions())).versions
        self._seen = World(
            status, versions, deployments, tuple(self._rates), await self._statistics(), self._you, changed
        )
        return self._seen

    async def _statistics(self) -> dict[str, Any]:
        if not self._has_statistics:
            return {}
        try:
            return dict(msgspec.to_builtins(await self._client.call(build("stats"))))
        except StatekeepError as refused:
            if refused.code != "unknown_op":
                raise
            self._has_statistics = False
            return {}
