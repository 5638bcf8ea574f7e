"""What a target text names: a sibling, a path, a ``.child``, an ``#id``, or an ``#id`` with a path below it."""

from collections.abc import Iterable, Mapping

from statekeep.daemon.statecharts.findings import nearest
from statekeep.daemon.statecharts.nodes import Node, proper_ancestors


def find(source: Node, target: str, by_id: Mapping[str, Node]) -> Node | None:
    """The state that ``target`` names in ``source``.

    ``#id`` is looked up everywhere; ``.key`` among the children; a bare key or path among the siblings, so that the
    machine itself has nowhere to look. The ``target`` of a history node is looked up from its parent, dot or not.
    """
    if target.startswith("#"):
        first, *rest = split(target)
        named = by_id.get(first[1:])
        return named and _descend(named, rest, by_id)
    if source.kind == "history" and source.parent is not None:
        return _descend(source.parent, split(target), by_id)
    if source.parent is None:
        return _descend(source, split(target[1:]), by_id) if target.startswith(".") else None
    # XState looks a child up through the parent; so a dot in the source's own key has to be escaped, and cannot be.
    return _descend(source.parent, split(source.key + target if target.startswith(".") else target), by_id)


def advice(source: Node, target: str, by_id: Mapping[str, Node]) -> str:
    """What to write instead of a target that names nothing: what would have been found, or what there is."""
    spellings = ["." + target, "#" + target, _escaped(target), target.replace("/", ".")]
    name = target.lstrip(".#")
    spellings += [f"{address(node)}.{name}" for node in (source, *proper_ancestors(source, None))]
    spellings += [address(node) for node in by_id.values() if node.key == name]
    for spelling in spellings:
        if find(source, spelling, by_id) not in (None, source, source.parent):
            return f"write {spelling!r}"
    if target.startswith("#"):
        known = [address(node) for node in by_id.values()]
    elif target.startswith(".") or source.parent is None:
        known = ["." + _escaped(key) for key in source.states]
    else:
        known = [_escaped(key) for key in source.parent.states]
    meant = nearest(target, known)
    if meant:
        return f"did you mean {meant!r}?"
    return f"there are: {', '.join(known):.200}" if known else "it has no states inside"


def address(node: Node) -> str:
    """The target text that names this node from anywhere."""
    root = [node, *proper_ancestors(node, None)][-1]
    return "#" + spelled((root.id, *node.keys))


def spelled(keys: Iterable[str]) -> str:
    """The path that ``split`` takes apart into these keys."""
    return ".".join(map(_escaped, keys))


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


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(".", "\\.")


def _descend(node: Node, steps: list[str], by_id: Mapping[str, Node]) -> Node | None:
    for step in steps:
        if not step:  # XState reads a path up to its first empty segment
            break
        child = by_id.get(step[1:]) if step.startswith("#") else node.states.get(step)
        if child is None:
            return None
        node = child
    return node
