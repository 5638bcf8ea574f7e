"""The histories of a version's live actors: as a tree with counts, to see which path to write, and one by one."""

from collections.abc import Iterator, Sequence
from itertools import islice

from statekeep.daemon.engine.actors import page_size
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.evaluator import Crowd, Tree, gather
from statekeep.protocol.messages import Histories, Paths
from statekeep.protocol.records import HistoryCount, HistoryCountPage, PathNode, PathPage, StateValue

LOOKED_AT = 20_000
"""Histories that one request looks at: some 2 ms. Its page is short when few of them have actors."""


def paths(world: World, request: Paths) -> PathPage:
    """A page of the tree of histories; the cursor is a place in its order."""
    limit, version = page_size(request.limit), world.forest.version(request.version).id
    histories, root = world.histories, _find(world, request.under)
    if root is None:
        return PathPage(actors=0, nodes=[])
    crowd = world.cohorts.live(version, len(histories))
    tree = gather(histories, crowd.actors, histories.depth[root] + request.depth)
    found = list(islice(_walk(tree, root, request.cursor), limit + 1))
    return PathPage(
        actors=tree.actors[root],
        nodes=[
            PathNode(
                path=_events(world, node),
                actors=tree.actors[node],
                here=crowd.actors[node],
                state=_state(world, crowd, node) if crowd.actors[node] else None,
                children=sum(1 for _ in _children(tree, node)),
            )
            for node in found[:limit]
        ],
        next=request.cursor + limit if len(found) > limit else None,
    )


def _find(world: World, events: Sequence[str]) -> int | None:
    """The history of these events, if it or a longer one has occurred."""
    node: int | None = 0
    for event in events:
        symbol = world.symbols.find(event)
        node = None if node is None or symbol is None else world.histories.child(node, symbol)
    return node


def _walk(tree: Tree, root: int, skipped: int) -> Iterator[int]:
    """The nodes from ``root`` down, each before its children, but for the first ``skipped``."""
    ahead = [root]
    while ahead:
        node = ahead.pop()
        if skipped >= tree.nodes[node]:
            skipped -= tree.nodes[node]
            continue
        if skipped:
            skipped -= 1
        else:
            yield node
        ahead += sorted(_children(tree, node), key=lambda child: (tree.actors[child], -child))


def _children(tree: Tree, node: int) -> Iterator[int]:
    """The nodes with actors that are one event longer."""
    child = tree.child[node]
    while child:
        yield child
        child = tree.sibling[child]


def histories(world: World, request: Histories) -> HistoryCountPage:
    """A page of the distinct histories in the order in which they first occurred; the cursor is a node of the trie.

    So a history that has its actors from the first page to the last is on one of them, whatever happens meanwhile.
    """
    limit, version = page_size(request.limit), world.forest.version(request.version).id
    crowd = world.cohorts.live(version, len(world.histories))
    end = min(request.cursor + LOOKED_AT, len(world.histories))
    found = list(islice((node for node in range(request.cursor, end) if crowd.actors[node]), limit))
    after = found[-1] + 1 if len(found) == limit else end
    return HistoryCountPage(
        histories=[
            HistoryCount(history=_events(world, node), state=_state(world, crowd, node), actors=crowd.actors[node])
            for node in found
        ],
        next=after if after < len(world.histories) else None,
    )


def _events(world: World, node: int) -> list[str]:
    return [world.symbols.names[symbol] for symbol in world.histories.symbols(node)]


def _state(world: World, crowd: Crowd, node: int) -> StateValue:
    """Where the actors with just this history stand, or some of them on a version with a state map."""
    cohorts, cohort = world.cohorts, crowd.cohort[node]
    return world.forest.configuration(cohorts.version(cohort), cohorts.configuration(cohort)).value
