"""What changed between two definitions, in the words of statecharts rather than of text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.labels import event_label, names, state_label, target_label, transition_label
from statekeep.daemon.statecharts.nodes import Node, Transition
from statekeep.protocol.records import Change

ALIKE = 0.5
"""Share of what is known of two states that must agree before one counts as the other renamed."""

Pairs = dict[Node, Node]
"""From the states of the old definition to those of the new one that they have become."""


def diff(old: Chart, new: Chart) -> list[Change]:
    """The changes from one definition to the other: states first, then transitions, each in document order."""
    pairs = _pair(old, new)
    return [*_state_changes(old, new, pairs), *_transition_changes(pairs)]


def _pair(old: Chart, new: Chart) -> Pairs:
    """Children of paired states are paired by key; those left over by likeness, the most alike first."""
    pairs: Pairs = {old.root: new.root}
    traits = {chart: _traits(chart) for chart in (old, new)}
    for before in old.nodes:
        after = pairs.get(before)
        if after is None:
            continue
        pairs |= {child: after.states[key] for key, child in before.states.items() if key in after.states}
        gone = [child for child in before.states.values() if child not in pairs]
        come = [child for key, child in after.states.items() if key not in before.states]
        scores = sorted(
            ((_likeness(traits[old][one], traits[new][other]), one, other) for one in gone for other in come),
            key=lambda score: -score[0],
        )
        taken: set[Node] = set()
        for likeness, one, other in scores:
            if likeness >= ALIKE and one not in pairs and other not in taken:
                pairs[one] = other
                taken.add(other)
    return pairs


def _traits(chart: Chart) -> dict[Node, set[tuple[str, ...]]]:
    """What can be said of each state without its own name: what is in it, and the events that lead out and in."""
    traits: dict[Node, set[tuple[str, ...]]] = defaultdict(set)
    for node in chart.nodes:
        traits[node].add(("kind", node.kind))
        traits[node] |= {("tag", tag) for tag in node.tags} | {("child", key) for key in node.states}
        for transition in _transitions(node):
            event = event_label(transition)
            traits[node].add(("out", event))
            for target in transition.targets or ():
                if target is not node:
                    traits[node].add(("out", event, target.key))
                    traits[target] |= {("in", event), ("in", event, node.key)}
    return traits


def _likeness(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other)


def _state_changes(old: Chart, new: Chart, pairs: Pairs) -> Iterator[Change]:
    for node in old.nodes:
        after = pairs.get(node)
        if after is None:
            if node.parent in pairs:
                yield Change(what="state", kind="removed", path=state_label(node))
        elif node.key != after.key and node.parent is not None:
            yield Change(what="state", kind="renamed", path=state_label(after), before=node.key, after=after.key)
    become = set(pairs.values())
    for node in new.nodes:
        if node not in become and node.parent in become:
            yield Change(what="state", kind="added", path=state_label(node))
    for before, after in pairs.items():
        was, now = _nature(before, pairs), _nature(after, {})
        if was != now:
            yield Change(what="state", kind="changed", path=state_label(after), before=was, after=now)


def _nature(node: Node, pairs: Pairs) -> str:
    """Type, initial state, tags, entry and exit in one line, with the states' new names."""
    parts: list[str] = [node.kind]
    if node.kind == "compound" and node.initial is not None:
        parts.append(f"initial {pairs.get(node.initial, node.initial).key}")
    if node.kind == "history":
        parts += ["deep" if node.deep else "shallow", *_targets(node.default or (), pairs)]
    parts += sorted(f"#{tag}" for tag in node.tags)
    parts += [f"{key} / {', '.join(names(node.config[key]))}" for key in ("entry", "exit") if node.config.get(key)]
    return ", ".join(parts)


def _transition_changes(pairs: Pairs) -> Iterator[Change]:
    for before, after in pairs.items():
        path = state_label(after)
        were: dict[str, list[Transition]] = defaultdict(list)
        for transition in _transitions(before):
            were[transition_label(transition)].append(transition)
        for transition in _transitions(after):
            event = transition_label(transition)
            if not were[event]:
                yield Change(what="transition", kind="added", path=path, event=event, after=target_label(transition))
                continue
            earlier = were[event].pop(0)
            was = _target_label(earlier, pairs)
            now = target_label(transition)
            if was != now:
                yield Change(what="transition", kind="retargeted", path=path, event=event, before=was, after=now)
        for event, left in were.items():
            for transition in left:
                was = _target_label(transition, pairs)
                yield Change(what="transition", kind="removed", path=path, event=event, before=was)


def _target_label(transition: Transition, pairs: Pairs) -> str:
    label = ", ".join(_targets(transition.targets or (), pairs))
    return f"{label} (reenter)" if transition.reenter and label else label


def _targets(targets: Iterable[Node], pairs: Pairs) -> list[str]:
    return [state_label(pairs.get(target, target)) for target in targets]


def _transitions(node: Node) -> Iterator[Transition]:
    for candidates in node.candidates.values():
        yield from candidates
