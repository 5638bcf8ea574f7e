"""How the parts of a chart are named to people."""

from typing import Any

from statekeep.daemon.statecharts.nodes import Node, Transition


def printable(text: str) -> str:
    """The text with control characters spelled out: a definition must not move the cursor of who looks at it."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def state_label(node: Node) -> str:
    """The dotted path; of the machine itself, its id."""
    return printable(node.path or node.id)


def event_label(transition: Transition) -> str:
    """What has to happen: ``PAY``, ``always``, ``after 1000``, ``done``, ``actor fetch failed``."""
    event, own = transition.event, transition.source.id
    if not event:
        return "always"
    for prefix, label in (("xstate.after.", "after {}"), ("xstate.done.state.", "done")):
        if event.startswith(prefix) and event.endswith(own):
            return printable(label.format(event[len(prefix) : -len(own) - 1]))
    for prefix, label in _ACTOR_EVENTS:
        if event.startswith(prefix):
            # An actor without an id of its own is called by its number and its state.
            return printable(f"actor {event.removeprefix(prefix).removesuffix('.' + own)} {label}")
    return printable(event)


_ACTOR_EVENTS = (("xstate.done.actor.", "done"), ("xstate.error.actor.", "failed"), ("xstate.snapshot.", "changed"))


def names(given: Any) -> list[str]:
    """The names of actions or guards, whichever of the forms they are given in."""
    listed = given if isinstance(given, list) else [] if given is None else [given]
    return [printable(str(item["type"] if isinstance(item, dict) else item)) for item in listed]


def transition_label(transition: Transition) -> str:
    """The event, the guard in brackets and the actions after a slash, as UML writes them."""
    label = event_label(transition)
    if transition.guard:
        label += f" [{names(transition.guard)[0]}]"
    actions = names(transition.config.get("actions"))
    return f"{label} / {', '.join(actions)}" if actions else label


def target_label(transition: Transition) -> str:
    """Where it leads; empty for a transition that stays."""
    label = ", ".join(state_label(target) for target in transition.targets or ())
    return f"{label} (reenter)" if transition.reenter and label else label
