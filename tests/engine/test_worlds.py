"""The engine moves cohorts; the rule speaks of actors. In every random world the two come to the same."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from statekeep.daemon.engine import keeping, sweeping
from statekeep.daemon.engine.world import World
from statekeep.protocol.errors import ActorErased, ActorFinished, InvalidMap, UnreachableRoute
from statekeep.protocol.messages import (
    Actors,
    Close,
    Decisions,
    Deploy,
    Erase,
    Get,
    History,
    Preview,
    Send,
    Spawn,
    Verify,
)
from statekeep.protocol.records import MapLanding
from tests.engine.worlds import MEMORY, Machine, Model, StateMap, ask, start

EVENTS = "abc"
UNNAMED = -1


class DeployStep(NamedTuple):
    """Deploy a child of the parent of this number, modulo how many there are; of none, a root."""

    machine: Machine
    parent: int | None
    path: tuple[str, ...]
    strict: bool
    once: bool = False
    names: tuple[int | None, ...] = ()
    """If there are any, it lands by a map: where each state of the parent leads; ``UNNAMED`` has no entry."""

    def state_map(self, parent: Machine) -> StateMap | None:
        named = zip(range(len(parent.moves)), self.names, strict=False)
        size = len(self.machine.moves)
        found = {old: new if new is None else new % size for old, new in named if new != UNNAMED}
        return found if self.names else None


class CloseStep(NamedTuple):
    """Close the route of this number, modulo how many there are."""

    route: int


class SpawnStep(NamedTuple):
    """Spawn on the version of this number, modulo how many there are."""

    version: int


class SendStep(NamedTuple):
    """Send to the actor of this number, modulo how many there are."""

    actor: int
    event: str


class EraseStep(NamedTuple):
    """Erase the actor of this number, modulo how many there are."""

    actor: int


class Restart(NamedTuple):
    """Close the store and open it again."""

    kept: bool = False
    """Whether that is a clean stop, of a store that is worth keeping its columns."""


Step = DeployStep | CloseStep | SpawnStep | SendStep | EraseStep | Restart


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Flat machines of two to four states, of which the last may be final."""
    size = draw(st.integers(2, 4))
    moves = st.dictionaries(st.sampled_from(EVENTS), st.integers(0, size - 1), min_size=2)
    return Machine(tuple(draw(st.lists(moves, min_size=size, max_size=size))), draw(st.booleans()))


tokens = st.sampled_from(["a", "b", "c", "a", "b", "*", "**"])
paths = st.lists(tokens, max_size=3).map(tuple)


def names(*unusual: int | None) -> st.SearchStrategy[tuple[int | None, ...]]:
    """Maps of four states, some of which may lead to what is ``unusual``."""
    return st.lists(st.sampled_from([0, 1, 2, 3, 0, 1, 2, 3, *unusual]), min_size=4, max_size=4).map(tuple)


deploys = st.builds(
    DeployStep,
    machines(),
    st.integers(0, 9),
    paths,
    st.booleans(),
    st.sampled_from([False, False, False, True]),
    st.one_of(st.just(()), names(None, UNNAMED)),
)
closes = st.builds(CloseStep, st.integers(0, 9))
spawns = st.builds(SpawnStep, st.integers(0, 9))
sends = st.builds(SendStep, st.integers(0, 9), st.sampled_from(EVENTS))
erasures = st.builds(EraseStep, st.integers(0, 9))
restarts = st.builds(Restart, st.booleans())
steps = st.one_of(deploys, closes, spawns, sends, sends, sends, sends, erasures, restarts)


