"""A chart as W3C SCXML, for tools that speak the standard."""

import re
from collections.abc import Iterator

from statekeep.daemon.statecharts import javascript
from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.labels import names
from statekeep.daemon.statecharts.nodes import Node, Transition
from statekeep.daemon.statecharts.transitions import history_default

# Compiled when they are first used: few who import the room want SCXML, and this is a fifth of its start-up.
_NOT_IN_NAMES = r"(?a)[^\w.-]|^[^\w]|^[\d.-]|_(?=x[0-9A-F]+_)"
_NOT_IN_EVENTS = r"[^\w.*:-]|_(?=x[0-9A-F]+_)"
_NOT_IN_XML = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_ELEMENTS = {"atomic": "state", "compound": "state", "parallel": "parallel", "final": "final", "history": "history"}


def scxml(chart: Chart) -> str:
    """The text of the document.

    Ids and events that XML or SCXML cannot spell have the odd characters written as ``_x20_``. Guards become ``cond``
    and actions elements of a namespace of their own, both by name: what they do is not in the definition.
    """
    head = {
        "xmlns": "http://www.w3.org/2005/07/scxml",
        "xmlns:x": "urn:statekeep:xstate",
        "version": "1.0",
        "initial": _name(chart.id),
    }
    # The machine itself becomes a state: <scxml> has no transitions and no regions, and nothing could lead to it.
    return "\n".join([f"<scxml{_attributes(head)}>", *(f"  {line}" for line in _state(chart.root)), "</scxml>"])


def _state(node: Node) -> Iterator[str]:
    attributes = {"id": _name(node.id)}
    if node.kind == "compound" and node.initial is not None:
        attributes["initial"] = _name(node.initial.id)
    if node.kind == "history":
        attributes["type"] = "deep" if node.deep else "shallow"
    lines = [*_content(node), *(f"  {line}" for child in node.states.values() for line in _state(child))]
    element = _ELEMENTS[node.kind]
    if not lines:
        yield f"<{element}{_attributes(attributes)}/>"
        return
    yield f"<{element}{_attributes(attributes)}>"
    yield from lines
    yield f"</{element}>"


def _content(node: Node) -> Iterator[str]:
    if node.kind == "history":
        targets = " ".join(_name(target.id) for target in history_default(node))
        yield f"  <transition{_attributes({'target': targets})}/>"
        return
    delays = {event: delay for event in node.candidates if (delay := _delay(event, node)) is not None}
    entry = [_element("x:action", type=action) for action in names(node.config.get("entry"))]
    entry += [_element("send", event=_event(event), id=_name(event), delay=delay) for event, delay in delays.items()]
    leave = [_element("x:action", type=action) for action in names(node.config.get("exit"))]
    leave += [_element("cancel", sendid=_name(event)) for event in delays]
    for key, content in (("onentry", entry), ("onexit", leave)):
        if content:
            yield f"  <{key}>{''.join(content)}</{key}>"
    for actor, source in node.actors.items():
        yield "  " + _element("invoke", id=_name(actor), src=source)
    for candidates in node.candidates.values():
        for transition in candidates:
            yield f"  {_transition(transition)}"


def _transition(transition: Transition) -> str:
    attributes = {}
    if transition.event:
        attributes["event"] = _event(transition.event)
    if transition.guard:
        attributes["cond"] = names(transition.guard)[0]
    if transition.targets:
        attributes["target"] = " ".join(_name(target.id) for target in transition.targets)
        if transition.domain is transition.source:
            attributes["type"] = "internal"
    content = "".join(_element("x:action", type=action) for action in names(transition.config.get("actions")))
    return (
        f"<transition{_attributes(attributes)}>{content}</transition>"
        if content
        else _element("transition", **attributes)
    )


def _event(event: str) -> str:
    """XState's own events under the names that SCXML has for them."""
    for own, standard in (("xstate.done.state.", "done.state."), ("xstate.done.actor.", "done.invoke.")):
        if event.startswith(own):
            return standard + _name(event.removeprefix(own))
    return re.sub(_NOT_IN_EVENTS, _hexadecimal, event)


def _delay(event: str, node: Node) -> str | None:
    """The milliseconds of one of the node's delayed transitions, as SCXML writes them; None for a delay by name."""
    prefix, suffix = "xstate.after.", f".{node.id}"
    if not (event.startswith(prefix) and event.endswith(suffix)):
        return None
    delay = event[len(prefix) : -len(suffix)]
    return None if javascript.to_number(delay) is None else f"{delay}ms"


def _element(tag: str, **attributes: str) -> str:
    return f"<{tag}{_attributes(attributes)}/>"


def _name(text: str) -> str:
    return re.sub(_NOT_IN_NAMES, _hexadecimal, text)


def _hexadecimal(match: re.Match[str]) -> str:
    return "".join(f"_x{ord(character):X}_" for character in match.group())


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{_escaped(value)}"' for name, value in attributes.items())


def _escaped(text: str) -> str:
    text = re.sub(_NOT_IN_XML, "\ufffd", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
