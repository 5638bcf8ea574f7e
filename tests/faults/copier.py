"""Kills at named points: before and after a function is passed.

What a killed process leaves is what its files hold at that moment. So nothing has to be killed: the files are copied
at the point, and the copy is opened as the next process would.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

COPIES = 4
"""Of each point in one run: more of the same would show the same."""


class Copier:
    """Copies the files of a store at the named points, with the number of the step that is under way."""

    def __init__(self, source: Path, copies: Path, points: Mapping[str, tuple[Any, str]]) -> None:
        """``points``: by its name each point, and the function that is passed there."""
        self._source = source
        self._points = points
        self._copies = copies
        self._seen = Counter[str]()
        self.step = 0
        self.made: list[tuple[str, int, Path]] = []
        self.watching = False
        """Whether a step is under way."""

    def at(self, point: str) -> None:
        """Copy, if this point was not copied often enough."""
        if not self.watching:
            return
        self._seen[point] += 1
        if self._seen[point] <= COPIES:
            copy = self._copies / str(len(self.made))
            shutil.copytree(self._source, copy)
            (copy / "store.db-shm").unlink(missing_ok=True)
            self.made.append((point, self.step, copy))

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """Watch all points as long as the block."""
        with ExitStack() as stack:
            for point, (owner, name) in self._points.items():
                stack.enter_context(mock.patch.object(owner, name, self._around(point, getattr(owner, name))))
            yield

    def _around(self, point: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def passed(*values: Any, **named: Any) -> Any:
            self.at(f"before {point}")
            result = function(*values, **named)
            self.at(f"after {point}")
            return result

        return passed
