"""What transitions enter: SCXML's ``computeEntrySet``, ``addDescendantStatesToEnter``, ``addAncestorStatesToEnter``.

The order in which nodes are found does not matter to the caller, who enters them in document order. It matters here,
because a parallel state gives its default to those regions only into which nothing has been found yet.
"""

from collections.abc import Iterable

from statekeep.daemon.statecharts.errors import Unending
from statekeep.daemon.statecharts.nodes import Node, Transition, proper_ancestors
from statekeep.daemon.statecharts.transitions import History, effective_targets, history_default, transition_domain


class EntrySet:
    """The nodes that a microstep enters, as they are found."""

    def __init__(self, history: History) -> None:
        self.nodes: dict[Node, None] = {}
        self._history = history
        self._above: set[Node] = set()
        """All proper ancestors of the nodes: those into which something has been found."""
        self._completed: set[Node] = set()
        """Parallel ancestors whose regions have been seen to. Once is enough, and many targets may share them."""
        self._resolving: set[Node] = set()
        """History nodes inside whose record or default the search is. XState lets a record lead back to itself."""

    def add_transition(self, transition: Transition) -> None:
        """Find what one transition enters, its domain being left already.

        Raises:
            Unending: a history node has recorded what leads back to it.
        """
        domain = transition_domain(transition, self._history)
        for target in transition.targets or ():
            # An internal transition to its own source enters the children anew, not the source.
            if target.kind != "history" and not (target is transition.source is domain and not transition.reenter):
                self._add(target)
            self._add_descendants(target)
        for target in effective_targets(transition.targets, self._history):
            ancestors = proper_ancestors(target, domain)
            if domain is not None and domain.kind == "parallel":
                ancestors.append(domain)
            self._add_ancestors(ancestors, domain)

    def _add(self, node: Node) -> None:
        self.nodes[node] = None
        ancestor = node.parent
        while ancestor is not None and ancestor not in self._above:
            self._above.add(ancestor)
            ancestor = ancestor.parent

    def _add_descendants(self, node: Node) -> None:
        if node.kind == "history":
            if node in self._resolving:
                raise Unending(len(self.nodes))
            self._resolving.add(node)
            self._add_from(node, self._history[node] if node in self._history else history_default(node))
            self._resolving.remove(node)
        elif node.kind == "compound" and node.initial is not None:
            if node.initial.kind != "history":
                self._add(node.initial)
            self._add_descendants(node.initial)
            self._add_ancestors(proper_ancestors(node.initial, node), None)
        elif node.kind == "parallel":
            self._add_regions(node)

    def _add_from(self, history: Node, targets: Iterable[Node]) -> None:
        for target in targets:
            self._add(target)
            self._add_descendants(target)
        for target in targets:
            self._add_ancestors(proper_ancestors(target, history.parent), None)

    def _add_ancestors(self, ancestors: Iterable[Node], limit: Node | None) -> None:
        for ancestor in ancestors:
            if ancestor.is_descendant_of(limit):
                self._add(ancestor)
            if ancestor.kind == "parallel" and ancestor not in self._completed:
                self._completed.add(ancestor)
                self._add_regions(ancestor)

    def _add_regions(self, parallel: Node) -> None:
        for region in parallel.children:
            if region not in self._above:
                self._add(region)
                self._add_descendants(region)
