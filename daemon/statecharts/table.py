"""The lazily filled transition table of one version: each step is interpreted once and looked up ever after.

The arrays are read by the replay in C, so their layout is fixed: ``cells`` has a row for each configuration and
``width`` columns, row after row; ``column_of`` gives the column of each symbol. A cell is ``UNKNOWN`` until it is
needed, ``STUCK`` where the step does not end, else ``(configuration after) << 1 | handled``.
"""

from array import array
from collections.abc import Callable, Hashable

from statekeep.daemon.statecharts.chart import Chart
from statekeep.daemon.statecharts.configuration import Configuration
from statekeep.daemon.statecharts.errors import Unending

UNKNOWN = 0xFFFFFFFF
STUCK = 0xFFFFFFFE

_FIRST_WIDTH = 4


class Table:
    """What one version does, as far as it has occurred.

    Configurations and columns are numbered as they occur, and keep their numbers as long as the table lives. Symbols
    that the chart cannot tell apart share a column, so that nobody makes it wide by sending events it does not know.
    """

    def __init__(self, chart: Chart, event_type: Callable[[int], str]) -> None:
        """``event_type`` names a symbol. Raises ``Unending`` if the machine does not come to rest at its start."""
        self.chart = chart
        self.configurations: list[Configuration] = []
        self.width = _FIRST_WIDTH
        self.cells = array("I")
        self.column_of = array("I")
        self._event_type = event_type
        self._columns: dict[Hashable, int] = {}
        self._numbers: dict[Configuration, int] = {}
        self.initial = self.intern(chart.initial().configuration)

    def intern(self, configuration: Configuration) -> int:
        """The number of a configuration, which gets one if it has none."""
        number = self._numbers.setdefault(configuration, len(self.configurations))
        if number == len(self.configurations):
            self.configurations.append(configuration)
            self.cells.extend([UNKNOWN] * self.width)
        return number

    def next(self, configuration: int, symbol: int) -> int:
        """The entry for a symbol in a configuration."""
        try:
            entry = self.cells[configuration * self.width + self.column_of[symbol]]
        except IndexError:
            # A symbol without a column points far past the end, as its column is UNKNOWN.
            entry = UNKNOWN
        return self._fill(configuration, symbol) if entry == UNKNOWN else entry

    def _fill(self, configuration: int, symbol: int) -> int:
        """Interpret the step, unless a symbol that is alike has taken it already."""
        column = self._column(symbol)
        entry = self.cells[configuration * self.width + column]
        if entry != UNKNOWN:
            return entry
        try:
            step = self.chart.step(self.configurations[configuration], self._event_type(symbol))
        except Unending:
            entry = STUCK
        else:
            entry = self.intern(step.configuration) << 1 | step.handled
        self.cells[configuration * self.width + column] = entry
        return entry

    def _column(self, symbol: int) -> int:
        if symbol >= len(self.column_of):
            self.column_of.extend([UNKNOWN] * (symbol + 1 - len(self.column_of)))
        if self.column_of[symbol] == UNKNOWN:
            column = self._columns.setdefault(self.chart.alike(self._event_type(symbol)), len(self._columns))
            if column == self.width:
                self._widen()
            self.column_of[symbol] = column
        return self.column_of[symbol]

    def _widen(self) -> None:
        width, cells = self.width, self.cells
        blank = array("I", [UNKNOWN]) * width
        wider = array("I")
        for start in range(0, len(cells), width):
            wider += cells[start : start + width]
            wider += blank
        self.cells, self.width = wider, 2 * width
