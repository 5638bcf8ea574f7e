"""The keys that mean something in a definition, and those that meant something to XState 4."""

from statekeep.daemon.statecharts.findings import Findings, member
from statekeep.daemon.statecharts.reading import Object

STATE_KEYS = frozenset(
    (
        "after", "always", "description", "entry", "exit", "history", "id", "initial", "invoke", "meta", "on", "onDone",
        "output", "route", "states", "tags", "target", "type",
    )
)  # fmt: skip
MACHINE_KEYS = STATE_KEYS | {"$schema", "context", "options", "schemas", "types", "version"}
TRANSITION_KEYS = frozenset(("actions", "description", "guard", "meta", "reenter", "target"))
INVOKE_KEYS = frozenset(
    ("description", "id", "input", "meta", "onDone", "onError", "onSnapshot", "src", "syncSnapshot", "systemId")
)

_REFUSED = {
    "state": {
        "onEntry": "write entry",
        "onExit": "write exit",
        "activities": "write invoke",
        "parallel": 'write type: "parallel"',
        "data": "write output",
    },
    "transition": {
        "cond": "write guard",
        "in": "send another event while that state is active",
    },
    "invoke": {
        "data": "write input",
        "autoForward": "forward the events in your own program",
    },
}
_IGNORED = {
    "state": {
        "strict": "remove it",
        "predictableActionArguments": "remove it",
        "preserveActionOrder": "remove it",
        "delimiter": "remove it",
    },
    "transition": {"internal": "write reenter: true where internal was false, else remove it"},
    "invoke": {},
}  # fmt: skip


def check_v4_keys(config: Object, where: str, path: str, findings: Findings) -> None:
    """Refuse keys of XState 4 whose loss would change what the machine does; warn of those that XState 5 ignores too.

    ``where`` is ``state``, ``transition`` or ``invoke``.
    """
    for key, hint in _REFUSED[where].items():
        if key in config:
            message = f"{key!r} is a key of XState 4, which XState 5 does not read"
            findings.error("v4_key", member(path, key), message, hint)
    for key, hint in _IGNORED[where].items():
        if key in config:
            findings.warning("v4_key", member(path, key), f"{key!r} is a key of XState 4 and is ignored", hint)
