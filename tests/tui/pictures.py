"""Makes the pictures of README: the application draws itself, with the loans of the demo in it.

``python -m tests.tui.pictures`` writes docs/pictures; a test finds those that the application would draw otherwise.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from contextlib import chdir
from html import unescape
from itertools import count, islice
from pathlib import Path
from typing import Final, NamedTuple
from unittest.mock import patch

from statekeep.daemon.engine import Engine
from statekeep.daemon.store import Sizes, Store
from statekeep.protocol.messages import Deploy, Send, Spawn
from statekeep.tui.cli import loan, story
from tests.engine.worlds import MEMORY, ask, engine_in
from tests.tui.stage import Stage, play

FOLDER: Final = Path(__file__).parent.parent.parent / "docs" / "pictures"

NOW: Final = 1_700_014_400
"""When the pictures are taken, by the clock of the engine's world, in seconds since 1970."""


BUSY: Final = (1, 2, 4, 7, 11, 9, 14, 18, 13, 15, 20, 12, 16, 8, 10, 14, 6, 4)
"""Loans that are approved before the overview is drawn, second by second."""


class Picture(NamedTuple):
    """What is typed until there is something to see; words in capitals are keys, others are pasted."""

    keys: tuple[str, ...]
    theme: str = "statekeep"
    deployed: bool = True
    busy: bool = False


PICTURES: Final = {
    "overview": Picture(("1",), busy=True),
    "actor": Picture(("2", "enter")),
    "deploy": Picture(
        ("5", "=loan-v2.json", "enter", "enter", "=loan-v1", "enter", "=SUBMIT_INFO,PAY_FEE"), deployed=False
    ),
    "paths": Picture(("4",), theme="statekeep-light", deployed=False),
}


def draw(name: str) -> str:
    """One picture, as SVG."""
    picture = PICTURES[name]
    drawn: list[str] = []

    async def scene(stage: Stage) -> None:
        for keys in picture.keys:
            if keys.startswith("="):
                await stage.type(keys[1:])
            else:
                await stage.press(keys)
        if picture.busy:
            await _live(stage, engine)
        drawn.append(stage.app.export_screenshot(title="statekeep"))

    with tempfile.TemporaryDirectory(dir=MEMORY) as directory, engine_in(Path(directory)) as engine, chdir(directory):
        Path("loan-v2.json").write_text(json.dumps(loan.definition("loan-v2")), encoding="utf-8")
        engine.meter.now = count(0, 1_600_000).__next__  # so that every commit takes as long, on any machine
        engine.about.started = (NOW - 7_200) * 1000
        _apply(engine, deployed=picture.deployed)
        sizes = patch.object(Store, "sizes", lambda _: Sizes(store=2 << 20, wal=0, free=200 << 30))
        with patch("time.time", lambda: NOW), patch.dict(os.environ, {"TZ": "UTC"}), sizes:
            play(engine, scene, size=(110, 32), theme=picture.theme)
    return _without_outside(drawn[0])


async def _live(stage: Stage, engine: Engine) -> None:
    """Let seconds go by in which something happens, and the application look at each."""
    seconds = count(1_000_000_000)
    stage.app._feed._clock = lambda: float(next(seconds))
    waiting = iter(story.WAIVED)
    for approved in (0, *BUSY):
        engine.run([Send(key, "APPROVE") for key in islice(waiting, approved)])
        await stage.press("r")


def words(svg: str) -> list[str]:
    """What can be read in a picture."""
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def _apply(engine: Engine, *, deployed: bool) -> None:
    """The loans of the demo: who paid, whose fee was waived, and some who have not decided."""
    ask(engine, Deploy("loan-v1", loan.definition("loan-v1")))
    engine.run([Spawn("loan-v1", key=key, context={"applicantId": f"A-{n}"}) for n, key in enumerate(story.KEYS)])
    engine.run([Send(key, "SUBMIT_INFO") for key in story.KEYS])
    engine.run([Send(key, "PAY_FEE", {"cents": 5000}) for key in story.PAID])
    engine.run([Send(key, "WAIVE_FEE") for key in story.WAIVED[:-46]])
    engine.run([Send(key, "APPROVE") for key in story.PAID[-90:]])
    if deployed:
        path = ["SUBMIT_INFO", "PAY_FEE"]
        ask(engine, Deploy("loan-v2", loan.definition("loan-v2"), parent="loan-v1", path=path))


def _without_outside(svg: str) -> str:
    """The picture with the fonts of whoever looks at it."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "Fira Code, DejaVu Sans Mono, Menlo, Consolas")


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        (FOLDER / f"{name}.svg").write_text(draw(name), encoding="utf-8")
        sys.stdout.write(f"docs/pictures/{name}.svg\n")


if __name__ == "__main__":
    main()
