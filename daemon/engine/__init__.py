"""The use cases, a module for each group of ops, over store, routing and statecharts.

Synchronous and deterministic: one request after the other, the clock and the randomness passed in. The engine knows
no socket; the server gives it batches and answers only after ``commit`` has returned.
"""

from statekeep.daemon.engine.about import About
from statekeep.daemon.engine.engine import Engine

__all__ = ["About", "Engine"]
