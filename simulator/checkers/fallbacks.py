"""N8: what a workspace accepts to run on is tried in the user's order, and to its end."""

from collections.abc import Iterator

from engine.nodes.reason import ANOTHER_OFFERING_MAY_HELP
from engine.offerings import choose
from simulator.checkers.case import Case
from simulator.checkers.property import Breach
from simulator.checkers.reading import accepted, condition, phase, ref, spec_of, status, uid
from simulator.history import Commit
from simulator.kubernetes.status import Object


def n8_fallbacks_in_order(case: Case, commit: Commit) -> Iterator[Breach]:
    """An offering comes up when each before it was refused, and only then."""
    told, wanted = status(commit.now), accepted(commit.now)
    refused = [
        (item["instanceType"], item["capacityType"]) for item in told.get("refusedOfferings") or ()
    ]
    candidate = told.get("candidate", 0)
    if refused != wanted[:candidate]:
        yield Breach(
            ref(commit.now),
            f"offering {candidate} is in use, so those refused are {wanted[:candidate]}",
            f"it tells of {refused}",
        )
    if phase(commit.now) == "Failed" and phase(commit.before or commit.now) == "Provisioning":
        yield from _given_up_early(case, commit.now, candidate)


def _given_up_early(case: Case, workspace: Object, candidate: int) -> Iterator[Breach]:
    left = choose(spec_of(workspace), candidate + 1)
    life = case.lives.get(uid(workspace))
    if left is None or life is None or status(workspace).get("reason") != "NodeClaimRefused":
        return
    for claim in life.of("NodeClaim"):
        launched = condition(claim, "Launched")
        reason = launched.get("reason") if launched and launched["status"] == "False" else None
        if reason in ANOTHER_OFFERING_MAY_HELP:
            yield Breach(
                ref(workspace),
                f"{left[1].offering} is accepted too, and was not tried",
                f"it was given up for {reason}",
            )
