"""N1 to N7: node claims and the agent pools they become, where our own node engine makes them.

Where another provisioner does, there are no pools and no machine, and none of these says anything.
"""

import json
from collections.abc import Iterator
from typing import Any

from engine.nodes.claim import FINALIZER
from engine.nodes.deadlines import NODE_PATIENCE
from engine.nodes.lifecycle import TRANSITIONS
from engine.nodes.phase import NodePhase
from simulator.checkers.case import Case
from simulator.checkers.property import Breach
from simulator.checkers.reading import annotation, finalizers, instant, is_engine, name, uid
from simulator.history import Call, Commit
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object
from simulator.virtual_time.clock import EPOCH
from simulator.wire.sent import AGENT_POOL

STATE_ANNOTATION = "moorage.sh/node-claim-state"
OVERDUE_SECONDS = 120.0
"""How long after a deadline the machine may still be told in its phase."""
_TOO_MANY_REQUESTS = 429
_LEGAL = {
    (row.source.value, row.destination.value) for row in TRANSITIONS if row.destination is not None
}
_WAITING = {phase.value for phase in NODE_PATIENCE} - {NodePhase.TERMINATING.value}
"""Those that end by themselves; a deletion is only overdue, and waits on."""


def pools_of(case: Case, owner: str) -> list[Object]:
    """The present agent pools of a claim, by its uid."""
    return [pool for pool in case.history.of_kind(AGENT_POOL) if pool["owner"] == owner]


def _state(claim: Object) -> dict[str, Any]:
    memory: dict[str, Any] = json.loads(annotation(claim, STATE_ANNOTATION) or "{}")
    return memory


def n1_claim_outlives_its_pool(case: Case, commit: Commit) -> Iterator[Breach]:
    """Only an engine's own letting go counts: a stranger who strips the finalizer is not ours."""
    if commit.type is not ChangeType.DELETED or not is_engine(commit.actor):
        return
    if FINALIZER not in finalizers(commit.before or commit.now):
        return
    for pool in pools_of(case, uid(commit.now)):
        yield Breach(
            f"NodeClaim {name(commit.now)}",
            "its finalizer goes when Azure says that the pool is gone",
            f"agent pool {name(pool)} is still {pool['state']}",
        )


def n2_one_pool_a_claim(case: Case, commit: Commit) -> Iterator[Breach]:
    owner = commit.now["owner"]
    if commit.type is not ChangeType.ADDED or not owner:
        return
    names = sorted(name(pool) for pool in pools_of(case, owner))
    if len(names) > 1:
        yield Breach(f"NodeClaim {owner}", "a claim becomes one agent pool", ", ".join(names))


def n3_no_pool_left(case: Case) -> Iterator[Breach]:
    living = {uid(claim) for claim in case.history.of_kind("NodeClaim")}
    for pool in case.history.of_kind(AGENT_POOL):
        if pool["owner"] and pool["owner"] not in living:
            yield Breach(
                f"agent pool {name(pool)}",
                "at the end every pool of ours has its claim",
                f"the claim {pool['owner']} is gone",
            )


def n4_legal_transitions(_: Case, commit: Commit) -> Iterator[Breach]:
    if commit.before is None or commit.type is not ChangeType.MODIFIED:
        return
    before, now = _state(commit.before), _state(commit.now)
    source, destination = before.get("phase", "Requested"), now.get("phase", "Requested")
    if source != destination and (source, destination) not in _LEGAL:
        yield Breach(
            f"NodeClaim {name(commit.now)}",
            f"the table has no way from {source} to {destination}",
            "it was taken",
        )


def n5_no_claim_waits_for_ever(case: Case) -> Iterator[Breach]:
    for claim in case.history.of_kind("NodeClaim"):
        state = _state(claim)
        if state.get("phase") not in _WAITING:
            continue
        if "deadline" not in state:
            yield Breach(f"NodeClaim {name(claim)}", "a waiting phase has a deadline", "none")
            continue
        limit = (instant(state["deadline"]) - EPOCH).total_seconds()
        if case.now - limit > OVERDUE_SECONDS:
            yield Breach(
                f"NodeClaim {name(claim)}",
                f"{state['phase']} ends at its deadline, {limit:.0f} s",
                f"it is {case.now:.0f} s, and it waits",
            )


def n6_within_the_buckets(_: Case, call: Call) -> Iterator[Breach]:
    """Azure itself refused it, and no fault of the plan."""
    if is_engine(call.actor) and call.carried_out == _TOO_MANY_REQUESTS:
        yield Breach(
            f"agent pool {call.name or '(list)'}",
            "requests stay within the published rates",
            f"{call.actor}'s {call.verb} was throttled",
        )


def n7_never_overwritten(_: Case, commit: Commit) -> Iterator[Breach]:
    """A pool is made and deleted by engines, and changed by nobody but Azure."""
    if commit.type is not ChangeType.MODIFIED or not is_engine(commit.actor):
        return
    if commit.now["state"] not in ("Deleting", "Canceling"):
        yield Breach(
            f"agent pool {name(commit.now)}",
            "an engine asks for a pool only where there is none",
            f"{commit.actor} changed it: it is {commit.now['state']}",
        )
