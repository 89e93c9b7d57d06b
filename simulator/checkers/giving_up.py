"""Whether a workspace that was given up had to be: for want of the world, and not of its engine."""

from collections.abc import Iterator
from datetime import timedelta

from simulator.checkers.case import SHAPING, Case, Life
from simulator.checkers.property import Breach
from simulator.checkers.reading import (
    claim_names,
    condition,
    instant,
    name,
    phase,
    planned_nodes,
    rolled_out,
    status,
)
from simulator.checkers.serving import usable_nodes
from simulator.history import Commit
from simulator.kubernetes.status import Object

TIME_TO_ACT = 150.0
"""Seconds undisturbed, in which an engine has done all that it owes."""
TIME_TO_SEE = timedelta(seconds=5)
REFUSED = "NodeClaimRefused"
OVERDUE = "DeadlineExceeded"
LIFECYCLE = ("Launched", "Registered", "Initialized")


def needless_failure(case: Case, life: Life, commit: Commit) -> Iterator[Breach]:
    """Judged at the commit that makes a workspace Failed."""
    before, reason = commit.before or commit.now, str(status(commit.now).get("reason"))
    if reason == REFUSED and not any(refusal(claim) for claim in life.of("NodeClaim")):
        yield Breach(life.ref, "no node claim of it was refused", f"it failed for {reason}")
    if not reason.endswith(OVERDUE):
        return
    yield from _too_soon(life, before, commit.now)
    if case.quiet.longest(max(life.phase_before_since, life.taken), commit.at) > TIME_TO_ACT:
        for owed in _owed(life, before):
            yield Breach(life.ref, f"{phase(before)} asks for {owed}", f"it failed for {reason}")
    if phase(before) == "Provisioning" and case.quiet.seeing(commit.at):
        yield from _just_arrived(life, commit.now)


def refusal(claim: Object) -> str:
    """What the claim's provisioner says went wrong, "" where it says nothing of the kind."""
    for kind in LIFECYCLE:
        found = condition(claim, kind)
        if found is not None and found["status"] == "False":
            return str(found.get("message") or found.get("reason") or "")
    return ""


def _too_soon(life: Life, before: Object, now: Object) -> Iterator[Breach]:
    deadline, given_up = status(before).get("deadline"), status(now).get("phaseSince")
    if deadline and given_up and instant(given_up) < instant(deadline):
        yield Breach(life.ref, f"it may wait until {deadline}", f"it was given up at {given_up}")


def _owed(life: Life, before: Object) -> Iterator[str]:
    """What the phase asks of its engine, and is not there."""
    present = {name(claim) for claim in life.of("NodeClaim")}
    for claim in claim_names(before):
        if claim not in present and phase(before) != "Pending":
            yield f"the node claim {claim}"
    if phase(before) in SHAPING and not any(
        _as_planned(workload, before) for workload in life.of("StatefulSet")
    ):
        yield f"a StatefulSet of revision {status(before).get('revision')}"


def _as_planned(workload: Object, workspace: Object) -> bool:
    replicas = workload["spec"].get("replicas", 1)
    wanted = status(workspace).get("revision")
    return rolled_out(workload) == wanted and replicas == planned_nodes(workspace)


def _just_arrived(life: Life, now: Object) -> Iterator[Breach]:
    """All that it waited for was there, and not only since a moment ago."""
    wanted = planned_nodes(now)
    since = [
        instant(ready["lastTransitionTime"])
        for claim in life.of("NodeClaim")
        if (ready := condition(claim, "Ready")) is not None and ready["status"] == "True"
    ]
    usable = usable_nodes(life.owned.values(), gpus=(status(now).get("plan") or {})["gpusPerNode"])
    if len(since) != wanted or len(usable) != wanted:
        return
    late = instant(status(now)["phaseSince"]) - max(since)
    if late > TIME_TO_SEE:
        yield Breach(
            life.ref,
            f"its {wanted} node(s) were ready {late.total_seconds():.0f} s before",
            "it gave up waiting for them",
        )
