"""The loan story: a migration by history, a crash, a look at the disk, and the rescue from a bad release."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

from statekeep.protocol import Client, StatekeepError
from statekeep.protocol.messages import Actors, Deploy, Preview, Request, Send, Spawn
from statekeep.protocol.records import Actor, Decision, Deployed, Plan, Record, VersionList
from statekeep.tui.cli import loan, plans, views
from statekeep.tui.cli.blocks import Line
from statekeep.tui.cli.stage import Stage, timed
from statekeep.tui.cli.throwaway import ThrowawayDaemon
from statekeep.tui.cli.wording import count, duration, state

KEYS: Final = ["alice", "bob", *(f"application-{number:04}" for number in range(3, 2_051))]
WAIVED: Final = ["bob", *KEYS[1_204:]]
PAID: Final = ["alice", *KEYS[2:1_204]]
UNLUCKY: Final = WAIVED[:112]
"""Those who meet the bug of the second act; Bob is the first."""

WORDS: Final = ("applicantId", "awaiting_docs", "PAY_FEE")
"""A field of every context, a state and an event: none of them may stand in a file."""

R = TypeVar("R", bound=Record)


class World(NamedTuple):
    """All that a client can see of the applications, to be compared with itself after a crash."""

    versions: VersionList
    actors: list[Actor]
    decisions: list[Decision]


def look(client: Client) -> World:
    """The world as the daemon tells it now."""
    actors = [actor for page in client.pages(Actors(limit=1_000)) for actor in page.actors]
    decisions = [made for key in ("alice", "bob") for made in client.decisions(key).decisions]
    return World(client.versions(), actors, decisions)


def population(client: Client, version: str) -> dict[str, int]:
    """The actors of one version, by state."""
    (found,) = (row for row in client.versions().versions if row.version == version)
    return {state(row.state): row.actors for row in found.states if row.actors}


def migrate(stage: Stage, client: Client) -> None:
    """Act one: 2,050 applications, of which those that paid move to ``loan-v2``."""
    stage.scene(f"{count(len(KEYS))} loan applications")
    client.deploy("loan-v1", loan.definition("loan-v1"))
    stage.say("loan-v1: submitted -> under_review -> awaiting_docs -> approved or rejected.")
    requests, seconds = timed(lambda: _apply(client))
    stage.say(
        f"{count(requests, 'request')}, pipelined, each durable before it was answered: {duration(seconds)} "
        f"({count(round(requests / seconds))} a second)."
    )
    stage.claim(
        f"{count(len(PAID))} paid the fee and {count(len(WAIVED))} had it waived: all are in awaiting_docs.",
        seen=population(client, "loan-v1"),
        expected={"awaiting_docs": len(PAID) + len(WAIVED)},
    )

    stage.scene("What would loan-v2 do?")
    stage.say("In loan-v2, PAY_FEE leads to income_verify. It is for those who paid, by their history:")
    deploy = Deploy("loan-v2", loan.definition("loan-v2"), parent="loan-v1", path=["SUBMIT_INFO", "PAY_FEE"])
    plan, seconds = _preview(stage, client, deploy)
    stage.claim(
        f"{count(len(PAID))} would migrate and {count(len(WAIVED))} would stay. Previewed in {duration(seconds)}.",
        seen=dict(plan.counts),
        expected={"migrated": len(PAID), "diverged": len(WAIVED)},
    )

    stage.scene("Deploy exactly that")
    deploy.digest = plan.digest
    deployed, seconds = _deploy(stage, client, deploy)
    stage.claim(f"Carried out as previewed, in {duration(seconds)}.", seen=deployed.plan, expected=plan)
    _claim_place(stage, client, "alice", "who paid, is in income_verify on loan-v2", ("loan-v2", "income_verify"))
    _claim_place(stage, client, "bob", "whose fee was waived, is still in awaiting_docs", ("loan-v1", "awaiting_docs"))
    stage.say("Why, on record:")
    for key, outcome in (("alice", "migrated"), ("bob", "diverged")):
        (made,) = client.decisions(key).decisions
        stage.view([Line(), *views.decision(made)])
        stage.claim(
            f"{key.title()}'s history of {count(made.events, 'event')} was compared with the path: {outcome}.",
            seen=(made.outcome, made.route, made.fingerprint == made.path_hash),
            expected=(outcome, "loan-v2", outcome == "migrated"),
        )


def crash(stage: Stage, client: Client, daemon: ThrowawayDaemon) -> None:
    """Kill the daemon, start it again, and miss nothing."""
    stage.scene("Kill the daemon, start it again")
    before = look(client)
    stage.claim("The daemon got SIGKILL: no chance to tidy up.", seen=daemon.kill(), expected=-signal.SIGKILL)
    client.close()
    seconds = daemon.start()
    after = look(client)
    stage.claim(
        f"Back in {duration(seconds)}, with every version, all {count(len(after.actors), 'actor')} and each decision.",
        seen=after,
        expected=before,
    )


def search(stage: Stage, daemon: ThrowawayDaemon) -> None:
    """Look into the files of the store, while it is in use, for words of the business."""
    stage.scene("What the disk knows")
    contents = [file.read_bytes() for file in daemon.files()]
    # A search that could find nothing at all would prove nothing.
    stage.claim(
        f"{count(len(contents), 'file')} of {count(sum(map(len, contents)), 'byte')}, an SQLite database among them.",
        seen=any(b"SQLite format 3" in content for content in contents),
        expected=True,
    )
    stage.claim(
        f"Not one of them contains {', '.join(WORDS[:-1])} or {WORDS[-1]}.",
        seen=[word for word in WORDS if any(word.encode() in content for content in contents)],
        expected=[],
    )


def rescue(stage: Stage, client: Client) -> None:
    """Act two: a release with a bug takes actors over, and another one takes exactly its victims."""
    stage.scene("A release with a bug")
    path = ["SUBMIT_INFO", "WAIVE_FEE"]
    deploy = Deploy("loan-v2-buggy", loan.definition("loan-v2-buggy"), parent="loan-v1", path=path)
    deployed, seconds = _deploy(stage, client, deploy)
    stage.claim(
        f"loan-v2-buggy has taken over the {count(len(WAIVED))} whose fee was waived, in {duration(seconds)}.",
        seen=deployed.plan and dict(deployed.plan.counts),
        expected={"migrated": len(WAIVED)},
    )
    _call_all(client, [Send(key, "TRIGGER_BUG") for key in UNLUCKY])
    stage.claim(
        f"{count(len(UNLUCKY))} of them, Bob too, have met its bug.",
        seen=population(client, "loan-v2-buggy"),
        expected={"awaiting_docs": len(WAIVED) - len(UNLUCKY), "stuck": len(UNLUCKY)},
    )
    stage.claim("Bob can't even be approved any more.", seen=client.send("bob", "APPROVE").handled, expected=False)

    stage.scene("The rescue")
    path = [*path, "TRIGGER_BUG"]
    deploy = Deploy("loan-v2-rescue", loan.definition("loan-v2-rescue"), parent="loan-v2-buggy", path=path)
    plan, _ = _preview(stage, client, deploy)
    deploy.digest = plan.digest
    _, seconds = _deploy(stage, client, deploy)
    rescued = [page.actors for page in client.pages(Actors(version="loan-v2-rescue", limit=1_000))]
    stage.claim(
        f"Exactly the {count(len(UNLUCKY))} are back in awaiting_docs, in {duration(seconds)}.",
        seen=[(actor.key, actor.state) for actors in rescued for actor in actors],
        expected=[(key, "awaiting_docs") for key in UNLUCKY],
    )
    stage.claim("Bob is approved.", seen=client.send("bob", "APPROVE").state, expected="approved")
    late = client.send(WAIVED[-1], "TRIGGER_BUG")
    stage.claim(
        "And the next one to meet the bug is rescued by that very event.",
        seen=(late.migrated_from, late.version, late.state),
        expected=("loan-v2-buggy", "loan-v2-rescue", "awaiting_docs"),
    )


def _apply(client: Client) -> int:
    """Bring all applications to ``awaiting_docs``; the number of requests that it took."""
    spawns = [Spawn("loan-v1", key=key, context={"applicantId": f"A-{n:04}"}) for n, key in enumerate(KEYS, start=1)]
    fees = [Send(key, "PAY_FEE") for key in PAID] + [Send(key, "WAIVE_FEE") for key in WAIVED]
    _call_all(client, spawns)
    _call_all(client, [Send(key, "SUBMIT_INFO") for key in KEYS])
    _call_all(client, fees)
    return len(spawns) + len(KEYS) + len(fees)


def _call_all(client: Client, requests: Sequence[Request[R]]) -> None:
    for outcome in client.call_many(requests):
        if isinstance(outcome, StatekeepError):
            raise outcome


def _command(request: Deploy, verb: str) -> list[str]:
    """What to type for a request about a child version."""
    words = ["statekeep", verb, f"{request.version}.json", "--id", request.version]
    words += ["--parent", str(request.parent), "--path", ",".join(request.path)]
    return [*words, "--digest", request.digest] if request.digest else words


def _preview(stage: Stage, client: Client, request: Deploy) -> tuple[Plan, float]:
    stage.type(_command(request, "preview"))
    preview = Preview(request.version, request.definition, parent=request.parent, path=request.path)
    plan, seconds = timed(lambda: client.call(preview))
    stage.view(plans.plan(plan, done=False))
    return plan, seconds


def _deploy(stage: Stage, client: Client, request: Deploy) -> tuple[Deployed, float]:
    stage.type(_command(request, "deploy"))
    return timed(lambda: client.call(request))


def _claim_place(stage: Stage, client: Client, key: str, sentence: str, place: tuple[str, str]) -> None:
    actor = client.get(key)
    stage.claim(f"{key.title()}, {sentence}.", seen=(actor.version, actor.state), expected=place)
