"""Charts as text for people and for other tools."""

from xml.etree import ElementTree as ET

import pytest

from statekeep.daemon.statecharts import Chart, load, mermaid, outline, scxml
from tests.conformance.vectors import POLICIES, Case, name_of, read
from tests.statecharts.loan import LOAN

OUTLINE = """\
* loan app
    CANCEL [may] / log -> gone
*     in review  (parallel, initial)
        done -> ok
*         legal
            entry / notify, page
*             open  (initial)
                E -> in review.legal.shut
                after 1000 -> in review.legal.shut
              shut  (final)
              past  (deep history, else in review.legal.open)
*         money  (final)
      ok
        SAY "hi"; <b> -> ok (reenter)
        NOTHING
        actor 0 done -> gone
        always [late] -> gone
      gone  (final, #closed)"""

MERMAID = """\
stateDiagram-v2
    state "loan app" as s0 {
        state "in review" as s1 {
            state "legal" as s2 {
                state "open" as s3
                [*] --> s3
                state "shut" as s4
                s4 --> [*]
                state "past (H#42;)" as s5
            }
            --
            state "money" as s6
            s6 --> [*]
        }
        [*] --> s1
        state "ok" as s7
        state "gone" as s8
        s8 --> [*]
    }
    s0 --> s8 : CANCEL #91;may#93; / log
    s1 --> s7 : done
    s3 --> s4 : E
    s3 --> s4 : after 1000
    s7 --> s7 : SAY #34;hi#34;#59; #60;b#62;
    s7 --> s8 : actor 0 done
    s7 --> s8 : always #91;late#93;"""

SCXML = "{http://www.w3.org/2005/07/scxml}"


@pytest.fixture
def chart() -> Chart:
    """A machine that has one of everything."""
    return load(LOAN)


def test_the_outline_marks_what_is_active(chart: Chart) -> None:
    """States, transitions below them, a star at each active one."""
    assert outline(chart, chart.initial().configuration) == OUTLINE


def test_the_outline_of_a_definition_has_no_margin(chart: Chart) -> None:
    """Without a configuration there is nothing to mark."""
    assert outline(chart) == "\n".join(line[2:] for line in OUTLINE.splitlines())


def test_an_outline_cannot_move_the_cursor() -> None:
    """Control characters in names are spelled out."""
    text = outline(load({"id": "\x1b[2J", "initial": "a\n", "states": {"a\n": {"on": {"\x07": "a\n"}}}}))
    assert text.replace("\n", "").isprintable()
    assert r"\x1b[2J" in text


def test_mermaid(chart: Chart) -> None:
    """Parsed by Mermaid 11 when this was written."""
    assert mermaid(chart) == MERMAID


def test_scxml_names_states_and_events_as_the_standard_does(chart: Chart) -> None:
    """Odd characters are spelled in hexadecimal; done events and delays have SCXML's own form."""
    document = ET.fromstring(scxml(chart))  # noqa: S314 - written a moment ago
    review = document.find(f".//{SCXML}parallel")
    assert review is not None
    assert review.get("id") == "loan_x20_app.in_x20_review"
    assert [child.get("event") for child in review.findall(f"{SCXML}transition")] == [f"done.state.{review.get('id')}"]
    internal = [
        element.get("event") for element in document.iter(f"{SCXML}transition") if element.get("type") == "internal"
    ]
    assert internal == ["CANCEL"]
    send, cancel = document.find(f".//{SCXML}send"), document.find(f".//{SCXML}cancel")
    assert send is not None
    assert cancel is not None
    assert send.get("delay") == "1000ms"
    assert send.get("id") == cancel.get("sendid")
    kinds = [
        element.tag.removeprefix(SCXML) for element in document.iter() if element.get("id") and element is not send
    ]
    assert kinds == ["state", "parallel", "state", "state", "final", "history", "final", "state", "invoke", "final"]


@pytest.mark.parametrize("case", read("named"), ids=name_of)
def test_scxml_is_well_formed_and_its_references_resolve(case: Case) -> None:
    """Every initial state and every target is the id of some element."""
    document = ET.fromstring(scxml(load(case["machine"], guards=POLICIES[case["guards"]])))  # noqa: S314
    ids = {element.get("id") for element in document.iter()}
    named = {
        name for element in document.iter() for key in ("initial", "target") for name in element.get(key, "").split()
    }
    assert named <= ids
