"""``explain``: what an error code means, where it comes from and what to do, without a daemon."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterator
from importlib import resources
from typing import Final

from statekeep.tui.cli.arguments import add_local
from statekeep.tui.cli.blocks import Block, Line, Span, line
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.parser import Subparsers

PAGE: Final = "errors.md"
"""A section for each code, with its name as the title."""

_REMEDY: Final = "**To do:** "


def add_commands(subparsers: Subparsers) -> None:
    """Add ``explain``."""
    parser = add_local(
        subparsers,
        "explain",
        tell,
        "  statekeep explain preview_outdated\n  statekeep explain",
    )
    parser.add_argument("code", metavar="CODE", nargs="?", help="as it stands in brackets at the end of a message")


def tell(args: argparse.Namespace) -> int:
    """Print the section of one code, or the list of all."""
    found = sections()
    code = str(args.code or "").strip("[]")
    if not code:
        return _list(found, args)
    if code not in found:
        near = difflib.get_close_matches(code, found, n=1)
        advice = f"Did you mean {near[0]}?" if near else "`statekeep explain` lists the codes."
        raise UnusableInput(f"There is no error code {code!r}.", f"look up {code}", advice)
    if args.json:
        print_json({"code": code, "text": found[code]})
    else:
        show([line(Span(code, "strong")), Line(), *_drawn(found[code])])
    return Exit.DONE


def _list(found: dict[str, str], args: argparse.Namespace) -> int:
    if args.json:
        print_json(found)
    else:
        show(line(code) for code in found)
    return Exit.DONE


def sections() -> dict[str, str]:
    """The text of each code, in the order of the page."""
    page = resources.files("statekeep.tui.cli").joinpath(PAGE).read_text(encoding="utf-8")
    _, *parts = re.split(r"^## (\w+)\n", page, flags=re.MULTILINE)
    return {code: text.strip() for code, text in zip(parts[::2], parts[1::2], strict=True)}


def _drawn(text: str) -> Iterator[Block]:
    """The little Markdown that the page has: paragraphs, an opening in bold, and examples."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield Line()
        if paragraph.startswith("    "):
            yield from (line(Span(shown.strip(), "quiet"), indent=2) for shown in paragraph.splitlines())
            continue
        _, remedy, words = paragraph.replace("\n", " ").rpartition(_REMEDY)
        yield line(Span(remedy.replace("*", ""), "strong"), words)
