"""Decisions as they are made, the last one last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from statekeep.protocol.messages import Decisions, PageRequest
from statekeep.protocol.operations import following
from statekeep.protocol.records import Decision, DecisionPage
from statekeep.tui.asking import Asks

KEPT: Final = 1_000
"""Decisions that are shown: as many as one would scroll back through."""

PAGES: Final = 20
"""Pages that one look asks for: what a deploy decided about many more comes with the looks after it."""


class Followed:
    """The log of what passes a filter, from a time on; each look asks for what came since the one before."""

    def __init__(self, client: Asks, fields: Mapping[str, Any], since: int) -> None:
        """``fields`` are those of ``decisions``; ``since`` is in milliseconds since 1970."""
        self.rows: list[Decision] = []
        self._client = client
        self._request: PageRequest[DecisionPage] | None = Decisions(**{**fields, "since": since}, limit=KEPT)
        self._fields = {**fields}
        self._since = since

    @property
    def behind(self) -> bool:
        """Whether there is more to ask for than one look did."""
        return self._request is not None

    async def look(self) -> list[Decision]:
        """What was decided, in its order, the last ``KEPT`` of it. Raises what asking raises."""
        request = self._request or Decisions(**{**self._fields, "since": self._since}, limit=KEPT)
        known = {(made.actor, made.route, made.position) for made in self.rows}
        for _ in range(PAGES):
            page: DecisionPage = await self._client.call(request)
            self.rows += [made for made in page.decisions if (made.actor, made.route, made.position) not in known]
            self._request = following(request, page)
            if self._request is None:
                break
            request = self._request
        self.rows = sorted(self.rows, key=lambda made: (made.position, made.actor))[-KEPT:]
        if self._request is None and self.rows:
            self._since = max(self._since, self.rows[-1].time)
        return self.rows
