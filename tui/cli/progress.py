"""A bar on stderr, with an estimate of the time left. What draws it is loaded by those who look on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(total: int, noun: str) -> Iterator[Callable[[int], None]]:
    """Show a bar, moved by calling what is yielded with the number of those done; it is gone at the end."""
    columns = (
        BarColumn(),
        TextColumn(f"{{task.completed:,}} of {{task.total:,}} {noun}"),
        TimeRemainingColumn(),
    )
    # Drawn only when it moves: no thread is needed that would draw it meanwhile.
    with Progress(*columns, console=Console(file=sys.stderr), transient=True, auto_refresh=False) as progress:
        task = progress.add_task("", total=total)
        yield lambda done: progress.update(task, completed=done, refresh=True)
