"""The daemon as it is now, looked at again and again: the one place that decides how the screens stay alive.

A look is a few small questions. The next one is due when a watch tells of the first thing that happened behind the
position that was seen, or after a pace without any. The watch is asked for that one notice and no more: on a busy
daemon a screen is behind by the time between two looks, and never works off what nobody can see any more.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.messages import Deployments, Hello, KeyStatus, Stats, StatusRequest, Versions
from statekeep.protocol.records import Deployment, Keys, Peer, ServerStatus, Statistics, Version
from statekeep.tui.asking import Daemon, Notices

REMEMBERED: Final = 120
"""Rates that the sparkline can show: two minutes."""

SOON: Final = 0.1
"""Seconds from the first thing that happened to the look at it: what happens together is seen together."""

BUSY: Final = 0.5
"""Seconds between looks at least while much happens: quicker than one reads, and a few requests a second."""

_SPAN: Final = 0.9
"""Seconds that a rate is taken over at least, so that the sparkline has a column for each second."""


class World(NamedTuple):
    """What the screens share."""

    status: ServerStatus
    versions: list[Version]
    deployments: list[Deployment]
    rates: tuple[float, ...]
    """Positions a second, second by second, the last one last: events, spawns and changes of the routes together."""
    statistics: Statistics
    keys: Keys | None
    """The keys of the store, for those who may see them."""
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

    def __init__(self, client: Daemon, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._rates: deque[float] = deque(maxlen=REMEMBERED)
        self._sampled: tuple[float, int, int] | None = None
        self._seen: World | None = None
        self._looked = 0.0
        self._you: Peer | None = None
        self._tells = False
        self._watching: Notices | None = None

    async def news(self, pace: float) -> None:
        """Wait until it is time to look again: soon after something happened, else after ``pace`` seconds."""
        if self._seen is None or not self._tells:
            self.close()
            await asyncio.sleep(pace)
            return
        self._watching = self._watching or self._client.watch(str(self._seen.status.position), ahead=1)
        try:
            async with asyncio.timeout(pace):
                await anext(self._watching)
        except TimeoutError:
            return
        except (StatekeepError, StopAsyncIteration):
            self.close()
            await asyncio.sleep(pace)  # whether the daemon is there at all, the next look tells
            return
        self.close()
        await asyncio.sleep(max(SOON, self._looked + BUSY - self._clock()))

    def close(self) -> None:
        """Watch no more."""
        if self._watching is not None:
            self._watching.close()
            self._watching = None

    async def look(self, *, anew: bool = False) -> World:
        """The world now; ``anew`` asks for everything whether or not anything happened. Raises what asking raises."""
        try:
            return await self._look(anew=anew)
        except StatekeepError:
            # Who answers next may be another daemon, with another store.
            self._seen = self._sampled = None
            self._rates.clear()
            raise

    async def _look(self, *, anew: bool) -> World:
        status = await self._client.call(StatusRequest())
        self._looked = self._clock()
        self._sample(status)
        seen = self._seen
        if seen is None:
            welcome = await self._client.call(Hello())
            self._you, self._tells = welcome.you, "watch" in welcome.features
        before = seen and (seen.status.position, seen.status.pid)
        changed = anew or seen is None or seen.sweeping or before != (status.position, status.pid)
        versions, deployments = (seen.versions, seen.deployments) if seen else ([], [])
        if changed:
            deployments = (await self._client.call(Deployments())).deployments
            # Populations are told at the end of a sweep; its progress is to be seen meanwhile.
            if not seen or not any(one.swept < one.cohorts for one in deployments):
                versions = (await self._client.call(Versions())).versions
        statistics, keys = await self._client.call(Stats()), seen.keys if seen else None
        if changed or (keys and keys.rotating):
            keys = await self._keys()
        self._seen = World(status, versions, deployments, tuple(self._rates), statistics, keys, self._you, changed)
        return self._seen

    async def _keys(self) -> Keys | None:
        if self._you is None or self._you.role != KeyStatus.role:
            return None
        return await self._client.call(KeyStatus())

    def _sample(self, status: ServerStatus) -> None:
        """Take the rate since the last sample, if that is long enough ago."""
        now, before = self._looked, self._sampled
        if before is None or before[2] != status.pid:
            self._sampled = (now, status.position, status.pid)
        elif now - before[0] >= _SPAN:
            self._rates.append(max(0, status.position - before[1]) / (now - before[0]))
            self._sampled = (now, status.position, status.pid)