class Both:
    """The engine and the model, driven alike."""

    def __init__(self, directory: Path, root: Machine) -> None:
        self.directory = directory
        self.engine = start(directory)
        self.model = Model()
        self.take(DeployStep(root, None, (), strict=False))

    def take(self, step: Step) -> None:
        model = self.model
        match step:
            case DeployStep():
                self._deploy(step)
            case CloseStep(number) if model.routes:
                route = model.routes[number % len(model.routes)]
                ask(self.engine, Close(f"v{route.child}"))
                model.close(route)
            case SpawnStep(version) if model.machines:
                version %= len(model.machines)
                ask(self.engine, Spawn(f"v{version}"))
                model.spawn(version)
            case EraseStep(actor) if model.actors:
                actor %= len(model.actors)
                assert ask(self.engine, Erase(actor + 1)).id == actor + 1
                model.actors[actor].erased = True
            case SendStep(actor, event) if model.actors:
                actor %= len(model.actors)
                if model.actors[actor].finished or model.actors[actor].erased:
                    refusal = ActorErased if model.actors[actor].erased else ActorFinished
                    try:
                        ask(self.engine, Send(actor + 1, event))
                    except refusal:
                        return
                    raise AssertionError("a finished or erased actor took an event")
                sent, expected = ask(self.engine, Send(actor + 1, event)), model.actors[actor]
                assert sent.handled == model.send(actor, event)
                assert (sent.version, sent.state) == (f"v{expected.version}", f"q{expected.state}")
            case Restart(kept):
                if kept:
                    self.engine.keep_columns()
                self.engine.close()
                self.engine = start(self.directory)
                if kept:
                    self.compare_with_rows()

    def _deploy(self, step: DeployStep) -> None:
        model = self.model
        parent = step.parent % len(model.machines) if step.parent is not None and model.machines else None
        path = step.path if parent is not None else ()
        state_map = None if parent is None else step.state_map(model.machines[parent])
        landing: Any = "strict" if step.strict and state_map is None else "replay"
        if state_map is not None:
            landing = MapLanding(map={f"q{old}": None if new is None else f"q{new}" for old, new in state_map.items()})
        after = deepcopy(model)
        strict = landing == "strict"
        after.deploy(step.machine, parent, path, strict=strict, state_map=state_map, once=step.once)
        plan: dict[str, Any] = {
            "version": f"v{len(model.machines)}",
            "definition": step.machine.definition(),
            "parent": None if parent is None else f"v{parent}",
            "path": list(path),
            "landing": landing,
        }
        before = self.seen()
        try:
            preview = ask(self.engine, Preview(**plan))
        except UnreachableRoute:
            return
        except InvalidMap:
            assert state_map is not None
            assert any(actor.last(len(model.machines)) == "rescue" for actor in after.actors)
            return
        if state_map is not None:
            assert not any(actor.last(len(model.machines)) == "rescue" for actor in after.actors)
        assert self.seen() == before, "a preview changed something"
        deployed = ask(self.engine, Deploy(**plan, digest=preview.digest, once=step.once))
        assert deployed.plan == preview
        self.model = after

    def seen(self) -> list[tuple[str, Any, str, int, bool]]:
        actors = ask(self.engine, Actors(limit=1000)).actors
        return [(a.version, a.state, a.status, a.events, a.needs_rescue) for a in actors]

    def compare_with_rows(self) -> None:
        """What was kept is what the rows say."""
        world, store = self.engine._world, self.engine._store
        read = World(store, lambda: 0)
        assert (world.histories.parent, world.histories.symbol) == (read.histories.parent, read.histories.symbol)
        told, expected = [
            [
                (at, cohorts.history[cohort], cohorts.find(at.version, cohorts.history[cohort], at.configuration))
                for cohort in range(1, len(cohorts) + 1)
                for at in [cohorts.standing(cohort)]
            ]
            for cohorts in (world.cohorts, read.cohorts)
        ]
        assert told == expected
        assert world.cohorts.population == read.cohorts.population
        assert sorted(world.actors.census()) == sorted(read.actors.census())

    def compare(self) -> None:
        model = self.model
        living = [(n, actor) for n, actor in enumerate(model.actors, start=1) if not actor.erased]
        assert self.seen() == [
            (
                f"v{actor.version}",
                f"q{actor.state}",
                "done" if actor.finished else "active",
                len(actor.history),
                any(actor.last(r.child) == "rescue" for r in model.routes if r.parent == actor.version),
            )
            for _, actor in living
        ]
        for number, actor in living:
            history = ask(self.engine, History(number, limit=1000))
            assert [event.event for event in history.events] == actor.history
            found = ask(self.engine, Decisions(actor=number, limit=1000)).decisions
            assert [(d.route, d.outcome, d.events) for d in found] == [
                (f"v{route}", outcome, events) for route, outcome, events in actor.log
            ]
            if history.events and not any(d.position > history.events[-1].position for d in found):
                assert history.events[-1].state == ask(self.engine, Get(number)).state
        for route in model.routes:
            page = ask(self.engine, Decisions(route=f"v{route.child}", limit=1000))
            expected = [(n, a.last(route.child)) for n, a in living]
            assert [(d.actor, d.outcome) for d in page.decisions] == [pair for pair in expected if pair[1]]
            judged = {n for n, a in enumerate(model.actors, start=1) if a.erased and a.last(route.child)}
            assert judged <= {found.id for found in page.erased}
        page = ask(self.engine, Verify(limit=1000))
        assert (page.differences, page.looked_at) == ([], len(living))


cycles = st.permutations(range(3)).map(lambda to: Machine(tuple({"a": to[q], "b": 2 - q} for q in range(3)), False))
"""Machines that take every event in every state, so that histories stay alike."""

few = st.integers(0, 3)
jumps = st.builds(
    DeployStep,
    cycles,
    st.integers(0, 1),
    st.sampled_from([(), ("a",), ("a", "*"), ("**", "b"), ("a", "a", "a")]),
    st.just(value=False),
    st.booleans(),
    st.one_of(st.just(()), names(None, None), names(), names()),
)
spawned = st.builds(SpawnStep, st.integers(0, 1))
sent = st.builds(SendStep, few, st.sampled_from("aaab"))
alike = st.one_of(jumps, spawned, spawned, sent, sent, sent, closes, restarts)
pieces = st.sampled_from([1, 2, 1_024])


@settings(max_examples=max(150, settings().max_examples))
@given(machines(), st.lists(steps, min_size=20, max_size=50), pieces)
def test_cohorts_come_to_what_the_rule_says_of_each_actor(root: Machine, world: list[Step], chunk: int) -> None:
    """Version, state, history and every decision of every actor are those of the rule applied to it alone."""
    follow(root, world, chunk)


@settings(max_examples=max(150, settings().max_examples))
@given(cycles, st.lists(alike, min_size=30, max_size=50), pieces)
def test_actors_of_one_history_whom_maps_have_parted_are_told_apart(
    root: Machine, world: list[Step], chunk: int
) -> None:
    """Likewise where most deploys land by a map, and a history is in several states of one version."""
    follow(root, world, chunk)


def follow(root: Machine, world: list[Step], chunk: int) -> None:
    """Drive both through a world, with sweeps in chunks of this size, and compare them."""
    pieces = mock.patch.multiple(sweeping, CHUNK=chunk, AT_ONCE=chunk)
    few = mock.patch.object(keeping, "WORTH_IT", 0)
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory, pieces, few:
        both = Both(Path(directory), root)
        try:
            for step in world:
                both.take(step)
            both.compare()
            both.take(Restart(kept=True))
            both.compare()
        finally:
            both.engine.close()
