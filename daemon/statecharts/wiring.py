"""What each state node does about events: transitions, their targets, and which of them the guard policy leaves."""

from typing import Any

from statekeep.daemon.statecharts import javascript
from statekeep.daemon.statecharts.findings import Findings, Limits, member
from statekeep.daemon.statecharts.nodes import Node, Transition
from statekeep.daemon.statecharts.reading import Object, Reader
from statekeep.daemon.statecharts.targets import advice, find
from statekeep.daemon.statecharts.tree import Tree
from statekeep.daemon.statecharts.vocabulary import check_keys
from statekeep.protocol.records import Guards

EVENTLESS = ""
"""The descriptor of ``always`` transitions. XState refuses it as an event type, so nothing else has it."""


class Wiring:
    """Reads the transitions of a whole tree into its nodes."""

    def __init__(self, tree: Tree, guards: Guards, limits: Limits, findings: Findings) -> None:
        self.paths: dict[Transition, str] = {}
        """Where each transition stands in the definition."""
        self._tree = tree
        self._guards: Guards = guards
        self._limits = limits
        self._findings = findings
        self._reader = Reader(findings)
        for node in tree.nodes:
            self._wire(node, tree.paths[node])
        self._wire_routes()
        for node in tree.nodes:
            _enable(node, guards)

    def _wire(self, node: Node, path: str) -> None:
        on = self._reader.object(node.config, "on", path)
        for event in javascript.in_key_order(on):
            at = member(f"{path}.on", event)
            if event == EVENTLESS:
                self._findings.error("empty_event", at, "an event cannot have an empty name", "write always")
            else:
                node.candidates[event] = self._read(node, event, on[event], at)
        self._wire_done(node, f"xstate.done.state.{node.id}", node.config, "onDone", path)
        self._wire_invokes(node, path)
        self._wire_delays(node, path)
        if javascript.truthy(node.config.get("always")):
            at = f"{path}.always"
            node.candidates[EVENTLESS] = self._read(node, EVENTLESS, node.config["always"], at)
        if node.kind == "history":
            self._wire_history(node, path)
        for key in ("entry", "exit"):
            self._check_actions(node.config, key, path)

    def _wire_done(self, node: Node, event: str, config: Object, key: str, path: str) -> None:
        # Absent, null and "" are none; what stands here replaces an `on` of the same name.
        if javascript.truthy(config.get(key)):
            node.candidates[event] = self._read(node, event, config[key], member(path, key))

    def _wire_invokes(self, node: Node, path: str) -> None:
        if "invoke" not in node.config:
            return
        given = node.config["invoke"]
        listed = isinstance(given, list)
        for index, invoke in enumerate(given if listed else [given]):
            at = f"{path}.invoke[{index}]" if listed else f"{path}.invoke"
            if not isinstance(invoke, dict):
                self._reader.wrong(at, invoke, "an object", 'write {src: "name"}')
                continue
            check_keys(invoke, "invoke", at, self._findings)
            if isinstance(invoke.get("systemId"), str):
                node.system_ids.append(invoke["systemId"])
            actor = self._reader.text(invoke, "id", at) if invoke.get("id") is not None else f"{index}.{node.id}"
            source = invoke.get("src")
            node.actors[actor] = source if isinstance(source, str) else ""
            self._wire_done(node, f"xstate.done.actor.{actor}", invoke, "onDone", at)
            self._wire_done(node, f"xstate.error.actor.{actor}", invoke, "onError", at)
            self._wire_done(node, f"xstate.snapshot.{actor}", invoke, "onSnapshot", at)

    def _wire_delays(self, node: Node, path: str) -> None:
        after = self._reader.object(node.config, "after", path)
        for delay in javascript.in_key_order(after):
            at = member(f"{path}.after", delay)
            if not self._reader.no_function(delay, at):
                continue
            number = javascript.to_number(delay)
            spelling = delay if number is None else javascript.number_spelling(number)
            event = f"xstate.after.{spelling}.{node.id}"
            given = after[delay]
            if isinstance(given, list):
                given = self._spread(given, at)
            node.candidates.setdefault(event, []).extend(self._read(node, event, given, at))

    def _spread(self, given: list[Any], path: str) -> list[Any]:
        """XState spreads each element into an object, which costs a text its meaning: the event is forbidden."""
        for index, element in enumerate(given):
            if isinstance(element, str):
                message = f"XState does not read {element!r} here as a target: the event does nothing"
                self._findings.warning("text_in_after", f"{path}[{index}]", message, f"write {{target: {element!r}}}")
        return [{} if isinstance(element, str) else element for element in given]

    def _wire_history(self, node: Node, path: str) -> None:
        given = node.config.get("history")
        if given not in (None, True, False, "shallow", "deep"):
            self._reader.wrong(f"{path}.history", given, '"shallow" or "deep"')
        node.deep = given == "deep"
        if node.parent is None:
            self._findings.error("impossible_type", path, "the machine itself cannot be a history state")
        elif "target" in node.config and node.config["target"] != "":
            node.default = self._targets(node, node.config["target"], f"{path}.target")

    def _wire_routes(self) -> None:
        root = self._tree.root
        for node in self._tree.nodes[1:]:
            route = node.config.get("route")
            if not javascript.truthy(route) or not node.config.get("id"):
                continue
            at = f"{self._tree.paths[node]}.route"
            if not isinstance(route, dict):
                self._reader.wrong(at, route, "an object")
                continue
            transition = self._transition(root, "xstate.route", {**route, "target": f"#{node.id}"}, at)
            if self._fires(transition):
                root.routes[f"#{node.id}"] = transition

    def _read(self, node: Node, event: str, given: Any, path: str) -> list[Transition]:
        """The candidates for one descriptor: a target, an object, or an array of these."""
        found = []
        listed = isinstance(given, list)
        for index, config in enumerate(given if listed else [given]):
            at = f"{path}[{index}]" if listed else path
            if isinstance(config, str):
                found.append(self._transition(node, event, {"target": config}, at, target_path=at))
            elif isinstance(config, dict):
                check_keys(config, "transition", at, self._findings)
                found.append(self._transition(node, event, config, at))
            else:
                self._reader.wrong(at, config, "a transition", "write {} to forbid the event")
        return found

    def _transition(self, node: Node, event: str, config: Object, path: str, target_path: str = "") -> Transition:
        targets = None
        if "target" in config and config["target"] != "":
            targets = self._targets(node, config["target"], target_path or f"{path}.target")
        reenter = config.get("reenter")
        if reenter not in (None, True, False):
            self._reader.wrong(f"{path}.reenter", reenter, "true or false")
        self._check_guard(event, config, path)
        self._check_actions(config, "actions", path)
        transition = Transition(node, event, targets, reenter=reenter is True, config=config)
        self.paths[transition] = path
        if len(self.paths) == self._limits.transitions + 1:
            message = f"the definition has more than {self._limits.transitions} transitions"
            self._findings.error("limit_exceeded", "$", message, "split the machine")
        return transition

    def _targets(self, node: Node, given: Any, path: str) -> tuple[Node, ...]:
        found = []
        listed = isinstance(given, list)
        for index, target in enumerate(given if listed else [given]):
            at = f"{path}[{index}]" if listed else path
            if not isinstance(target, str):
                self._reader.wrong(at, target, "the name of a state")
            elif self._reader.no_function(target, at):
                named = find(node, target, self._tree.by_id)
                if named is not None:
                    found.append(named)
                else:
                    message = f"{target!r} names no state in {node.id!r}"
                    shown = self._findings.shows_more("error", "unknown_target")
                    hint = advice(node, target, self._tree.by_id) if shown else ""
                    self._findings.error("unknown_target", at, message, hint)
        return tuple(found)

    def _check_guard(self, event: str, config: Object, path: str) -> None:
        if "guard" not in config:
            return
        guard, at = config["guard"], f"{path}.guard"
        if not javascript.truthy(guard) and event != EVENTLESS:  # null, false and "" are no guard
            return
        name = guard.get("type") if isinstance(guard, dict) else guard
        if not isinstance(name, str) or not name:
            self._reader.wrong(at, guard, "the name of a guard, or an object with a type,", "leave it out for no guard")
        else:
            self._reader.no_function(name, at)

    def _check_actions(self, config: Object, key: str, path: str) -> None:
        if key not in config:
            return
        given, at = config[key], member(path, key)
        for action in given if isinstance(given, list) else [given]:
            name = action.get("type") if isinstance(action, dict) else action
            if isinstance(name, str):
                self._reader.no_function(name, at)
            else:
                hint = "JSON has no functions: name the action" if action is None else ""
                self._reader.wrong(at, action, "the name of an action, or an object with a type,", hint)

    def _fires(self, transition: Transition) -> bool:
        return self._guards == "ignore" or not transition.guard


def _enable(node: Node, guards: Guards) -> None:
    """Choose per descriptor the candidate that fires. Ancestors have been wired before their descendants."""
    for event, candidates in node.candidates.items():
        for transition in candidates:
            if guards == "ignore" or not transition.guard:
                node.enabled[event] = transition
                break
    node.eventless = node.enabled.pop(EVENTLESS, None)
    node.restless = node.eventless is not None or (node.parent is not None and node.parent.restless)
    wildcards = [descriptor for descriptor in node.enabled if descriptor == "*" or descriptor.endswith(".*")]
    for descriptor in sorted(wildcards, key=javascript.length, reverse=True):
        prefix = None if descriptor == "*" else descriptor[:-2]
        # A star before the last token is literal, and XState then matches nothing by the last one either.
        if prefix is None or "*" not in prefix.split("."):
            node.wildcards.append((prefix, node.enabled[descriptor]))
