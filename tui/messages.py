"""What widgets and workers tell: the screens and the app decide what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.message import Message

from statekeep.protocol.errors import StatekeepError

if TYPE_CHECKING:
    from statekeep.tui.drafts import Draft
    from statekeep.tui.feed import World
    from statekeep.tui.widgets.table import Table


class WorldSeen(Message):
    """The daemon was looked at."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world


class Unanswered(Message):
    """The daemon could not be looked at."""

    def __init__(self, error: StatekeepError) -> None:
        super().__init__()
        self.error = error


class Refused(Message):
    """Something that was asked for was refused, or never answered."""

    def __init__(self, error: StatekeepError) -> None:
        super().__init__()
        self.error = error


class Came(Message):
    """What a worker was to bring; ``what`` says which of them it is."""

    def __init__(self, what: str, value: Any) -> None:
        super().__init__()
        self.what = what
        self.value = value


class DraftChanged(Message):
    """Another version stands in the form now."""

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft


class PageWanted(Message):
    """A table shows rows that it does not have."""

    def __init__(self, table: Table, number: int) -> None:
        super().__init__()
        self.table = table
        self.number = number


class PageCame(Message):
    """Rows of a table."""

    def __init__(self, table: Table, number: int, items: Sequence[Any], total: int) -> None:
        super().__init__()
        self.table = table
        self.number = number
        self.items = items
        self.total = total


class RowMoved(Message):
    """The cursor of a table stands on another row."""

    def __init__(self, table: Table, item: Any) -> None:
        super().__init__()
        self.table = table
        self.item = item


class RowChosen(Message):
    """A row was chosen: enter, or a second click."""

    def __init__(self, table: Table, item: Any) -> None:
        super().__init__()
        self.table = table
        self.item = item
