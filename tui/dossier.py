"""All that is on record about one actor, asked for at once."""

from __future__ import annotations

from typing import NamedTuple

from statekeep.protocol.messages import ActorRef, Decisions, Definition, Get, History, Versions
from statekeep.protocol.records import Actor, Decision, DecisionPage, EventRecord, HistoryPage
from statekeep.tui.asking import Asks
from statekeep.tui.cli.blocks import Line
from statekeep.tui.cli.why import case_of, paragraphs, replayed
from statekeep.tui.look import active_paths
from statekeep.tui.outline import chart_lines, remembers, replay

PAGE = 1000


class Dossier(NamedTuple):
    """One actor, with everything that the screen shows."""

    actor: Actor
    spawned_on: str
    spawned_at: int
    events: list[EventRecord]
    decisions: list[Decision]
    why: list[str]
    chart: list[Line]
    accepts: list[str]
    """The events that it takes now; ``*`` and the like stand for many."""


async def dossier(client: Asks, reference: ActorRef, known: Dossier | None = None) -> Dossier:
    """Ask for everything about an actor; where nothing became of it since, ``known`` is still true.

    Raises what asking raises.
    """
    actor = await client.call(Get(reference))
    if known is not None and known.actor == actor:
        return known
    # Charts are the daemon's room; they are loaded with the first actor that is looked at.
    from statekeep.daemon.statecharts import load  # noqa: PLC0415

    pages = await _history(client, actor.id)
    made = await _decisions(client, actor.id)
    versions = (await client.call(Versions())).versions
    definitions = [await client.call(Definition(route)) for route in replayed(made)]
    own = await client.call(Definition(actor.version))
    chart = load(own.definition, guards=own.guards)
    case = case_of(actor, pages, made, versions, definitions)
    configuration = replay(chart, case.history)
    # A landing that is no replay leads elsewhere: then nothing is said of what the replay would remember.
    replays = configuration.value == actor.state
    accepts: list[str] = getattr(actor, "accepts", chart.accepts(configuration) if replays else [])
    lines = list(chart_lines(chart, active_paths(actor.state), remembers(configuration) if replays else {}))
    return Dossier(actor, case.spawned_on, case.spawned_at, case.events, made, paragraphs(case), lines, accepts)


async def _history(client: Asks, actor: int) -> list[HistoryPage]:
    pages = [await client.call(History(actor, limit=PAGE))]
    while (following := pages[-1].next) is not None:
        pages.append(await client.call(History(actor, cursor=following, limit=PAGE)))
    return pages


async def _decisions(client: Asks, actor: int) -> list[Decision]:
    made: list[Decision] = []
    cursor: int | None = 0
    while cursor is not None:
        page: DecisionPage = await client.call(Decisions(actor=actor, cursor=cursor, limit=PAGE))
        made += page.decisions
        cursor = page.next
    return made
