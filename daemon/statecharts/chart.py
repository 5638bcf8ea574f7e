"""A definition made ready to run: from a configuration and an event to the next configuration."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from statekeep.daemon.statecharts.configuration import Configuration
from statekeep.daemon.statecharts.entry import EntrySet
from statekeep.daemon.statecharts.macrostep import Macrostep
from statekeep.daemon.statecharts.nodes import Node, Transition, initial_descent
from statekeep.daemon.statecharts.starting import START, starting_nodes
from statekeep.daemon.statecharts.transitions import active_children, select_transitions
from statekeep.protocol.records import Guards, Status


class Step(NamedTuple):
    """What an event did."""

    configuration: Configuration
    """Where the machine stands now."""
    handled: bool
    """Some active node selected a transition, be it one that changes nothing."""
    exited: tuple[str, ...] = ()
    """Ids of the nodes left, in the order of their exit actions. An event may leave and enter a node several times."""
    entered: tuple[str, ...] = ()
    """Ids of the nodes entered, in the order of their entry actions."""


class Chart:
    """An immutable statechart. All methods are pure: the caller keeps the configurations.

    Made by ``statekeep.daemon.statecharts.load``, which checks the definition first.
    """

    def __init__(self, root: Node, nodes: list[Node], guards: Guards, microsteps: int) -> None:
        self.root = root
        self.nodes = nodes
        """All nodes in document order."""
        self.guards: Guards = guards
        self._microsteps = microsteps
        self._by_id = {node.id: node for node in nodes}
        self._descriptors = {descriptor for node in nodes for descriptor in node.enabled}
        self._prefixes = tuple({prefix for node in nodes for prefix, _ in node.wildcards if prefix is not None})

    def __repr__(self) -> str:
        return f"<Chart {self.root.id} of {len(self.nodes)} states>"

    @property
    def id(self) -> str:
        return self.root.id

    def initial(self) -> Step:
        """Start the machine.

        Raises:
            Unending: it does not come to rest.
        """
        return self._step(self._enter(initial_descent(self.root)), handled=True)

    def enter(self, *nodes: Node) -> Step:
        """Start the machine in nodes of the caller's choice, with everything beside them at its default.

        No two of them may exclude each other.

        Raises:
            Unending: it does not come to rest.
        """
        return self._step(self._enter(nodes), handled=True)

    def _enter(self, targets: Sequence[Node]) -> Macrostep:
        run = Macrostep(self.root, (), {}, self._microsteps)
        entry = EntrySet(run.history)
        entry.add_transition(Transition(self.root, "", tuple(targets), reenter=True, config={}))
        run.enter_states(entry)
        run.run()
        return run

    def step(self, configuration: Configuration, event_type: str, to: str | None = None) -> Step:
        """Take one event; ``to`` is the ``#id`` that an ``xstate.route`` event names.

        XState's own events are taken as from the inside: an ``xstate.error.actor`` event that nothing handles gives
        the status ``error``, ``xstate.stop`` the status ``stopped``. One that begins with ``xstate.start.`` is
        StateKeep's (see ``starting``): the machine starts anew, in the states that it names.

        Raises:
            Unending: the machine does not come to rest; the configuration before the event stands.
        """
        if configuration.status != "active":
            return Step(configuration, handled=False)
        if event_type.startswith(START):
            nodes = starting_nodes(self.root, event_type)
            return self.enter(*nodes) if nodes else Step(configuration, handled=False)
        transitions = select_transitions(self.root, active_children(configuration.nodes), event_type, to)
        handled = bool(transitions)
        if event_type == "xstate.stop":
            return self._end(configuration, "stopped", handled=handled)
        if not handled and event_type.startswith("xstate.error.actor"):
            return self._end(configuration, "error", handled=False)
        run = Macrostep(self.root, configuration.nodes, configuration.history, self._microsteps)
        if handled and event_type != "xstate.init":
            run.microstep(transitions)
        run.run()
        return self._step(run, handled=handled)

    @staticmethod
    def _end(configuration: Configuration, status: Status, *, handled: bool) -> Step:
        return Step(Configuration(configuration.nodes, configuration.history, status), handled)

    @staticmethod
    def _step(run: Macrostep, *, handled: bool) -> Step:
        after = Configuration(run.nodes, run.history, "done" if run.done else "active")
        return Step(after, handled, tuple(node.id for node in run.exited), tuple(node.id for node in run.entered))

    def alike(self, event_type: str) -> Hashable:
        """A key that is equal for event types between which this chart can make no difference."""
        if event_type in self._descriptors or event_type.startswith("xstate."):
            return event_type
        return tuple(prefix for prefix in self._prefixes if f"{event_type}.".startswith(f"{prefix}."))

    def listens(self, event_type: str) -> bool:
        """Whether there is a state that has a transition for events of this type."""
        return any(node.select(event_type, None) for node in self.nodes)

    def accepts(self, configuration: Configuration) -> list[str]:
        """The event descriptors that are handled here, deepest states first, without XState's own events.

        A descriptor may be a wildcard, and the event that it takes may be one that changes nothing.
        """
        if configuration.status != "active":
            return []
        deepest_first = sorted(configuration.nodes, key=lambda node: (-node.path.count("."), node.order))
        descriptors = dict.fromkeys(descriptor for node in deepest_first for descriptor in node.enabled)
        return [descriptor for descriptor in descriptors if not descriptor.startswith("xstate.")]

    def dump(self, configuration: Configuration) -> dict[str, Any]:
        """The configuration as JSON, by the ids of the states; whatever the software's version, it means the same."""
        return {
            "status": configuration.status,
            "nodes": [node.id for node in configuration.nodes],
            "history": {
                recorder.id: [node.id for node in record] for recorder, record in configuration.history.items()
            },
        }

    def restore(self, dumped: Mapping[str, Any]) -> Configuration:
        """What ``dump`` of this very definition gave.

        Raises:
            ValueError: it names a state that the definition does not have.
        """
        try:
            nodes = [self._by_id[name] for name in dumped["nodes"]]
            history = {
                self._by_id[recorder]: tuple(self._by_id[name] for name in record)
                for recorder, record in dumped["history"].items()
            }
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is no state of {self.root.id!r}") from None
        return Configuration(nodes, history, dumped["status"])
