"""Reading values out of a definition: what is not of the right type is reported, and read as if it were absent."""

import math
import re
from typing import Any, NoReturn

from statekeep.daemon.statecharts.findings import Findings, Limits, member

NESTING = 128
"""Levels of arrays and objects. States at the limit of their depth need 64 of them."""

_FUNCTION = re.compile(r"\s*(async\s+)?(function\b|\(?[\w\s,{}:.\[\]=]*\)?\s*=>)")

Object = dict[str, Any]


def as_json(value: object, limits: Limits, findings: Findings) -> Object | None:
    """The value, if it is a JSON object that is not too large; else nothing more is looked at."""
    if not isinstance(value, dict):
        findings.error("wrong_type", "$", f"the definition is {kind_of(value)}, not an object")
        return None
    room = limits.definition_bytes
    waiting: list[tuple[Object | list[Any], int]] = [(value, 1)]
    try:
        while waiting:
            container, depth = waiting.pop()
            if depth > NESTING:
                findings.error("limit_exceeded", "$", f"arrays and objects are nested deeper than {NESTING} levels")
                return None
            if isinstance(container, dict):
                room -= sum(map(_key_size, container))
                container = list(container.values())
            for item in container:
                if isinstance(item, (dict, list)):
                    waiting.append((item, depth + 1))
                room -= _size(item)
                if room < 0:
                    message = f"the definition is larger than {limits.definition_bytes} bytes"
                    findings.error("limit_exceeded", "$", message, "split the machine")
                    return None
    except ValueError as error:
        findings.error("not_json", "$", f"the definition holds {error}")
        return None
    return value


def _size(value: object) -> int:
    """Bytes in compact JSON, without members, with a comma or colon after it. Raises ``ValueError`` if it is none."""
    match value:
        case str():
            return len(value) + 3 if value.isascii() else len(_utf_8(value)) + 3
        case None | bool() | dict() | list():
            return 5 if value is None or isinstance(value, bool) else 3
        case int():
            return len(str(value)) + 1 if -(2**63) <= value < 2**64 else _no_json("an integer beyond 64 bits")
        case float():
            return len(repr(value)) + 1 if math.isfinite(value) else _no_json("a number that is not finite")
        case _:
            return _no_json(f"a Python {type(value).__name__}, which JSON does not have")


def _key_size(key: object) -> int:
    return _size(key) if isinstance(key, str) else _no_json("a key that is no text")


def _utf_8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError("text with half a surrogate pair, which is not Unicode") from None


def _no_json(what: str) -> NoReturn:
    raise ValueError(what)


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
