"""The C evaluator: relations, landings and scans over whole columns, in place and in one pass.

The one module that calls C. Arrays are lent, not copied; Python refuses to resize an array while it is lent, so each
call gives all of them back before it returns. csrc/evaluator.h says what each function reads and writes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from statekeep.daemon.routing._evaluator import ffi, lib
from statekeep.daemon.routing.replaying import TransitionTable

if TYPE_CHECKING:  # it rests on this module
    from statekeep.daemon.routing.paths import Path

_SPANS: Final = 4096
"""A power of two: ten million positions are then spans of some 2,500 actors at most, which are quickly in order."""

_CTYPE: Final = {"I": "uint32_t[]", "Q": "uint64_t[]"}

_UINT32S: Final = ffi.typeof("uint32_t[]")
_from_buffer, _child = ffi.from_buffer, lib.sk_child

_scratch = ffi.new_allocator(should_clear_after_alloc=False)


class Malformed(ValueError):
    """The columns break a rule that the evaluator rests on; the message names the place."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class Trie(Protocol):
    """``Histories``, as far as the evaluator sees it."""

    parent: array[int]
    symbol: array[int]
    depth: array[int]
    fingerprint: array[int]

    def __len__(self) -> int: ...


class StandingColumns(Protocol):
    """What standings say, by number."""

    configuration: array[int]
    waiting: array[int]
    finished: bytearray


class CohortColumns(Protocol):
    """The columns of all cohorts, as sk_cohorts in cohorts.h describes them."""

    at: array[int]
    """The number of its standing."""
    history: array[int]
    population: array[int]

    @property
    def standings(self) -> StandingColumns: ...


@dataclass(frozen=True, slots=True)
class Landings:
    """Where the wanted histories land, by node. Entries of nodes that were not wanted say nothing."""

    configuration: array[int]
    """``STUCK`` where the replay does not end."""
    skipped: array[int]
    """Events that the definition does not handle."""


def continued(before: int, event_type: str) -> int:
    """The fingerprint ``before`` after one more event."""
    name = event_type.encode()
    return lib.sk_fingerprint(before, name, len(name))


def derive(histories: Trie, first: int, names: Sequence[str]) -> None:
    """Fill in depth and fingerprint from node ``first`` on; ``names`` are the event types, by symbol."""
    new = len(histories) - first
    histories.depth.frombytes(bytes(4 * new))
    histories.fingerprint.frombytes(bytes(8 * new))
    encoded = [name.encode() for name in names]
    text, start = b"".join(encoded), array("I", accumulate(map(len, encoded), initial=0))
    with _Loan() as loan:
        named = _struct("sk_names", loan.lend(text), loan.lend(start), len(text), len(encoded))
        columns = _struct("sk_columns", loan.lend(histories.depth), loan.lend(histories.fingerprint))
        _call(lib.sk_derive, _trie(loan, histories), named, first, columns)


class ChildTable:
    """Nodes of a trie, found by parent and symbol: sk_children, as children.h describes it."""

    def __init__(self, room: int, seed: int) -> None:
        self.room = room
        # The kernel clears a page when it is first touched, so that a large table is not made all at once.
        self._slots = ffi.from_buffer(_UINT32S, mmap(-1, 4 * room, MAP_PRIVATE | MAP_ANONYMOUS))
        self._view = _struct("sk_children", self._slots, room, seed)

    def adopt(self, histories: Trie, first: int, end: int) -> None:
        """Enter the nodes from ``first`` up to ``end``. Raises ``Malformed`` for a history that is there already."""
        with _Loan() as loan:
            parents, symbols = loan.lend(histories.parent), loan.lend(histories.symbol)
            missing = _call(lib.sk_adopt, parents, symbols, end, self._view, first)
        if missing is not None:
            raise ValueError(f"{self.room} slots are all taken before node {missing}")

    def find(self, histories: Trie, parent: int, symbol: int, otherwise: int = 0) -> int:
        """The node. If there is none, ``otherwise``, which is entered then unless it is 0."""
        # Each new history asks twice. Without a ``_Loan``, what is lent is given back as well when the call returns.
        parents, symbols = _from_buffer(_UINT32S, histories.parent), _from_buffer(_UINT32S, histories.symbol)
        found: int = _child(parents, symbols, len(parents), self._view, parent, symbol, otherwise)
        return found


def relate(histories: Trie, path: Path) -> bytearray:
    """The ``Relation`` of every history to the path, one byte each."""
    relation, automaton = bytearray(len(histories)), _Automaton.of(path)
    states = _scratch("uint64_t[]", len(histories) * automaton.words)
    with _Loan() as loan:
        _call(lib.sk_relate, _trie(loan, histories), automaton.view, states, loan.lend(relation))
    return relation


