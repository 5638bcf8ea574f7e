"""Each command: what it asks the daemon, and what it prints of the answer."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from statekeep.protocol.messages import (
    Actors,
    AnyRequest,
    Close,
    CountRequest,
    Decisions,
    Definition,
    Deliver,
    Deployments,
    Describe,
    Get,
    History,
    Paths,
    Send,
    Spawn,
    Stats,
    StatusRequest,
    Versions,
)
from statekeep.protocol.records import Record
from tests.tui import records
from tests.tui.conftest import Asked, Run

COMMANDS: list[tuple[list[str], AnyRequest, Record, list[str]]] = [
    (
        ["versions"],
        Versions(),
        records.VERSIONS,
        ["  loan-v2", "847", "1,203", "and 2 states more", "12 actors of loan-v1 need"],
    ),
    (
        ["deployments"],
        Deployments(),
        records.DEPLOYMENTS,
        [
            "2026-03-01 12:00:00  deploy  loan-v2",
            "█" * 2 + "░" * 8 + "  2,500 of 10,000",
            "close ",
            "█" * 10,
        ],
    ),
    (
        ["close", "loan-v2", "--no-wait"],
        Close("loan-v2"),
        records.CLOSED,
        ["loan-v2 takes nobody over any more; 847 actors that waited for it are judged by its later siblings now.\n"],
    ),
    (["definition", "loan-v1"], Definition("loan-v1"), records.DEFINITION, ['"initial": "open"']),
    (["describe"], Describe(), records.DESCRIPTION, ["Protocol 1", "  viewer  Actor", "unknown_actor", "not_found"]),
    (["describe", "get"], Describe("get"), records.DESCRIPTION, ["Needs the role viewer", '"actor": {', "Actor"]),
    (["show", "loan-v1"], Definition("loan-v1"), records.DEFINITION, ["open", "PAY", "paid"]),
    (["show", "loan-v1", "--as", "mermaid"], Definition("loan-v1"), records.DEFINITION, ["stateDiagram-v2"]),
    (["show", "loan-v1", "--as", "scxml"], Definition("loan-v1"), records.DEFINITION, ["<scxml", 'event="PAY"']),
    (["show", "loan-v1", "--as", "json"], Definition("loan-v1"), records.DEFINITION, ['"initial": "open"']),
    (
        ["spawn", "loan-v2", "--key", "alice", "--context", '{"applicantId": "A-1"}'],
        Spawn("loan-v2", "alice", {"applicantId": "A-1"}),
        records.ALICE,
        ["alice (actor 1)", "income_verify", '{"applicantId": "A-1"}'],
    ),
    (
        ["send", "alice", "PAY_FEE", "--payload", "[1]"],
        Send("alice", "PAY_FEE", [1]),
        records.SENT,
        ["alice: PAY_FEE led to income_verify on loan-v2", "migrated from loan-v1"],
    ),
    (
        ["send", "alice", "A", "--patch", "null", "--expect", "2", "--require", "--idempotency-key", "k"],
        Send("alice", "A", context=None, expect=2, require=True, idempotency_key="k"),
        records.REPEATED,
        ["alice: A led to income_verify", "as answered before"],
    ),
    (
        ["spawn", "loan-v2", "--idempotency-key", "k"],
        Spawn("loan-v2", idempotency_key="k"),
        records.ALICE,
        ["alice (actor 1)", "accepts", "INCOME_VERIFIED, CANCEL"],
    ),
    (
        ["deliver", "alice", "xstate.after.9.loan.paid"],
        Deliver("alice", "xstate.after.9.loan.paid"),
        records.SENT,
        ["alice: xstate.after.9.loan.paid led to income_verify on loan-v2"],
    ),
    (["send", "1", "FOO"], Send(1, "FOO"), records.UNHANDLED, ["not handled: 1 is in income_verify", "takes no FOO"]),
    (["actor", "key:17"], Get("17"), records.ALICE, ["loan-v2", "2 events, fingerprint 8e106e4dbc4c2635"]),
    (["actor", "2"], Get(2), records.BOB, ["needs rescue", "review.(legal.open + risk.done)", "1,234 events"]),
    (
        ["actors", "--version", "loan-v1", "--state", "review.legal", "--limit", "7", "--cursor", "3"],
        Actors(version="loan-v1", state="review.legal", cursor=3, limit=7),
        records.ACTORS,
        ["alice", "bob", "needs rescue", "1,234"],
    ),
    (
        ["actors", "--tag", "slow", "--status", "done", "--key", "a*", "--no-needs-rescue", "--order", "updated"],
        Actors(tag="slow", status="done", key="a*", needs_rescue=False, order="updated"),
        records.ACTORS,
        ["alice"],
    ),
    (
        ["actors", "--updated-after", "2026-03-01T12:00", "--updated-before", "1772366400001"],
        Actors(updated_after=1772366400000, updated_before=1772366400001),
        records.ACTORS,
        ["alice"],
    ),
    (
        ["count", "--state", "review.**", "--needs-rescue"],
        CountRequest(state="review.**", needs_rescue=True),
        records.COUNTS,
        ["2,003 actors", "review.(legal.open + risk.done)", "2,000"],
    ),
    (
        ["stats"],
        Stats(),
        records.STATISTICS,
        ["p50 0.8, p99 2.5, most 9 ms", "12.0 MiB", "2.0 GiB free", "send 6,000", "busy 2", "watches: 3"],
    ),
    (["history", "alice"], History("alice"), records.HISTORY, ["spawned on loan-v1", "SUBMIT_INFO", '{"cents": 5000}']),
    (
        ["decisions", "alice"],
        Decisions("alice"),
        records.DECISIONS,
        [
            "migrated: alice (actor 1), route to loan-v2",
            "awaiting_docs on loan-v1 -> income_verify on loan-v2",
            "2 events, fingerprint 8e106e4dbc4c2635",
            "SUBMIT_INFO, PAY_FEE, hash 8e106e4dbc4c2635",
            "3 events",
            "2026-03-01 12:00:00",
            "6,152",
        ],
    ),
    (
        ["decisions", "--route", "loan-v2", "--outcome", "migrated"],
        Decisions(route="loan-v2", outcome="migrated"),
        records.DECISIONS,
        ["loan-v1 -> loan-v2", "awaiting_docs -> income_verify, 3 skipped", "8e106e4dbc4c2635"],
    ),
    (
        ["paths", "loan-v1", "--under", "SUBMIT_INFO", "--depth", "2", "--limit", "9", "--cursor", "4"],
        Paths("loan-v1", ["SUBMIT_INFO"], 2, cursor=4, limit=9),
        records.PATHS,
        ["└─ PAY_FEE", "1,203", "awaiting_docs", "--path SUBMIT_INFO takes over 2,000 of these"],
    ),
    (
        ["status"],
        StatusRequest(),
        records.STATUS,
        ["process 77", "/data/store.db", "2,050", "6,150 requests in 10 commits"],
    ),
]
IDS = [" ".join(words[:4]) for words, *_ in COMMANDS]


@pytest.mark.parametrize(("words", "request_", "answer", "shown"), COMMANDS, ids=IDS)
def test_a_command_asks_and_shows(
    run: Run, daemon: Asked, words: list[str], request_: AnyRequest, answer: Record, shown: list[str]
) -> None:
    """The request is the one that the words mean, and the facts of the answer are on stdout, and only there."""
    daemon.answers(answer)
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert daemon.asked == [request_]
    assert [text for text in shown if text not in out] == []


@pytest.mark.parametrize(("words", "request_", "answer", "shown"), COMMANDS, ids=IDS)
def test_json_is_the_answer_itself(
    run: Run, daemon: Asked, words: list[str], request_: AnyRequest, answer: Record, shown: list[str]
) -> None:
    """One line that decodes to the record; ``--json`` may stand before the command or after it."""
    daemon.answers(answer)
    for order in (["--json", *words], [*words, "--json"]):
        out = run(*order).out
        assert out.count("\n") == 1
        assert msgspec.json.decode(out, type=type(answer)) == answer


def test_a_page_tells_how_to_get_the_next(run: Run, daemon: Asked) -> None:
    """Without ``--all`` one page is asked for; its cursor is in the text, or in the JSON."""
    daemon.answers(msgspec.structs.replace(records.ACTORS, next=2))
    assert "--cursor 2" in run("actors").out
    assert json.loads(run("actors", "--json").out)["next"] == 2
    assert daemon.asked == [Actors(), Actors()]


def test_all_follows_the_cursor(run: Run, daemon: Asked) -> None:
    """``--all`` asks for large pages until the last; with ``--json`` each record is one line."""
    daemon.answers(msgspec.structs.replace(records.ACTORS, next=2), records.ACTORS)
    out = run("actors", "--all", "--json").out
    assert daemon.asked == [Actors(limit=1000), Actors(limit=1000, cursor=2)]
    assert [json.loads(line)["id"] for line in out.splitlines()] == [1, 2, 1, 2]
    assert "--cursor" not in run("actors", "--all").out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["versions"], msgspec.structs.replace(records.VERSIONS, versions=[])),
        (["actors"], msgspec.structs.replace(records.ACTORS, actors=[])),
        (["history", "1"], msgspec.structs.replace(records.HISTORY, events=[])),
        (["deployments"], msgspec.structs.replace(records.DEPLOYMENTS, deployments=[])),
        (["close", "v", "--no-wait"], msgspec.structs.replace(records.CLOSED, waited=0)),
        (["paths", "v"], msgspec.structs.replace(records.PATHS, actors=0, nodes=[])),
        (["decisions", "1"], msgspec.structs.replace(records.DECISIONS, decisions=[])),
        (["decisions", "--route", "v"], msgspec.structs.replace(records.DECISIONS, decisions=[])),
    ],
)
def test_nothing_is_said_in_words(run: Run, daemon: Asked, words: list[str], answer: Record) -> None:
    """An empty answer is a sentence, not a table without rows."""
    daemon.answers(answer)
    code, out, _ = run(*words)
    assert code == 0
    assert re.search("No |no |nobody ", out)


def test_the_socket_can_be_named(run: Run, daemon: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--socket`` goes before the environment, and may stand before the command or after it."""
    monkeypatch.setenv("STATEKEEP_SOCKET", "/nowhere")
    daemon.answers(records.STATUS)
    assert run("--socket", daemon.socket, "status").code == 0
    assert run("status", "--socket", daemon.socket).code == 0
