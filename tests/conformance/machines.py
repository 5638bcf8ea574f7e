"""Random machines that XState accepts, with events to send to them, as Hypothesis strategies."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

KEYS = ("a", "b", "c", "10", "2", "x.y", "in review", "été", "constructor")
EVENTS = ("A", "B", "C", "foo", "foo.bar", "foo.bar.baz", "toString")
DESCRIPTORS = (*EVENTS, "*", "foo.*", "foo.bar.*")

Draw = st.DrawFn


@dataclass(eq=False)
class State:
    """A state of the machine to be, before its transitions are drawn."""

    key: str
    parent: "State | None"
    kind: str
    id: str = ""
    children: list["State"] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        return () if self.parent is None else (*self.parent.keys, self.key)

    @property
    def ancestors(self) -> list["State"]:
        return [] if self.parent is None else [self.parent, *self.parent.ancestors]


@st.composite
def cases(draw: Draw) -> dict[str, Any]:
    """A machine, the policy of its guards, and up to 16 events: ``{"machine", "guards", "events"}``."""
    root = State("m", None, draw(st.sampled_from(["compound", "compound", "parallel"])), id="m")
    states = [root]
    _grow(draw, root, states, depth=0)
    targets = [state for state in states if state.parent is not None]
    for state in states:
        _wire(draw, state, targets)
    sent: list[Any] = [*EVENTS, *_internal_events(states)]
    events = draw(st.lists(st.sampled_from(sent), max_size=16))
    return {"machine": root.config, "guards": draw(st.sampled_from(["fire", "never"])), "events": events}


def _grow(draw: Draw, state: State, states: list[State], depth: int) -> None:
    """Give a compound or parallel state its children, their kinds and ids."""
    config = state.config
    if state.parent is None:
        config["id"] = "m"
    if state.kind == "parallel":
        config["type"] = "parallel"
    inner = ["compound", "parallel"] if depth < 2 and len(states) < 12 else []
    kinds = ["atomic", "atomic", "atomic", *inner, *inner, "final", "history"]
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True))
    config["states"] = {}
    for number, key in enumerate(keys):
        # The first is the initial one: final there goes in rings with onDone, history there needs a default.
        rare = draw(st.integers(0, 7)) == 0
        child = State(key, state, draw(st.sampled_from(kinds if number or rare else kinds[:-2])))
        state.children.append(child)
        states.append(child)
        config["states"][key] = child.config
        child.id = ".".join(("m", *child.keys))
        if draw(st.integers(0, 4)) == 0:
            child.id = child.config["id"] = f"id{len(states)}"
            if draw(st.booleans()):
                child.config["route"] = draw(st.sampled_from([{}, {"reenter": True}, {"guard": "g"}]))
        if child.kind in {"compound", "parallel"}:
            _grow(draw, child, states, depth + 1)
    if state.kind == "compound":
        config["initial"] = keys[0]


def _wire(draw: Draw, state: State, targets: list[State]) -> None:
    config = state.config
    if state.kind == "history":
        config["type"] = "history"
        config["history"] = draw(st.sampled_from(["shallow", "deep"]))
        assert state.parent is not None
        siblings = [child.key for child in state.parent.children if child is not state]
        if draw(st.booleans()) or state.parent.config.get("initial") == state.key:
            outside = draw(st.sampled_from(targets)).keys
            config["target"] = draw(st.sampled_from([*map(_escaped, siblings), "#m." + _path(outside)]))
        return
    if state.kind == "final":
        config["type"] = "final"
    if draw(st.integers(0, 3)) == 0:
        config["tags"] = draw(st.lists(st.sampled_from("tu"), min_size=1, max_size=2))
    descriptors = draw(st.lists(st.sampled_from(DESCRIPTORS), max_size=3, unique=True))
    if descriptors:
        config["on"] = {descriptor: _candidates(draw, state, targets) for descriptor in descriptors}
    if draw(st.integers(0, 11)) == 0:
        config["always"] = _candidates(draw, state, targets)
    if draw(st.integers(0, 2)) == 0 and state.children:
        config["onDone"] = _candidates(draw, state, targets)
    if draw(st.integers(0, 4)) == 0:
        config["after"] = {draw(st.sampled_from(["100", "1e2", "soon"])): [_transition(draw, state, targets)]}
    if draw(st.integers(0, 4)) == 0:
        config["invoke"] = {"src": "job", "onDone": _candidates(draw, state, targets)}


def _candidates(draw: Draw, state: State, targets: list[State]) -> Any:
    listed = [_transition(draw, state, targets) for _ in range(draw(st.integers(1, 2)))]
    return listed if len(listed) > 1 or draw(st.booleans()) else listed[0]


def _transition(draw: Draw, state: State, targets: list[State]) -> dict[str, Any]:
    transition: dict[str, Any] = {}
    if draw(st.integers(0, 7)):
        first = draw(st.sampled_from(targets))
        chosen = [first, *_in_other_regions(draw, first)]
        spelled = [_spelling(draw, state, target) for target in chosen]
        transition["target"] = spelled if len(spelled) > 1 or draw(st.integers(0, 5)) == 0 else spelled[0]
    if draw(st.integers(0, 3)) == 0:
        transition["guard"] = "g"
    if draw(st.integers(0, 3)) == 0:
        transition["reenter"] = True
    if draw(st.integers(0, 5)) == 0:
        transition["actions"] = ["log"]
    return transition


def _in_other_regions(draw: Draw, target: State) -> list[State]:
    """Sometimes a second target that may be active together with the first."""
    for region in (target, *target.ancestors):
        parent = region.parent
        if parent is not None and parent.kind == "parallel" and draw(st.integers(0, 3)) == 0:
            others = [other for other in parent.children if other is not region and other.kind != "history"]
            if others and region.kind != "history":
                other = draw(st.sampled_from(others))
                return [draw(st.sampled_from([other, *other.children]))]
    return []


def _spelling(draw: Draw, source: State, target: State) -> str:
    """One of the forms that a target can be written in."""
    keys, path = source.keys, target.keys
    forms = [f"#{target.id}" if target.config.get("id") else "#m." + _path(path), "#m." + _path(path)]
    if source.parent is None:
        forms.append("." + _path(path))
    elif path[: len(keys) - 1] == keys[:-1]:
        forms.append(_path(path[len(keys) - 1 :]) if len(path) >= len(keys) else forms[0])
        if path[: len(keys)] == keys and len(path) > len(keys) and "." not in source.key:
            forms.append("." + _path(path[len(keys) :]))
    return draw(st.sampled_from(forms))


def _path(keys: tuple[str, ...]) -> str:
    return ".".join(map(_escaped, keys))


def _escaped(key: str) -> str:
    return key.replace(".", "\\.")


def _internal_events(states: list[State]) -> list[Any]:
    """What timers, actors and routers would send."""
    found: list[Any] = ["xstate.error.actor.nobody"]
    for state in states:
        delays = ["soon" if delay == "soon" else 100 for delay in state.config.get("after", {})]
        found += [f"xstate.after.{delay}.{state.id}" for delay in delays]
        if "invoke" in state.config:
            found += [f"xstate.done.actor.0.{state.id}", f"xstate.error.actor.0.{state.id}"]
        if "route" in state.config:
            found.append({"type": "xstate.route", "to": f"#{state.id}"})
    return found
