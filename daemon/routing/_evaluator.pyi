# What cffi makes of csrc/evaluator.h, as far as this room uses it. The header is the manual.

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
    def sk_relate(trie: Any, path: Any, states: Any, relation: Any, position: Any) -> int: ...
    @staticmethod
    def sk_mark(trie: Any, wanted: Any, position: Any) -> int: ...
    @staticmethod
    def sk_replay(trie: Any, table: Any, wanted: Any, configuration: Any, skipped: Any, position: Any) -> int: ...
    @staticmethod
    def sk_scan(cohort_of: Any, count: int, flags: Any, cohorts: int, start: int, found: Any, limit: int) -> int: ...

ffi: Any
