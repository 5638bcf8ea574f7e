# What cffi makes of the headers in csrc/, as far as this room uses it. The header is the manual.

from typing import Any

class lib:  # noqa: N801 - cffi calls it so
    SK_OK: int
    SK_MALFORMED: int
    SK_MISSING: int
    @staticmethod
    def sk_fingerprint(before: int, name: bytes, length: int) -> int: ...
    @staticmethod
    def sk_derive(trie: Any, names: Any, first: int, columns: Any, position: Any) -> int: ...
    @staticmethod
    def sk_adopt(parents: Any, symbols: Any, count: int, children: Any, first: int, position: Any) -> int: ...
    @staticmethod
    def sk_child(
        parents: Any, symbols: Any, count: int, children: Any, parent: int, symbol: int, otherwise: int
    ) -> int: ...
    @staticmethod
    def sk_relate(trie: Any, path: Any, states: Any, relation: Any, position: Any) -> int: ...
    @staticmethod
    def sk_mark(trie: Any, wanted: Any, position: Any) -> int: ...
    @staticmethod
    def sk_replay(trie: Any, table: Any, wanted: Any, configuration: Any, skipped: Any, position: Any) -> int: ...
    @staticmethod
    def sk_gather(trie: Any, depth: Any, deepest: int, tree: Any, position: Any) -> int: ...
    @staticmethod
    def sk_scan(cohort_of: Any, count: int, flags: Any, cohorts: int, start: int, found: Any, limit: int) -> int: ...
    @staticmethod
    def sk_intern(facts: Any, standing: Any, slots: Any, first: Any, room: int, position: Any) -> int: ...
    @staticmethod
    def sk_chain(cohorts: Any, kind: Any, nodes: int, head: Any, next: Any, position: Any) -> int: ...  # noqa: A002 - named as in the header
    @staticmethod
    def sk_inhabited(cohorts: Any) -> int: ...
    @staticmethod
    def sk_members(cohorts: Any, flags: Any, members: Any) -> int: ...
    @staticmethod
    def sk_populate(cohorts: Any, flags: Any, nodes: int, actors: Any, cohort_of: Any, position: Any) -> int: ...
    @staticmethod
    def sk_claim(
        cohorts: Any, members: Any, n: int, relation: Any, nodes: int, outcome: Any, wanted: Any, position: Any
    ) -> int: ...
    @staticmethod
    def sk_land(
        cohorts: Any,
        members: Any,
        n: int,
        node_landing: Any,
        node_skipped: Any,
        nodes: int,
        strict: int,
        outcome: Any,
        landing: Any,
        skipped: Any,
        position: Any,
    ) -> int: ...
    @staticmethod
    def sk_tally(
        cohorts: Any,
        members: Any,
        n: int,
        outcome: Any,
        landing: Any,
        skipped: Any,
        slots: Any,
        lines: Any,
        room: int,
        position: Any,
    ) -> int: ...
    @staticmethod
    def sk_stand(cohort_of: Any, count: int, standing: Any, cohorts: int, standing_of: Any) -> None: ...
    @staticmethod
    def sk_by_id(actors: Any, wanted: Any, start: int, skip: int, found: Any, limit: int) -> int: ...
    @staticmethod
    def sk_latest(actors: Any, wanted: Any, found: Any, limit: int) -> int: ...
    @staticmethod
    def sk_census(actors: Any, wanted: Any, counts: Any) -> None: ...
    @staticmethod
    def sk_spread(actors: Any, wanted: Any, shift: int, counts: Any, spans: int) -> None: ...

ffi: Any
