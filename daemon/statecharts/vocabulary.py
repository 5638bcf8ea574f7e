"""The keys that mean something in a definition, and those that meant something to XState 4."""

from typing import Literal

from statekeep.daemon.statecharts.findings import Findings, member, nearest
from statekeep.daemon.statecharts.reading import Object

Place = Literal["machine", "state", "transition", "invoke"]

_STATE = frozenset(
    (
        "after", "always", "description", "entry", "exit", "history", "id", "initial", "invoke", "meta", "on", "onDone",
        "output", "route", "states", "tags", "target", "type",
    )
)  # fmt: skip
_KNOWN: dict[Place, frozenset[str]] = {
    "machine": _STATE | {"$schema", "context", "options", "schemas", "types", "version"},
    "state": _STATE,
    "transition": frozenset(("actions", "description", "guard", "meta", "reenter", "target")),
    "invoke": frozenset(
        ("description", "id", "input", "meta", "onDone", "onError", "onSnapshot", "src", "syncSnapshot", "systemId")
    ),
}
_OF_VERSION_4_STATE = {
    "onEntry": "write entry",
    "onExit": "write exit",
    "activities": "write invoke",
    "parallel": 'write type: "parallel"',
    "data": "write output",
}
_REFUSED: dict[Place, dict[str, str]] = {
    "machine": _OF_VERSION_4_STATE,
    "state": _OF_VERSION_4_STATE,
    "transition": {"cond": "write guard", "in": "send another event while that state is active"},
    "invoke": {"data": "write input", "autoForward": "forward the events in your own program"},
}
_IGNORED: dict[Place, dict[str, str]] = {
    "machine": dict.fromkeys(("strict", "predictableActionArguments", "preserveActionOrder"), "remove it"),
    "state": {},
    "transition": {"internal": "write reenter: true where internal was false, else remove it"},
    "invoke": {},
}


def check_keys(config: Object, place: Place, path: str, findings: Findings) -> None:
    """Refuse keys of XState 4 whose loss would change what the machine does; warn of all others that mean nothing."""
    for key in config:
        if key in _KNOWN[place]:
            continue
        at = member(path, key)
        if key in _REFUSED[place]:
            message = f"{key!r} is a key of XState 4, which XState 5 does not read"
            findings.error("v4_key", at, message, _REFUSED[place][key])
        elif key in _IGNORED[place]:
            findings.warning("v4_key", at, f"{key!r} is a key of XState 4 and is ignored", _IGNORED[place][key])
        else:
            meant = nearest(key, sorted(_KNOWN[place])) if findings.shows_more("warning", "unknown_key") else None
            hint = f"did you mean {meant!r}?" if meant else ""
            findings.warning("unknown_key", at, "this key means nothing here and is ignored", hint)
