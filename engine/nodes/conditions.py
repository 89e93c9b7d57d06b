"""A claim's conditions as Karpenter's consumers read them, from the same values that decide.

What was once True stays so until the end, as in Karpenter; Ready alone comes and goes. A claim that
has failed says so with False and a typed reason, on the first step it did not reach and on Ready.
(Karpenter deletes such a claim; ours stays, without a machine, until whoever made it has read why.)
"""

from collections.abc import Iterator

from engine.nodes.claim import (
    ClaimCondition,
    ClaimConditionType,
    ConditionStatus,
    NodeClaim,
)
from engine.nodes.observation import NodeObservation
from engine.nodes.phase import NodePhase
from engine.nodes.standing import NodeStanding
from engine.transition_times import dated

Fact = tuple[ClaimConditionType, ConditionStatus, str, str]
"""A condition's type, status, reason and message."""

_STEPS = (
    (ClaimConditionType.LAUNCHED, NodePhase.LAUNCHING),
    (ClaimConditionType.REGISTERED, NodePhase.REGISTERING),
    (ClaimConditionType.INITIALIZED, NodePhase.INITIALIZING),
)
"""Each condition, and the phase that ends with it True."""

_ON_THE_WAY = (
    NodePhase.REQUESTED,
    NodePhase.LAUNCHING,
    NodePhase.REGISTERING,
    NodePhase.INITIALIZING,
)
_AT_WORK = (NodePhase.READY, NodePhase.UNHEALTHY)
_ENDING = (NodePhase.DRAINING, NodePhase.TERMINATING)


def node_conditions(
    claim: NodeClaim, seen: NodeObservation, told: NodeStanding
) -> tuple[ClaimCondition, ...]:
    """Every condition; one that did not change keeps its instant."""
    return dated(_found(claim, seen, told), claim.machine.conditions)


def _found(claim: NodeClaim, seen: NodeObservation, told: NodeStanding) -> Iterator[ClaimCondition]:
    facts = (*_steps(claim, told), (ClaimConditionType.READY, *_ready(claim.machine.phase, told)))
    for kind, status, reason, message in (*facts, *_departure(claim.machine.phase, told)):
        yield ClaimCondition(
            type=kind, status=status, reason=reason, message=message, since=seen.at
        )


def _steps(claim: NodeClaim, told: NodeStanding) -> Iterator[Fact]:
    phase = claim.machine.phase
    reached = _reached(claim)
    before = {one.type: one for one in claim.machine.conditions}
    for kind, step in _STEPS:
        if kind in reached:
            yield kind, ConditionStatus.TRUE, kind.value, ""
        elif phase in _ENDING and kind in before:
            # On the way out no step is taken any more: why it was not stays to be read.
            yield kind, before[kind].status, before[kind].reason, before[kind].message
        elif phase is NodePhase.FAILED and _is_next(kind, reached):
            yield kind, ConditionStatus.FALSE, told.reason.value, told.message
        elif phase is step or (phase is NodePhase.REQUESTED and step is NodePhase.LAUNCHING):
            yield kind, ConditionStatus.UNKNOWN, told.reason.value, told.message
        else:
            waiting = "object is awaiting reconciliation"
            yield kind, ConditionStatus.UNKNOWN, "AwaitingReconciliation", waiting


def _departure(phase: NodePhase, told: NodeStanding) -> Iterator[Fact]:
    if phase is NodePhase.DRAINING:
        yield ClaimConditionType.DRAINED, ConditionStatus.FALSE, told.reason.value, told.message
    if phase is NodePhase.TERMINATING:
        yield ClaimConditionType.DRAINED, ConditionStatus.TRUE, ClaimConditionType.DRAINED.value, ""
        yield (
            ClaimConditionType.INSTANCE_TERMINATING,
            ConditionStatus.TRUE,
            told.reason.value,
            told.message,
        )


def _ready(phase: NodePhase, told: NodeStanding) -> tuple[ConditionStatus, str, str]:
    if phase is NodePhase.READY:
        return ConditionStatus.TRUE, "Ready", ""
    if phase in _ON_THE_WAY:
        return ConditionStatus.UNKNOWN, "ReconcilingDependents", told.message
    return ConditionStatus.FALSE, told.reason.value, told.message


def _reached(claim: NodeClaim) -> frozenset[ClaimConditionType]:
    """The steps behind it: by its phase while it is on the way, by its conditions afterwards."""
    phase = claim.machine.phase
    if phase in _AT_WORK:
        return frozenset(kind for kind, _ in _STEPS)
    if phase in _ON_THE_WAY:
        place = _ON_THE_WAY.index(phase)
        return frozenset(kind for kind, step in _STEPS if _ON_THE_WAY.index(step) < place)
    return frozenset(
        condition.type
        for condition in claim.machine.conditions
        if condition.status is ConditionStatus.TRUE
    )


def _is_next(kind: ClaimConditionType, reached: frozenset[ClaimConditionType]) -> bool:
    return kind == next(step for step, _ in _STEPS if step not in reached)
