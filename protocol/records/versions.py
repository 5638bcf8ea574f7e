"""Versions, routes and plans; and how many actors are where."""

from __future__ import annotations

from typing import Any, Literal

from statekeep.protocol.records.words import Finding, Guards, Landing, Outcome, Page, Record, StateValue, Status


class Change(Record, frozen=True, kw_only=True):
    """One difference between two definitions. What is new is named as in the new one, what is gone as it was."""

    what: Literal["state", "transition"]
    kind: Literal["added", "removed", "renamed", "changed", "retargeted"]
    path: str
    """The dotted path of the state, or of the transition's source."""
    event: str = ""
    """Of a transition: the event with guard and actions."""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        """The change in a line."""
        subject = f"{self.path}, {self.event}" if self.event else self.path
        change = f": {self.before} -> {self.after}".replace(":  ->", ": ->") if self.before or self.after else ""
        return f"{self.kind} {self.what} {subject}{change.rstrip()}"


class PlanRow(Record, frozen=True, kw_only=True):
    """Actors of one state that share an outcome and a landing state."""

    outcome: Outcome
    state: StateValue
    landing: StateValue | None = None
    skipped: int = 0
    """Events that the new definition does not handle, for each of these actors."""
    actors: int


class Plan(Record, frozen=True, kw_only=True):
    """What a deploy does, or would do, to the actors of the parent."""

    version: str
    parent: str | None = None
    counts: dict[Outcome, int]
    rows: list[PlanRow]
    histories: int
    """Distinct histories that were judged."""
    digest: str
    """Names this very plan: ``deploy`` with it is refused when the plan has changed."""
    changes: list[Change] = []
    """How the new definition differs from the parent's."""
    warnings: list[Finding] = []


class Deployed(Record, frozen=True, kw_only=True):
    """The version exists, and the plan has been carried out."""

    version: str
    created: bool
    """False when the same version with the same content had been deployed before: nothing was changed."""
    position: int
    plan: Plan | None = None
    """Absent when nothing was changed."""


class StateCount(Record, frozen=True, kw_only=True):
    """How many of a version's actors stand in one state."""

    state: StateValue
    status: Status
    actors: int


class Version(Record, frozen=True, kw_only=True):
    """A deployed definition, its place in the forest and its population."""

    version: str
    parent: str | None = None
    path: list[str] = []
    path_hash: str
    closed: bool = False
    """Whether its route claims nobody any more."""
    landing: Landing
    guards: Guards
    position: int
    time: int
    active: int
    finished: int
    needs_rescue: int = 0
    states: list[StateCount]


class VersionList(Record, frozen=True, kw_only=True):
    """All versions, in deploy order."""

    versions: list[Version]
    damaged: bool = False
    """Whether actors on the disk were changed, set back or gone at the start, so that this may not be what was written.

    ``verify`` tells what is known of it.
    """


class DefinitionText(Record, frozen=True, kw_only=True):
    """A definition as it was deployed."""

    version: str
    definition: dict[str, Any]
    guards: Guards
    parent: str | None = None


class CountRow(Record, frozen=True, kw_only=True):
    """How many actors of one version stand in one state."""

    version: str
    state: StateValue
    status: Status
    actors: int


class Counts(Record, frozen=True, kw_only=True):
    """How many actors there are, in all and by version and state."""

    actors: int
    rows: list[CountRow]
    """Versions in deploy order, and each version's states by name."""
    damaged: bool = False
    """Whether actors on the disk were changed, set back or gone at the start, so that this may not be what was written.

    ``verify`` tells what is known of it.
    """


class Closed(Record, frozen=True, kw_only=True):
    """The route claims nobody any more."""

    version: str
    position: int
    waited: int
    """Actors for which the route was pending: they are judged by its later siblings now."""


class Deployment(Record, frozen=True, kw_only=True):
    """A change of the routes, and how far it has been carried out."""

    version: str
    parent: str
    kind: Literal["deploy", "close"]
    path: list[str] = []
    position: int
    time: int
    cohorts: int
    """Cohorts that it concerns."""
    swept: int
    """Of those, how many have been judged; the others are when an event or a read touches them, or in their turn."""
    counts: dict[Outcome, int] = {}
    """Actors by outcome, as the plan of the deploy had them when it began; absent of a close."""


class DeploymentList(Record, frozen=True, kw_only=True):
    """Every deploy of a child and every close, in order."""

    deployments: list[Deployment]


class PathNode(Record, frozen=True, kw_only=True):
    """Live actors of one version whose histories begin alike: a node of the tree of histories."""

    path: list[str]
    """The events so far."""
    actors: int
    """With this beginning."""
    here: int = 0
    """Of those, the ones that have processed nothing more."""
    state: StateValue | None = None
    """Where the ones that are here stand; on a version with a state map, where some do. Absent when there are none."""
    children: int = 0
    """Events that some went on with."""


class PathPage(Page, frozen=True, kw_only=True):
    """Nodes of a version's tree of histories: each before its children, the most travelled child first."""

    actors: int
    """All whose history begins with what was asked for."""
    nodes: list[PathNode]


class HistoryCount(Record, frozen=True, kw_only=True):
    """A history, and how many live actors of a version have just this one."""

    history: list[str]
    """Event types, oldest first."""
    state: StateValue
    """Where they stand; on a version with a state map, where some do."""
    actors: int


class HistoryCountPage(Page, frozen=True, kw_only=True):
    """Distinct histories, in the order in which they first occurred. A page may be short, or empty, before the last."""

    histories: list[HistoryCount]
