"""Changing an actor's context by a JSON Merge Patch (RFC 7396)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from statekeep.protocol import errors

MAX_CONTEXT: Final = 1 << 20
"""Bytes of a context that has been patched, as MessagePack: what one request could have set."""


def patched(context: Any, patch: Any) -> Any:
    """The context that a patch makes of another. Raises ``LimitExceeded`` if it is larger than ``MAX_CONTEXT``."""
    result = merge(context, patch)
    if len(msgspec.msgpack.encode(result)) > MAX_CONTEXT:
        raise errors.LimitExceeded("The context with this patch", MAX_CONTEXT, "bytes")
    return result


def merge(target: Any, patch: Any) -> Any:
    """``MergePatch`` of RFC 7396, section 2: null removes a member, and what is no object replaces everything."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result
