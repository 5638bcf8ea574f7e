"""Whether any history can ever bring an actor to a new route, behind the routes that come before it.

The rule walks the routes of a version in deploy order and stops at the first that has not diverged. So a route is
reached by a history that it matches and from which every earlier sibling has diverged. One history decides for all.

Call the tokens of a path before its first ``"**"`` its head. A path can diverge only at its head: behind that it has
matched, or waits at a ``"**"`` for ever. Let w be the head of the new path with an event that no path names for each
``"*"``, and then such events without end. If an earlier sibling diverges on any history that the new path can still
match, it does so at some token of its head that names another event than stands there. Within the new path's head, that
token meets the same event in w, or one that no path names; behind it, one that no path names. So it diverges on w too.
And on w the new path has matched, or has come to its first ``"**"`` and can still match.

Hence the route can be reached unless an earlier sibling does not diverge on w, and that sibling alone is in the way.
The siblings are taken to move whatever they match, as routes of the landing policy ``replay`` do.
"""

from collections.abc import Sequence
from itertools import chain, repeat, takewhile

from statekeep.daemon.routing.paths import ANY_ONE, ANY_RUN, OTHER, Path, Relation

FOLLOWED = 10_000
"""Pairs of states, some tens of milliseconds. Literal paths have at most 257 pairs, paths by people a few dozen."""


def unreachable(path: Path, earlier: Sequence[Path]) -> int | None:
    """The index of the first of the ``earlier`` siblings that keeps every history from ``path``, if one does."""
    head = [OTHER if token == ANY_ONE else token for token in takewhile(lambda token: token != ANY_RUN, path.tokens)]
    for index, sibling in enumerate(earlier):
        # Further events cannot make it diverge: its head has at most this many tokens.
        missing = max(0, len(sibling.taking) - len(head))
        if sibling.relation(chain(head, repeat(OTHER, missing))) is not Relation.DIVERGED:
            return index
    return None


def compatible(one: Path, other: Path) -> bool:
    """Whether some history matches both paths.

    The states of both are followed together, on the events that either names and one that neither does. Where that
    leads to more pairs than ``FOLLOWED``, the answer is yes.
    """
    events = {token for path in (one, other) for token in path.taking if token >= 0} | {OTHER}
    ahead = [(one.start, other.start)]
    seen = set(ahead)
    while ahead:
        states = ahead.pop()
        relations = {one.judge(states[0]), other.judge(states[1])}
        if relations == {Relation.MATCH} or len(seen) > FOLLOWED:
            return True
        if Relation.DIVERGED in relations:
            continue
        after = {(one.advance(states[0], event), other.advance(states[1], event)) for event in events} - seen
        seen |= after
        ahead += after
    return False
