"""Reading values out of a definition: what is not of the right type is reported, and read as if it were absent."""

import math
import re
from typing import Any

from statekeep.daemon.statecharts.findings import Findings, Limits, member, nearest

NESTING = 128
"""Levels of arrays and objects. States at the limit of their depth need 64 of them."""

_FUNCTION = re.compile(r"\s*(async\s+)?(function\b|\(?[\w\s,{}:.\[\]=]*\)?\s*=>)")

Object = dict[str, Any]


def as_json(value: object, limits: Limits, findings: Findings) -> Object | None:
    """The value, if it is a JSON object that is not too large; else nothing more is looked at."""
    if not isinstance(value, dict):
        findings.error("wrong_type", "$", f"the definition is {kind_of(value)}, not an object")
        return None
    size = 0
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        problem = _scalar_problem(item)
        if problem:
            findings.error("not_json", "$", f"the definition holds {problem}")
            return None
        size += _own_size(item)
        if size > limits.definition_bytes:
            message = f"the definition is larger than {limits.definition_bytes} bytes"
            findings.error("limit_exceeded", "$", message, "split the machine")
            return None
        if isinstance(item, (dict, list)):
            if depth >= NESTING:
                findings.error("limit_exceeded", "$", f"arrays and objects are nested deeper than {NESTING} levels")
                return None
            if isinstance(item, dict):
                if not all(isinstance(key, str) for key in item):
                    findings.error("not_json", "$", "the definition holds a key that is not text")
                    return None
                waiting.extend((key, depth) for key in item)
            waiting.extend((element, depth + 1) for element in (item.values() if isinstance(item, dict) else item))
    return value


def _scalar_problem(value: object) -> str:
    if isinstance(value, str):
        return "" if value.isascii() or _is_unicode(value) else "text with half a surrogate pair, which is not Unicode"
    if value is None or isinstance(value, (dict, list, bool)):
        return ""
    if isinstance(value, int):
        return "" if -(2**63) <= value < 2**64 else "an integer beyond 64 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number that is not finite"
    return f"a Python {type(value).__name__}, which JSON does not have"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _own_size(value: object) -> int:
    """Bytes in compact JSON, without the members, with a comma or colon after it."""
    if isinstance(value, str):
        return len(value) + 3 if value.isascii() else len(value.encode()) + 3
    if isinstance(value, (dict, list)):
        return 3
    return len(repr(value)) + 1


def kind_of(value: object) -> str:
    """What a person would call the value, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "empty text" if not value else "text"
    if isinstance(value, (int, float)):
        return "a number"
    return "an array" if isinstance(value, list) else "an object" if isinstance(value, dict) else type(value).__name__


class Reader:
    """Reads members of the definition's objects and reports what they should have been."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def object(self, config: Object, key: str, path: str) -> Object:
        """An object member; absent and null read as empty."""
        value = config.get(key)
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.wrong(member(path, key), value, "an object")
        return {}

    def text(self, config: Object, key: str, path: str) -> str:
        """A text member; absent, null and empty read as empty."""
        value = config.get(key)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        self.wrong(member(path, key), value, "text")
        return ""

    def texts(self, config: Object, key: str, path: str) -> list[str]:
        """A member that is text or an array of texts; absent reads as none."""
        if key not in config:
            return []
        value = config[key]
        found = []
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                found.append(item)
            else:
                self.wrong(member(path, key), item, "text or an array of texts")
        return found

    def wrong(self, path: str, value: Any, wanted: str, hint: str = "") -> None:
        self.findings.error("wrong_type", path, f"{kind_of(value)} where {wanted} is expected", hint)

    def no_function(self, text: str, path: str) -> bool:
        """Report source code in the place of a name; return whether the text is a name."""
        if "=>" not in text and "function" not in text:
            return True
        if not _FUNCTION.match(text):
            return True
        hint = "name it, and keep the function in your own program"
        self.findings.error("function_as_text", path, "the source of a function where a name is expected", hint)
        return False

    def keys(self, config: Object, known: frozenset[str], path: str) -> None:
        """Warn of keys that mean nothing here, which XState ignores silently."""
        for key in config:
            if key in known:
                continue
            meant = nearest(key, sorted(known)) if self.findings.shows_more("warning", "unknown_key") else None
            hint = f"did you mean {meant!r}?" if meant else ""
            self.findings.warning("unknown_key", member(path, key), "this key means nothing here and is ignored", hint)
