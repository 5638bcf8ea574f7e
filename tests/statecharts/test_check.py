"""What the check of a definition finds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.statecharts import InvalidDefinition, Limits, check, load
from statekeep.protocol.records import Finding, Guards


def states(**changes: Any) -> dict[str, Any]:
    """A sound machine of two states, with these changes to the first."""
    return {"id": "m", "initial": "a", "states": {"a": {"on": {"E": "b"}, **changes}, "b": {"on": {"E": "a"}}}}


def found(definition: object, guards: Guards = "ignore") -> list[tuple[str, str, str]]:
    """What is found, without the words."""
    return [(finding.level, finding.code, finding.path) for finding in check(definition, guards=guards)]


def only(definition: object) -> Finding:
    """The one finding."""
    (finding,) = check(definition)
    return finding


def test_a_sound_definition_has_no_findings() -> None:
    """Nothing to say is an empty list."""
    assert check(states()) == []


def test_all_findings_come_at_once_errors_first() -> None:
    """A person mends a file once, not once for each mistake."""
    definition = {
        "initial": "x",
        "context": "{{ something }}",
        "states": {
            "a": {"on": {"E": "nowhere", "F": {"target": "b", "cond": "g"}}},
            "b": {"id": "same"},
            "c": {"id": "same"},
        },
    }
    assert found(definition) == [
        ("error", "duplicate_id", "$.states.c.id"),
        ("error", "unknown_initial", "$.initial"),
        ("error", "unknown_target", "$.states.a.on.E"),
        ("error", "v4_key", "$.states.a.on.F.cond"),
    ]


@pytest.mark.parametrize(
    ("definition", "code", "path"),
    [
        (states(on={"E": ["b", 5]}), "wrong_type", "$.states.a.on.E[1]"),
        (states(after={"1000": "x y"}), "unknown_target", '$.states.a.after["1000"]'),
        (states(invoke=[{"src": "s", "onDone": "zz"}]), "unknown_target", "$.states.a.invoke[0].onDone"),
        (states(entry=[None]), "wrong_type", "$.states.a.entry"),
        (states(always={"guard": "({ context }) => context.n > 1"}), "function_as_text", "$.states.a.always.guard"),
        (states(on={"E": {"actions": "function log() { }"}}), "function_as_text", "$.states.a.on.E.actions"),
        (states(on={"": "b"}), "empty_event", '$.states.a.on[""]'),
        (states(on={"E": {"target": ["b", "a"]}}), "conflicting_targets", "$.states.a.on.E"),
        (states(invoke=[{"systemId": "x"}, {"systemId": "x"}]), "duplicate_id", "$.states.a.invoke"),
        ({"initial": "a", "states": {"a": {"always": "b"}, "b": {"always": "a"}}}, "eventless_cycle", "$"),
        ({"initial": "h", "states": {"h": {"type": "history"}, "a": {}}}, "endless_entry", "$.states.h"),
        ({"type": "history"}, "impossible_type", "$"),
        ({"id": "m", "key": "m", "order": -1, "transitions": [], "states": {}}, "definition_form", "$"),
        ([], "wrong_type", "$"),
        ({"meta": {1: 2}}, "not_json", "$"),
        ({"meta": b"bytes"}, "not_json", "$"),
        ({"meta": float("nan")}, "not_json", "$"),
        ({"meta": "\ud800"}, "not_json", "$"),
        ({"meta": 2**64}, "not_json", "$"),
    ],
)  # fmt: skip
def test_an_error_names_its_place(definition: object, code: str, path: str) -> None:
    """A code for programs, a JSON path for editors, a sentence for people."""
    first = check(definition)[0]
    assert (first.level, first.code, first.path) == ("error", code, path)
    assert first.message
    with pytest.raises(InvalidDefinition) as caught:
        load(definition)
    assert caught.value.findings == check(definition)


@pytest.mark.parametrize(
    ("target", "advice"),
    [
        ("inner", "write '.inner'"),
        ("far", "write '#m.p.far'"),
        ("#far", "write '#m.p.far'"),
        ("v1.5", r"write 'v1\\.5'"),
        ("#my.id", r"write '#my\\.id'"),
        ("p/far", "write 'p.far'"),
        ("tegrat", "there are: a, p, v1\\.5, other"),
        ("othr", "did you mean 'other'?"),
    ],
)
def test_a_wrong_target_comes_with_what_to_write(target: str, advice: str) -> None:
    """The state that was probably meant, in a form that finds it."""
    definition = {
        "id": "m",
        "initial": "a",
        "states": {
            "a": {"initial": "inner", "states": {"inner": {}}, "on": {"E": target, "F": ["p", "other", "v1\\.5"]}},
            "p": {"initial": "far", "states": {"far": {}}},
            "v1.5": {},
            "other": {"id": "my.id"},
        },
    }
    errors = [finding for finding in check(definition) if finding.level == "error"]
    assert [(error.path, error.hint) for error in errors] == [("$.states.a.on.E", advice)]


@pytest.mark.parametrize(
    ("definition", "code", "path"),
    [
        (states(on={"E": {"target": "b", "guard": {"type": "g"}}}), "guard_ignored", "$.states.a.on.E.guard"),
        (states(after={"soon": "b"}), "unknown_delay", "$.states.a.after.soon"),
        (states(after={"10": ["b"]}), "text_in_after", '$.states.a.after["10"][0]'),
        (states(invoke={"src": "s"}), "unanswered_invoke", "$.states.a.invoke"),
        (states(onDone="b"), "never_fires", "$.states.a.onDone"),
        (states(tag="x"), "unknown_key", "$.states.a.tag"),
        ({**states(), "strict": True}, "v4_key", "$.strict"),
        ({**states(), "context": "`${x}`"}, "context_ignored", "$.context"),
        ({"initial": "a", "states": {"a": {"on": {"*": "a"}}, "b": {"on": {}}}}, "unreachable_state", "$.states.b"),
        ({"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {}}}, "dead_end", "$.states.b"),
        (states(on={"E": "b", "R": "x"}), "eventless_cycle", "$.states.x"),
    ],
)  # fmt: skip
def test_a_warning_names_its_place(definition: dict[str, Any], code: str, path: str) -> None:
    """The definition loads all the same."""
    if code == "eventless_cycle":
        definition["states"] |= {"x": {"always": "y"}, "y": {"always": "x"}}
    first = check(definition)[0]
    assert (first.level, first.code, first.path) == ("warning", code, path)
    load(definition)


def test_under_block_a_guard_closes_its_transition() -> None:
    """So what only it led to is not reached."""
    definition = {"initial": "a", "states": {"a": {"on": {"E": {"target": "b", "guard": "g"}}}, "b": {}}}
    codes = [code for _, code, _ in found(definition, "block")]
    assert codes == ["guard_blocks", "unreachable_state", "dead_end"]


def test_a_key_with_a_slip_of_the_pen_is_recognised() -> None:
    """XState ignores it silently."""
    finding = only({**states(), "inital": "b"})
    assert (finding.path, finding.hint) == ("$.inital", "did you mean 'initial'?")


def test_a_studio_export_loads() -> None:
    """Arrays of objects everywhere, names with spaces, empty ``meta``, descriptions, and a context of template text."""
    definition = {
        "context": "{{ {} }}",
        "id": "New Machine",
        "initial": "in review",
        "states": {
            "in review": {
                "description": "first",
                "meta": {},
                "tags": [],
                "on": {"approve it": [{"target": "done", "actions": [], "meta": {}, "description": "x"}]},
                "after": {"3000": [{"target": "#New Machine.done", "actions": [], "meta": {}}]},
            },
            "done": {"type": "final", "entry": [{"type": "inline:New Machine.done#entry[0]"}]},
        },
    }
    assert found(definition) == [("warning", "context_ignored", "$.context")]
    chart = load(definition)
    assert chart.step(chart.initial().configuration, "approve it").configuration.status == "done"


def test_a_thousand_alike_are_counted_not_listed() -> None:
    """A hundred of a kind are shown; one more line says how many are not."""
    on = {f"E{number}": f"t{number}" for number in range(1000)}
    findings = check(states(on=on))
    assert len(findings) == 101
    assert findings[-1].message == "900 more of these are not shown"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["a", "#m", ".a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "initial", "states", "on", "after", "always", "invoke", "type", "target", "history"])
            | st.sampled_from(["a", "b", "guard", "actions", "tags", "onDone", "route", "entry", "reenter", "1", ""]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(json_values | st.binary() | st.sets(st.integers()))
def test_whatever_comes_in_it_loads_or_is_invalid(definition: object) -> None:
    """No other exception, and ``check`` has an error exactly when ``load`` refuses."""
    errors = [finding for finding in check(definition) if finding.level == "error"]
    try:
        load(definition)
    except InvalidDefinition:
        assert errors
    else:
        assert not errors


def nested(depth: int) -> dict[str, Any]:
    """States so many levels deep."""
    definition: dict[str, Any] = {}
    for _ in range(depth):
        definition = {"initial": "a", "states": {"a": definition}}
    return definition


@pytest.mark.parametrize(
    ("limits", "definition"),
    [
        (Limits(definition_bytes=100), {"meta": "x" * 100}),
        (Limits(depth=3), nested(4)),
        (Limits(states=3), {"type": "parallel", "states": {key: {} for key in "abcd"}}),
        (Limits(transitions=3), {"initial": "a", "states": {"a": {"on": dict.fromkeys("wxyz", "a")}}}),
        (Limits(), nested(5000)),
    ],
)
def test_what_is_beyond_a_bound_is_refused(limits: Limits, definition: dict[str, Any]) -> None:
    """At the bound it passes, one beyond it does not."""
    codes = {finding.code for finding in check(definition, limits=limits)}
    assert codes == {"limit_exceeded"}


def test_what_is_at_a_bound_passes() -> None:
    """The bounds are the last that is allowed."""
    assert not [finding for finding in check(nested(3), limits=Limits(depth=3)) if finding.level == "error"]
    four = {"type": "parallel", "states": {key: {} for key in "abcd"}}
    assert check(four, limits=Limits(states=4)) == []
