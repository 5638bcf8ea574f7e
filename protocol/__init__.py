"""How to speak with the daemon: the clients, the requests (``messages``), the answers (``records``) and the errors.

>>> with Client() as client:
...     client.spawn("loan-v1", key="alice")
...     client.send("alice", "SUBMIT_INFO").state
'under_review'

``README.md`` in this folder is the reference of the protocol for other languages.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from statekeep.protocol import errors, messages, records
from statekeep.protocol.client import Client
from statekeep.protocol.errors import StatekeepError

if TYPE_CHECKING:
    from statekeep.protocol.aio import AsyncClient

__all__ = ["AsyncClient", "Client", "StatekeepError", "errors", "messages", "records"]


def __getattr__(name: str) -> Any:
    """Import the asynchronous client, and anyio with it, only for those who use it."""
    if name != "AsyncClient":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("statekeep.protocol.aio").AsyncClient