class _Automaton:
    """A path as sk_path, with the memory that its pointers lead to."""

    def __init__(self, path: Path) -> None:
        last = len(path.taking)
        self.words = last // 64 + 1
        named = sorted({token for token in path.taking if token >= 0})
        class_of = [0] * (max(named, default=-1) + 1)
        for number, symbol in enumerate(named, start=1):
            class_of[symbol] = number
        classes = [path.takes_any, *map(path.takes, named)]  # class 0: every symbol that the path does not name
        self._takes = ffi.new("uint64_t[]", [word for positions in classes for word in self._split(positions)])
        self._stays = ffi.new("uint64_t[]", self._split(path.stays))
        self._class_of = ffi.new("uint16_t[]", class_of)
        sizes = (len(classes), len(class_of), self.words, last)
        self.view = _struct("sk_path", self._takes, self._stays, self._class_of, *sizes)

    def _split(self, positions: int) -> list[int]:
        """A set of positions in words of 64 bits, lowest first."""
        return [positions >> 64 * word & 0xFFFFFFFFFFFFFFFF for word in range(self.words)]

    @staticmethod
    @lru_cache(maxsize=64)  # previews of the same few paths follow each other
    def of(path: Path) -> _Automaton:
        return _Automaton(path)


def replay(histories: Trie, wanted: bytes | bytearray, table: TransitionTable) -> Landings:
    """Replay each history whose byte in ``wanted`` is not 0, filling the table where it has to."""
    count, marked, at = len(histories), bytearray(wanted), 0
    if len(marked) != count:
        raise ValueError(f"{len(marked)} bytes for {count} histories")
    landings = Landings(array("I", bytes(4 * count)), array("I", bytes(4 * count)))
    with _Loan() as loan:
        _call(lib.sk_mark, _trie(loan, histories), loan.lend(marked))
    while (missing := _replay(histories, marked, table, landings, at)) is not None:
        before, symbol = landings.configuration[histories.parent[missing]], histories.symbol[missing]
        if missing == at > 0:
            raise Malformed(f"the table has no entry for configuration {before} and symbol {symbol}", missing)
        table.next(before, symbol)
        at = missing
    return landings


def _replay(histories: Trie, marked: bytearray, table: TransitionTable, landings: Landings, at: int) -> int | None:
    """Replay from node ``at`` on; the node that needs a missing cell, or ``None`` when all is done."""
    rows = len(table.cells) // table.width if table.width else 0
    with _Loan() as loan:
        cells, columns = loan.lend(table.cells), loan.lend(table.column_of)
        view = _struct("sk_table", cells, columns, rows, table.width, len(table.column_of), table.initial)
        buffers = (loan.lend(buffer) for buffer in (marked, landings.configuration, landings.skipped))
        return _call(lib.sk_replay, _trie(loan, histories), view, *buffers, at=at)


def scan(cohort_of: array[int], flags: bytes | bytearray, start: int, limit: int) -> list[int]:
    """The first ``limit`` indices from ``start`` on whose cohort is flagged by a byte that is not 0, in order.

    A cohort without a flag of its own is not flagged.
    """
    found = _scratch("uint32_t[]", limit)
    with _Loan() as loan:
        actors, flagged = loan.lend(cohort_of), loan.lend(flags)
        stored = lib.sk_scan(actors, len(cohort_of), flagged, len(flags), start, found, limit)
    return list(found[0:stored])


