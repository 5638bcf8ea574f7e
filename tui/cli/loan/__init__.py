"""The definitions of the loan story, which the demo and README tell."""

import json
from pathlib import Path
from typing import Any


def file(version: str) -> Path:
    """Where the definition of ``loan-v1``, ``loan-v2``, ``loan-v2-buggy`` or ``loan-v2-rescue`` is."""
    return Path(__file__).with_name(f"{version}.json")


def definition(version: str) -> dict[str, Any]:
    """What is in that file."""
    read: dict[str, Any] = json.loads(file(version).read_bytes())
    return read
