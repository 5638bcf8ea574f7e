"""XState with better-sqlite3, installed into ``build/`` when it is first needed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

MODULES = Path(__file__).parents[3] / "build" / "bench" / "node_modules"
PACKAGES = ("xstate@5.33.3", "better-sqlite3@12.11.1")
_SCRIPT = Path(__file__).with_name("xstate_sqlite.cjs")


def missing() -> str:
    """Why it can't be measured here; empty if it can."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "XState with better-sqlite3 is left out: node or npm is missing. Debian: apt-get install nodejs npm"
    if not (MODULES / "better-sqlite3" / "build").exists():
        MODULES.parent.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(MODULES.parent), *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"XState with better-sqlite3 is left out: npm install failed: {done.stderr.strip()[-200:]}"
    return ""


def events_per_second(directory: Path, seconds: float, synchronous: str) -> float:
    """Events a second of one process, durable as ``synchronous`` says."""
    database = directory / f"xstate-{synchronous}.db"
    command = ["node", str(_SCRIPT), str(MODULES), str(database), str(seconds), synchronous]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
