"""Reads the recorded traces of XState and says where this interpreter does something else."""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from statekeep.daemon.statecharts import load, trace
from statekeep.protocol.records import Guards

Case = dict[str, Any]

FOLDER = Path(__file__).parent
POLICIES: dict[str, Guards] = {"fire": "ignore", "never": "block"}
STATE = ("value", "status", "nodes", "history", "tags", "handled", "output")


def read(name: str) -> list[Case]:
    """The cases of one set."""
    packed = FOLDER / f"{name}.jsonl.xz"
    text = lzma.decompress(packed.read_bytes()) if packed.exists() else (FOLDER / f"{name}.jsonl").read_bytes()
    return [json.loads(line) for line in text.splitlines()]


def name_of(case: Case) -> str:
    """What tests call the case; random ones have a number only."""
    name: str = case["name"] if "name" in case else case["id"]
    return name


def expected_steps(case: Case) -> Iterator[Case]:
    """The trace with everything written out in each step; README.md says what may be left out."""
    before: Case = {"history": {}, "tags": [], "nodes": []}
    for recorded in case["trace"]:
        if "value" not in recorded and "error" in recorded:
            return
        left, entered = recorded.get("exit", []), recorded.get("enter", [])
        changed = sorted(set(before["nodes"]) - set(left) | set(entered))
        chosen = recorded.get("can") or recorded.get("forbidden") or recorded.get("sel")
        before = {
            **{key: before[key] for key in ("value", "status", "tags", "output") if key in before},
            **{key: recorded[key] for key in ("value", "status", "tags", "output") if key in recorded},
            "history": {**before["history"], **recorded.get("history", {})},
            "nodes": sorted(recorded["nodes"]) if "nodes" in recorded else changed,
            "handled": bool(chosen) and not recorded.get("ignored", False),
            "exit": left,
            "enter": entered,
        }
        yield before


def actual_steps(case: Case) -> list[Case]:
    """What happens here. Raises what ``load`` and ``trace`` raise."""
    return trace(load(case["machine"], guards=POLICIES[case["guards"]]), case["events"])


def difference(case: Case) -> str:
    """The first step that differs, for people; empty if none does."""
    compared = STATE if "double-entry" in case.get("flags", []) else (*STATE, "exit", "enter")
    expected = list(expected_steps(case))
    for number, (wanted, got) in enumerate(zip(expected, actual_steps(case), strict=False)):
        wrong = {key: (wanted.get(key), got.get(key)) for key in compared if wanted.get(key) != got.get(key)}
        if wrong:
            event = case["events"][number - 1] if number else "(start)"
            return f"step {number}, {event}: " + "; ".join(f"{key} {w} but got {g}" for key, (w, g) in wrong.items())
    return ""
