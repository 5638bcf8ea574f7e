"""Records as a daemon would answer them, for tests that print them."""

from statekeep.protocol.describing import error_descriptions, op_descriptions
from statekeep.protocol.records import (
    Actor,
    ActorPage,
    Change,
    Closed,
    CountRow,
    Counts,
    Decision,
    DecisionPage,
    DefinitionText,
    Deployed,
    Deployment,
    DeploymentList,
    Description,
    EventRecord,
    Finding,
    HistoryPage,
    PathNode,
    PathPage,
    Percentiles,
    Plan,
    PlanRow,
    Sent,
    ServerStatus,
    StateCount,
    Statistics,
    Version,
    VersionList,
)

NOON = 1_772_366_400_000
"""2026-03-01 12:00:00 UTC."""

ALICE = Actor(
    id=1,
    key="alice",
    version="loan-v2",
    state="income_verify",
    status="active",
    events=2,
    fingerprint="8e106e4dbc4c2635",
    position=6153,
    updated=NOON,
    context={"applicantId": "A-1"},
    accepts=["INCOME_VERIFIED", "CANCEL"],
)
BOB = Actor(
    id=2,
    key="bob",
    version="loan-v1",
    state={"review": {"legal": "open", "risk": "done"}},
    status="active",
    events=1_234,
    fingerprint="61fdd8cb17411e11",
    needs_rescue=True,
    position=6100,
    updated=NOON - 86_400_000,
)
ACTORS = ActorPage(actors=[ALICE, BOB])
COUNTS = Counts(
    actors=2_003,
    rows=[
        CountRow(version="loan-v1", state=BOB.state, status="active", actors=2_000),
        CountRow(version="loan-v2", state="approved", status="done", actors=3),
    ],
)
STATISTICS = Statistics(
    server="0.1.0",
    sqlite="3.45.0",
    uptime=7_200_000,
    requests=6_150,
    requests_by_op={"get": 150, "send": 6_000},
    errors_by_code={"busy": 2},
    events=6_010,
    events_per_second=100.5,
    commits=10,
    commit_ms=Percentiles(p50=0.8, p99=2.5, max=9.0),
    batch_ms=Percentiles(p50=1.0, p99=3.0, max=10.0),
    batch_size=Percentiles(p50=50.0, p99=900.0, max=1_024.0),
    connections=5,
    watches=3,
    position=6_010,
    cohorts_to_sweep=0,
    store_bytes=12 << 20,
    wal_bytes=4_096,
    free_bytes=2 << 30,
    rss_bytes=80 << 20,
)

PLAN = Plan(
    version="loan-v2",
    parent="loan-v1",
    counts={"migrated": 1203, "diverged": 800, "pending": 47},
    rows=[
        PlanRow(outcome="migrated", state="awaiting_docs", landing="income_verify", skipped=3, actors=1203),
        PlanRow(outcome="diverged", state="awaiting_docs", actors=800),
        PlanRow(outcome="pending", state="under_review", actors=47),
    ],
    histories=3,
    digest="d1",
    changes=[
        Change(what="state", kind="added", path="income_verify"),
        Change(what="state", kind="renamed", path="checked", before="seen", after="checked"),
        Change(what="state", kind="changed", path="late", before="atomic", after="final"),
        Change(what="transition", kind="removed", path="under_review", event="CANCEL", before="cancelled"),
        Change(what="transition", kind="retargeted", path="under_review", event="PAY_FEE", before="", after="late"),
    ],
    warnings=[Finding(level="warning", code="w", path="$.states.late", message="Nobody gets there.", hint="Cut it.")],
)
DEPLOYED = Deployed(version="loan-v2", created=True, position=6152, plan=PLAN)
CLOSED = Closed(version="loan-v2", position=6160, waited=847)
DEPLOYMENTS = DeploymentList(
    deployments=[
        Deployment(
            version="loan-v2",
            parent="loan-v1",
            kind="deploy",
            path=["SUBMIT_INFO", "PAY_FEE"],
            position=6152,
            time=NOON,
            cohorts=10_000,
            swept=2_500,
        ),
        Deployment(version="loan-v2", parent="loan-v1", kind="close", position=6160, time=NOON, cohorts=847, swept=847),
    ]
)
VERSIONS = VersionList(
    versions=[
        Version(
            version="loan-v1",
            path_hash="cbf29ce484222325",
            landing="replay",
            guards="ignore",
            position=1,
            time=NOON,
            active=847,
            finished=0,
            needs_rescue=12,
            states=[StateCount(state="awaiting_docs", status="active", actors=847)],
        ),
        Version(
            version="loan-v2",
            parent="loan-v1",
            path=["SUBMIT_INFO", "PAY_FEE"],
            path_hash="8e106e4dbc4c2635",
            landing="replay",
            guards="ignore",
            position=6152,
            time=NOON,
            active=1200,
            finished=3,
            states=[StateCount(state=f"s{number}", status="active", actors=number) for number in range(1, 9)],
        ),
    ]
)
DEFINITION = DefinitionText(
    version="loan-v1",
    definition={"id": "loan", "initial": "open", "states": {"open": {"on": {"PAY": "paid"}}, "paid": {}}},
    guards="ignore",
)
SENT = Sent(
    id=1, handled=True, version="loan-v2", state="income_verify", status="active", events=2, migrated_from="loan-v1"
)
REPEATED = Sent(id=1, handled=True, version="loan-v2", state="income_verify", status="active", events=2, repeated=True)
UNHANDLED = Sent(id=1, handled=False, version="loan-v2", state="income_verify", status="active", events=2)
HISTORY = HistoryPage(
    id=1,
    spawned_on="loan-v1",
    spawned_at=NOON,
    events=[
        EventRecord(
            number=1,
            event="SUBMIT_INFO",
            payload={"cents": 5000},
            version="loan-v1",
            state="under_review",
            position=2,
            time=NOON,
        )
    ],
)
DECISION = Decision(
    actor=1,
    key="alice",
    route="loan-v2",
    outcome="migrated",
    version_before="loan-v1",
    version_after="loan-v2",
    state_before="awaiting_docs",
    landing="income_verify",
    skipped=3,
    events=2,
    fingerprint="8e106e4dbc4c2635",
    path=["SUBMIT_INFO", "PAY_FEE"],
    path_hash="8e106e4dbc4c2635",
    position=6152,
    time=NOON,
)
DECISIONS = DecisionPage(decisions=[DECISION])
PATHS = PathPage(
    actors=2_000,
    nodes=[
        PathNode(path=["SUBMIT_INFO"], actors=2_000, here=797, state="under_review", children=1),
        PathNode(path=["SUBMIT_INFO", "PAY_FEE"], actors=1_203, here=1_203, state="awaiting_docs"),
    ],
)
DESCRIPTION = Description(
    protocol=1,
    server="0.1.0",
    ops=[op_descriptions()["get"]],
    errors=[error for error in error_descriptions() if error.code == "unknown_actor"],
)
STATUS = ServerStatus(
    server="0.1.0",
    pid=77,
    started=NOON,
    socket="/run/s",
    store="/data/store.db",
    sqlite="3.46.0",
    position=6153,
    versions=2,
    actors=2050,
    finished=1,
    cohorts=2,
    histories=4,
    event_types=3,
    connections=1,
    commits=10,
    requests=6150,
)
