"""The pages of the project, taken apart: what a reader is told to type, what is shown to him, where he is sent.

A page's fenced blocks mean what their first line says:

    ```sh               a terminal at the root of a clone; where its block ends with ``statekeepd``, the daemon keeps it
    ```sh system          a terminal of a machine with systemd: it is looked at, and nothing is run
    ```text             lines that the block before printed, in this order, perhaps among others; … is anything
    ```python           a program; or, if it has a test, a file for pytest
    ```LANGUAGE FILE    a file that the reader makes, for the blocks after it
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
"""What a user reads from the beginning; the reference of the protocol has tests of its own."""

WRITTEN = [page for page in PAGES if page.name != "commands.md"]
"""Those of them that are not made from the programs."""

REFERENCES = [*PAGES, *(ROOT / name for name in ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"))]
"""All pages whose links are followed."""

_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; ``label`` is the second word of its first line."""

    language: str
    label: str
    text: str

    @property
    def starts_the_daemon(self) -> bool:
        return self.language == "sh" and self.text.splitlines()[-1].partition(" ")[0] == "statekeepd"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    return [Block(*found) for found in _FENCE.findall(page.read_text(encoding="utf-8"))]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """The targets of a page's links that stay within the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [target for target in targets if not target.startswith(("http:", "https:", "mailto:"))]
