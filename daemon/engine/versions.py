"""The forest of versions: who descends from whom, and each version's chart and table, loaded when first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from statekeep.daemon.routing.fingerprint import fingerprint
from statekeep.daemon.routing.paths import ANY_ONE, ANY_RUN, Path
from statekeep.daemon.routing.rule import Route, Routes
from statekeep.daemon.statecharts import Configuration, Jumps, StateMap, Table, load, offers
from statekeep.daemon.store import RouteRow, Store, VersionRow
from statekeep.protocol import errors
from statekeep.protocol.records import Guards, Landing, LandingPolicy, MapLanding

GUARDS: tuple[Guards, ...] = ("ignore", "block")
LANDINGS: tuple[LandingPolicy, ...] = ("replay", "strict")
"""Their places in these tuples are on disk."""

_MAP = len(LANDINGS)
"""Stands there for a state map."""

SEMANTICS = 5
"""XState's major version, stored with each version, so that a later evaluator never changes a stored actor."""

DELIVERED = ("xstate.after.", "xstate.done.actor.", "xstate.error.actor.", "xstate.snapshot.")
"""Event types of the machine's own that come from outside it: from timers and invoked services, which run elsewhere."""


def stored(landing: Landing) -> tuple[int, dict[str, str | None] | None]:
    """The columns ``landing`` and ``state_map`` of a version."""
    return (_MAP, landing.map) if isinstance(landing, MapLanding) else (LANDINGS.index(landing), None)


def landing_of(row: VersionRow) -> Landing:
    """What ``stored`` was made from."""
    return LANDINGS[row.landing] if row.state_map is None else MapLanding(map=row.state_map)


class Forest:
    """All versions, in deploy order, by number from 1."""

    def __init__(self, store: Store, event_type: Callable[[int], str]) -> None:
        self._store = store
        self._event_type = event_type
        self.rows: dict[int, VersionRow] = {row.id: row for row in store.catalogue.versions()}
        self._numbers = {row.name: row.id for row in self.rows.values()}
        self.routes = Routes()
        for row in store.catalogue.routes():
            self.routes.add(self._route(row))
        self._tables: dict[int, Table] = {}
        self._saved: dict[int, int] = {}
        self._accepted: dict[tuple[int, int], list[str]] = {}
        self._state_maps: dict[int, StateMap] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[VersionRow]:
        return iter(self.rows.values())

    def find(self, name: str) -> VersionRow | None:
        """The version of this name, if there is one."""
        number = self._numbers.get(name)
        return None if number is None else self.rows[number]

    def version(self, name: str) -> VersionRow:
        """The version of this name. Raises ``UnknownVersion``."""
        row = self.find(name)
        if row is None:
            raise errors.UnknownVersion(name, list(self._numbers))
        return row

    def name(self, number: int) -> str:
        return self.rows[number].name

    def add(self, row: VersionRow, table: Table) -> None:
        """A new root of the forest; ``table`` is made from its definition."""
        self._store.writes.add_version(row)
        self.rows[row.id] = row._replace(definition={})
        self._numbers[row.name] = row.id
        self._tables[row.id] = table
        self._saved[row.id] = 0

    def add_route(self, route: Route) -> None:
        """Make the version ``route.child``, added just now, a child of ``route.parent``."""
        self._store.writes.add_route(RouteRow(route.child, route.parent, list(route.path.tokens), route.closed))
        self.routes.add(route)

    def close(self, route: Route, position: int) -> None:
        """Let ``route`` claim nobody from ``position`` on."""
        route.closed = position
        self._store.writes.close_route(route.child, position)

    def path(self, version: int) -> list[str]:
        """The tokens of the path to a version, as they were given; empty for a root."""
        route = self.routes.by_child.get(version)
        return self._texts(route.path.tokens) if route else []

    def _texts(self, tokens: Sequence[int]) -> list[str]:
        special = {ANY_ONE: "*", ANY_RUN: "**"}
        return [special[token] if token in special else self._event_type(token) for token in tokens]

    def _route(self, row: RouteRow) -> Route:
        version = self.rows[row.child]
        path = Path(tuple(row.path), fingerprint(self._texts(row.path)))
        names, jumps = version.state_map, None
        if names is not None:
            jumps = self.jumps(row.parent, lambda: self.table(row.child), names)
        return Route(row.child, row.parent, path, landing_of(version) == "strict", version.position, row.closed, jumps)

    def jumps(self, parent: int, table: Callable[[], Table], names: Mapping[str, str | None]) -> Jumps:
        """The state map ``names`` from the configurations of ``parent`` to those of ``table``, which is made late."""
        return Jumps(lambda number: self.configuration(parent, number).value, table, names)

    def state_map(self, version: int) -> StateMap | None:
        """The map by which a version lands, if it does not replay."""
        names = self.rows[version].state_map
        if names is not None and version not in self._state_maps:
            self._state_maps[version] = StateMap(self.table(version).chart, names)
        return self._state_maps.get(version)

    def table(self, version: int) -> Table:
        """The transition table of a version."""
        table = self._tables.get(version)
        if table is None:
            chart = load(self._store.catalogue.definition(version), guards=GUARDS[self.rows[version].guards])
            table = Table(chart, self._event_type)
            for number, dumped in enumerate(self._store.catalogue.configurations(version)):
                if table.intern(chart.restore(dumped)) != number:
                    raise RuntimeError(f"configuration {number} of version {version} is not what it was")
            self._tables[version] = table
            self._saved[version] = len(table.configurations)
        return table

    def configuration(self, version: int, number: int) -> Configuration:
        return self.table(version).configurations[number]

    def accepted(self, version: int, number: int) -> list[str]:
        """The events that do something in a configuration; worked out once, as every look at an actor shows them."""
        found = self._accepted.get((version, number))
        if found is None:
            found = offers(self.table(version).chart, self.configuration(version, number), DELIVERED)
            self._accepted[version, number] = found
        return found

    def finished(self, version: int, number: int) -> bool:
        """Whether an actor in this configuration takes no more events."""
        return self.configuration(version, number).status != "active"

    def save_configurations(self) -> None:
        """Write the configurations that have come up since the last call."""
        for version, table in self._tables.items():
            for number in range(self._saved[version], len(table.configurations)):
                configuration = table.configurations[number]
                dumped = table.chart.dump(configuration)
                finished = configuration.status != "active"
                self._store.writes.add_configuration(version, number, dumped, finished=finished)
            self._saved[version] = len(table.configurations)