def intern(facts: Sequence[array[int]]) -> tuple[array[int], list[int]]:
    """Number the standings of cohorts, given by columns: version, configuration, waiting and rescued.

    The number of each one's, from 1 on in the order in which they occur, behind an entry 0 for the cohort 0 that there
    is not; and the places in the columns where they occur first.
    """
    count, room = len(facts[0]), 1_024
    standing = _zeros(count + 1)
    while True:
        slots, first, found = (_scratch("uint32_t[]", size) for size in (room, room // 2, 1))
        with _Loan() as loan:
            said = _struct("sk_facts", *map(loan.lend, facts), count)
            status = lib.sk_intern(said, loan.lend(standing) + 1, slots, first, room, found)
        if status == lib.SK_OK:
            return standing, list(first[0 : found[0]])
        room *= 4


def chain(cohorts: CohortColumns, kinds: array[int], histories: int) -> tuple[array[int], array[int]]:
    """The first cohort of each history that may be found, and the next one of each such cohort: see sk_chain."""
    first, following = _zeros(histories), _zeros(len(cohorts.at))
    with _Loan() as loan:
        _call(
            lib.sk_chain, _cohorts(loan, cohorts), loan.lend(kinds), histories, loan.lend(first), loan.lend(following)
        )
    return first, following


def inhabited(cohorts: CohortColumns) -> int:
    """How many cohorts have actors."""
    with _Loan() as loan:
        return lib.sk_inhabited(_cohorts(loan, cohorts))


def members(cohorts: CohortColumns, flags: bytes | bytearray) -> array[int]:
    """The cohorts that have actors and a standing that is flagged, in ascending order."""
    if not any(flags):
        return array("I")
    found = _scratch("uint32_t[]", len(cohorts.at))
    with _Loan() as loan:
        stored = lib.sk_members(_cohorts(loan, cohorts), loan.lend(flags), found)
    return array("I", ffi.buffer(found, 4 * stored)[:])


def claim(cohorts: CohortColumns, these: array[int], relation: bytes | bytearray) -> tuple[bytearray, bytearray]:
    """The outcome of each of ``these`` cohorts under one more route, before anybody lands; and which histories match.

    ``relation`` is that of every history to the route's path.
    """
    outcomes, wanted = bytearray(len(these)), bytearray(len(relation))
    with _Loan() as loan:
        columns, cohort = _cohorts(loan, cohorts), loan.lend(these)
        related, out, marked = loan.lend(relation), loan.lend(outcomes), loan.lend(wanted)
        _call(lib.sk_claim, columns, cohort, len(these), related, len(relation), out, marked)
    return outcomes, wanted


def land(
    cohorts: CohortColumns, these: array[int], outcomes: bytearray, landed: Landings, *, strict: bool
) -> tuple[array[int], array[int]]:
    """Landing and skipped events of each of ``these``; an outcome whose landing is refused becomes a rescue."""
    landings, skipped = _zeros(len(these)), _zeros(len(these))
    with _Loan() as loan:
        by_node = (loan.lend(landed.configuration), loan.lend(landed.skipped), len(landed.skipped))
        out = (loan.lend(outcomes), loan.lend(landings), loan.lend(skipped))
        _call(lib.sk_land, _cohorts(loan, cohorts), loan.lend(these), len(these), *by_node, strict, *out)
    return landings, skipped


def tally(
    cohorts: CohortColumns, these: array[int], outcomes: bytearray, landings: array[int], skipped: array[int]
) -> list[tuple[int, int, int, int, int]]:
    """How many actors share each (outcome, configuration, landing, skipped): that many, and those four."""
    room = 1_024
    while True:
        slots, lines, count = _scratch("uint32_t[]", room), ffi.new("sk_line[]", room // 2), ffi.new("uint32_t *")
        with _Loan() as loan:
            columns, cohort = _cohorts(loan, cohorts), loan.lend(these)
            made = (loan.lend(outcomes), loan.lend(landings), loan.lend(skipped))
            status = lib.sk_tally(columns, cohort, len(these), *made, slots, lines, room, count)
        if status == lib.SK_OK:
            return [(x.actors, x.outcome, x.before, x.landing, x.skipped) for x in lines[0 : count[0]]]
        if status == lib.SK_MALFORMED:
            raise Malformed(f"sk_tally: malformed input at {count[0]}", count[0])
        room *= 4


@dataclass(frozen=True, slots=True)
class Crowd:
    """Actors by history."""

    actors: array[int]
    cohort: array[int]
    """One of the cohorts that they are in; 0 where there is nobody."""


def populate(cohorts: CohortColumns, flags: bytes | bytearray, histories: int) -> Crowd:
    """Count the actors of cohorts whose standing is flagged."""
    crowd = Crowd(_zeros(histories), _zeros(histories))
    with _Loan() as loan:
        here = (_cohorts(loan, cohorts), loan.lend(flags), histories)
        _call(lib.sk_populate, *here, loan.lend(crowd.actors), loan.lend(crowd.cohort))
    return crowd


@dataclass(frozen=True, slots=True)
class Tree:
    """The part of the trie that leads to actors, by node, as sk_tree in evaluator.h describes it."""

    actors: array[int]
    child: array[int]
    sibling: array[int]
    nodes: array[int]


def gather(histories: Trie, actors: array[int], deepest: int) -> Tree:
    """The tree over ``actors``, which are counted by history, down to the depth ``deepest``."""
    count = len(histories)
    tree = Tree(actors[:], _zeros(count), _zeros(count), _zeros(count))
    with _Loan() as loan:
        view = _struct("sk_tree", *(loan.lend(c) for c in (tree.actors, tree.child, tree.sibling, tree.nodes)))
        _call(lib.sk_gather, _trie(loan, histories), loan.lend(histories.depth), deepest, view)
    return tree


class ActorColumns(Protocol):
    """Where every actor is, by id."""

    cohort: array[int]
    last: array[int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Actors whose number is flagged, and whose last event is at ``since`` or later and before ``until``."""

    number: array[int]
    """Of each actor, by id: its standing, or its cohort."""
    flags: bytes | bytearray
    """By that number."""
    since: int
    until: int


def stand(actors: ActorColumns, cohorts: CohortColumns) -> array[int]:
    """The number of the standing of each actor."""
    found = _zeros(len(actors.cohort))
    with _Loan() as loan:
        standing = (loan.lend(cohorts.at), len(cohorts.at))
        lib.sk_stand(loan.lend(actors.cohort), len(found), *standing, loan.lend(found))
    return found


def by_id(actors: ActorColumns, wanted: Wanted, start: int, limit: int, skip: int = 0) -> list[int]:
    """The first ``limit`` of the wanted actors from id ``start`` on, in order, but for the first ``skip``."""
    found = _scratch("uint32_t[]", limit)
    with _Loan() as loan:
        return list(found[0 : lib.sk_by_id(*_wanted(loan, actors, wanted), start, skip, found, limit)])


def latest(actors: ActorColumns, wanted: Wanted, limit: int, skip: int = 0) -> list[int]:
    """The ``limit`` wanted actors whose last events are the latest, the latest first, but for the first ``skip``."""
    if skip:
        wanted, skip = _behind(actors, wanted, skip, limit)
        return latest(actors, wanted, skip + limit)[skip:]
    found = _scratch("uint32_t[]", limit)
    with _Loan() as loan:
        return list(found[0 : lib.sk_latest(*_wanted(loan, actors, wanted), found, limit)])


def _behind(actors: ActorColumns, wanted: Wanted, skip: int, limit: int) -> tuple[Wanted, int]:
    """The wanted but for most of those to be skipped, and of those behind the page; and how many are left to skip.

    They are counted by spans of positions, so that only those of a few spans have to be put in order.
    """
    shift = max(0, wanted.until.bit_length() - _SPANS.bit_length() + 1)
    counts, until, left = _zeros(_SPANS), 0, skip
    with _Loan() as loan:
        lib.sk_spread(*_wanted(loan, actors, wanted), shift, loan.lend(counts), len(counts))
    for span in reversed(range(len(counts))):
        if not until and counts[span] > left:
            until, skip = min(wanted.until, (span + 1) << shift), left
        left -= counts[span]
        if until and left + limit <= 0:
            return replace(wanted, since=max(wanted.since, span << shift), until=until), skip
    return replace(wanted, until=until), skip if until else 0


def census(actors: ActorColumns, wanted: Wanted) -> array[int]:
    """How many of the wanted actors there are of each number."""
    counts = _zeros(len(wanted.flags))
    with _Loan() as loan:
        lib.sk_census(*_wanted(loan, actors, wanted), loan.lend(counts))
    return counts


def _wanted(loan: _Loan, actors: ActorColumns, wanted: Wanted) -> tuple[Any, Any]:
    columns = (loan.lend(wanted.number), loan.lend(actors.last), len(wanted.number))
    bounds = (loan.lend(wanted.flags), len(wanted.flags), wanted.since, wanted.until)
    return _struct("sk_actors", *columns), _struct("sk_wanted", *bounds)


def _zeros(count: int) -> array[int]:
    return array("I", bytes(4 * count))


class _Loan:
    """Lends buffers to C until the end of a ``with`` block; several times quicker than an ``ExitStack`` of them."""

    def __init__(self) -> None:
        self._lent: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for view in self._lent:
            ffi.release(view)

    def lend(self, buffer: array[int] | bytes | bytearray) -> Any:
        """The buffer as C sees it."""
        view = ffi.from_buffer(_CTYPE[buffer.typecode] if isinstance(buffer, array) else "uint8_t[]", buffer)
        self._lent.append(view)
        return view


def _struct(name: str, *fields: Any) -> Any:
    """A new struct. Its pointers don't keep what they lead to: it is good as long as that is lent."""
    return ffi.new(f"{name} *", fields)


def _cohorts(loan: _Loan, cohorts: CohortColumns) -> Any:
    standings = cohorts.standings
    by_cohort = [loan.lend(column) for column in (cohorts.at, cohorts.history, cohorts.population)]
    by_number = [loan.lend(column) for column in (standings.configuration, standings.waiting, standings.finished)]
    return _struct("sk_cohorts", *by_cohort, len(cohorts.at), *by_number, len(standings.finished))


def _trie(loan: _Loan, histories: Trie) -> Any:
    return _struct("sk_trie", loan.lend(histories.parent), loan.lend(histories.symbol), len(histories))


def _call(function: Any, *arguments: Any, at: int = 0) -> int | None:
    """Call it with a position behind its arguments: the position of what is missing, or ``None`` when all is done."""
    position = ffi.new("uint32_t *", at)
    status = function(*arguments, position)
    if status == lib.SK_MALFORMED:
        raise Malformed(f"{function.__name__}: malformed input at {position[0]}", position[0])
    return position[0] if status == lib.SK_MISSING else None
