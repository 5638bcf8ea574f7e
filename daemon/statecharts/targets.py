"""What a target text names: a sibling, a path, a ``.child``, an ``#id``, or an ``#id`` with a path below it."""

from collections.abc import Mapping

from statekeep.daemon.statecharts.findings import nearest
from statekeep.daemon.statecharts.nodes import Node


class UnknownTarget(Exception):
    """There is no such state. ``hint`` says what was probably meant."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def resolve(source: Node, target: str, by_id: Mapping[str, Node]) -> Node:
    """The node that ``target`` names in a transition of ``source``.

    A bare key or path starts at the source's siblings, ``.key`` at its children, ``#id`` anywhere.

    Raises:
        UnknownTarget: it names nothing, or is a bare key on the root, which has no siblings.
    """
    if target.startswith("#"):
        return _by_id(target, by_id)
    if source.parent is None:
        if not target.startswith("."):
            raise UnknownTarget(f"{target!r} is no target for the machine itself", f"write {'.' + target!r}")
        return _descend(source, split(target[1:]), by_id)
    # XState looks a child up through the parent; so a dot in the source's own key has to be escaped, and cannot be.
    steps = split(source.key + target if target.startswith(".") else target)
    try:
        return _descend(source.parent, steps, by_id)
    except UnknownTarget as error:
        raise UnknownTarget(str(error), error.hint or _meant(source, target, by_id)) from None


def resolve_default(history: Node, target: str, by_id: Mapping[str, Node]) -> Node:
    """The node that the ``target`` of a history node names: relative to its parent, or by id.

    Raises:
        UnknownTarget: it names nothing.
    """
    parent = history.parent
    assert parent is not None
    return _by_id(target, by_id) if target.startswith("#") else _descend(parent, split(target), by_id)


def split(path: str) -> list[str]:
    """The segments of a dotted path; a backslash takes the next character literally."""
    if "\\" not in path:
        return path.split(".")
    segments = [""]
    characters = iter(path)
    for character in characters:
        if character == "\\":
            segments[-1] += next(characters, "")
        elif character == ".":
            segments.append("")
        else:
            segments[-1] += character
    return segments


def _by_id(target: str, by_id: Mapping[str, Node]) -> Node:
    first, *rest = split(target)
    node = by_id.get(first[1:])
    if node is None:
        whole = by_id.get(target[1:])
        if whole is not None:
            escaped = target.replace(".", "\\.")
            raise UnknownTarget(f"no state has the id {first[1:]!r}", f"escape the dots of the id: {escaped!r}")
        meant = nearest(first[1:], list(by_id))
        raise UnknownTarget(f"no state has the id {first[1:]!r}", f"did you mean {'#' + meant!r}?" if meant else "")
    return _descend(node, rest, by_id)


def _descend(node: Node, steps: list[str], by_id: Mapping[str, Node]) -> Node:
    for step in steps:
        if not step:  # XState reads a path up to its first empty segment
            break
        if step.startswith("#"):
            node = _by_id(step, by_id)
            continue
        child = node.states.get(step)
        if child is None:
            meant = nearest(step, list(node.states))
            hint = f"did you mean {meant!r}?" if meant else ""
            raise UnknownTarget(f"{node.id!r} has no child state {step!r}", hint)
        node = child
    return node


def _meant(source: Node, target: str, by_id: Mapping[str, Node]) -> str:
    first = split(target)[0]
    if first in source.states:
        return f"write {'.' + target!r} for a child"
    if target in by_id:
        return f"write {'#' + target!r} for an id"
    if target.replace("\\", "") in (source.parent.states if source.parent else {}):
        return "escape the dots of the key with a backslash"
    ancestor = source.parent
    while ancestor is not None:
        if first in ancestor.states:
            return f"write {'#' + ancestor.states[first].id + target[len(first) :]!r}"
        ancestor = ancestor.parent
    return ""
