"""The definitions of the loan story, which the demo and README tell."""

import json
from importlib.resources import files
from typing import Any


def definition(version: str) -> dict[str, Any]:
    """The definition of one version of the loan: ``loan-v1``, ``loan-v2``, ``loan-v2-buggy``, ``loan-v2-rescue``."""
    read: dict[str, Any] = json.loads(files(__name__).joinpath(f"{version}.json").read_bytes())
    return read
