"""Requests about versions: deploy and preview, and the histories that paths are written for."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from statekeep.protocol.messages.requests import (
    Count,
    Name,
    PageRequest,
    Request,
    ResultT_co,
)
from statekeep.protocol.records import (
    Closed,
    DefinitionText,
    Deployed,
    DeploymentList,
    Guards,
    HistoryCountPage,
    Landing,
    Outcome,
    PathPage,
    Plan,
    PlannedPage,
    StateValue,
    VersionList,
)


class Plannable(Request[ResultT_co]):
    """What ``deploy`` and ``preview`` have in common: a version as it is to be."""

    version: Name
    definition: dict[str, Any]
    parent: Name | None = None
    path: list[str] = []
    landing: Landing = "replay"
    guards: Guards = "ignore"


class Deploy(Plannable[Deployed], tag="deploy"):
    """Make a version and route the parent's actors, durably."""

    role = "admin"
    digest: str | None = None
    """The digest of a preview; the deploy is refused when its plan would differ."""
    once: bool = False
    """Close the route behind the deploy: it takes over who matches now, and nobody later."""


class Preview(Plannable[Plan], tag="preview"):
    """Say what ``deploy`` would do. Runs the same code and changes nothing."""


class PreviewActors(PageRequest[PlannedPage], tag="preview_actors"):
    """The actors behind a line of a preview, page by page."""

    version: Name
    definition: dict[str, Any]
    parent: Name | None = None
    path: list[str] = []
    landing: Landing = "replay"
    guards: Guards = "ignore"
    outcome: Outcome = "migrated"
    state: StateValue | None = None
    """Only actors in this state, as the line shows it."""
    landing_state: StateValue | None = None
    """Only actors that would land in this state, as the line shows it."""
    skip: Count = 0
    """Leaves out so many behind the cursor: to jump to any place of a long list in one request."""


class Close(Request[Closed], tag="close"):
    """End the claim of an open route on all actors that it has not decided; it judges nobody any more."""

    role = "admin"
    version: Name
    """The route's child."""


class Deployments(Request[DeploymentList], tag="deployments"):
    """Every deploy of a child and every close, with its progress."""


class Versions(Request[VersionList], tag="versions"):
    """All versions with their populations."""


class Definition(Request[DefinitionText], tag="definition"):
    """The definition of a version, as it was deployed."""

    version: Name


class Paths(PageRequest[PathPage], tag="paths"):
    """The tree of the histories of a version's live actors, with their numbers: where to see which path to write."""

    version: Name
    under: list[Name] = []
    """Only histories that begin so."""
    depth: Annotated[int, Meta(ge=1, le=64)] = 3
    """Levels below ``under``."""


class Histories(PageRequest[HistoryCountPage], tag="histories"):
    """The distinct histories of a version's live actors, to try other definitions on. Event types, and no data."""

    version: Name
