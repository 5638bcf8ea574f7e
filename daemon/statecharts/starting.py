"""Starting in a state of the caller's choice: for actors that had a life elsewhere before they came here.

It is an event like any other, the first of the history: its type begins with ``xstate.start.`` and names the states.
So the history tells of it, paths can match it, and a replay, on this definition or another, starts in the same states;
a definition that lacks one of them does not handle the event. The states are entered as the targets of a transition
are. Nobody can send it: types that begin with ``xstate.`` are reserved.
"""

from __future__ import annotations

from typing import Final

from statekeep.daemon.statecharts.nodes import Node
from statekeep.daemon.statecharts.structure import conflict
from statekeep.daemon.statecharts.targets import spelled, split
from statekeep.protocol.records import StateValue

START: Final = "xstate.start."

_BETWEEN: Final = " + "
"""Between the paths of states in several regions, as people are shown them."""

Keys = tuple[str, ...]
"""The keys of a state, outermost first."""


def leaves(state: object) -> list[Keys]:
    """The active leaves of a state value, in its order.

    Raises:
        ValueError: it is none; it comes from callers, and may be nested as deeply as a request may be.
    """
    found, left = list[Keys](), list[tuple[Keys, object]]([((), state)])
    while left:
        keys, value = left.pop()
        if isinstance(value, str):
            found.append((*keys, value))
        elif not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise ValueError("a state is its name, or an object of names and the states below them")
        elif value:
            left.extend(((*keys, key), below) for key, below in reversed(value.items()))
        elif keys:
            found.append(keys)
    return found


def start_event(state: StateValue) -> str:
    """The event type that starts an actor in ``state``: XState's value, or the path of one state as text.

    Raises:
        ValueError: it is no state value, or a key of it can't be told from what stands between two states.
    """
    paths = [state] if isinstance(state, str) else [spelled(keys) for keys in leaves(state)]
    if any(_BETWEEN in path for path in paths):
        raise ValueError(f"a state's name may not hold {_BETWEEN!r}")
    return START + _BETWEEN.join(paths)


def starting_nodes(root: Node, event_type: str) -> list[Node]:
    """The states that the event names; none, if the definition lacks one of them or they exclude each other."""
    found = [_find(root, path) for path in event_type.removeprefix(START).split(_BETWEEN)]
    nodes = [node for node in found if node is not None and node.kind != "history" and node is not root]
    return nodes if len(nodes) == len(found) and conflict(nodes) is None else []


def _find(root: Node, path: str) -> Node | None:
    node: Node | None = root
    for key in split(path):
        node = None if node is None else node.states.get(key)
    return node
