"""One step of a node claim's machine: values in, values out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from engine.nodes import guards
from engine.nodes.action import NodeAction
from engine.nodes.claim import NodeClaim, NodePassage, NodeState
from engine.nodes.conditions import node_conditions
from engine.nodes.deadlines import node_deadline, node_wake_at
from engine.nodes.duties import node_duties
from engine.nodes.lifecycle import next_phase
from engine.nodes.observation import NodeObservation
from engine.nodes.phase import NodePhase
from engine.nodes.standing import node_failure, node_standing
from engine.setback import Setback
from engine.stepping import Step

HISTORY_LENGTH = 16
"""A claim keeps its history in an annotation, and annotations are for few words."""

ZONE_LABEL = "topology.kubernetes.io/zone"
"""On a Node, what its cloud calls its zone; of a machine without one, AKS says "0"."""


def node_turn(
    claim: NodeClaim, seen: NodeObservation, setbacks: Sequence[Setback]
) -> Step[NodeClaim, NodeAction]:
    """The step that the claim's driver takes now."""
    return node_step(claim, replace(seen, setbacks=tuple(setbacks)))


def node_step(claim: NodeClaim, seen: NodeObservation) -> Step[NodeClaim, NodeAction]:
    """Where the claim goes from here, what it asks of the world, and when it looks again."""
    claim = _bounded(claim, seen)
    phase = next_phase(claim, seen)
    moved = claim if phase is claim.machine.phase else _enter(claim, phase, seen)
    settled = _settle(moved, seen)
    return Step(
        next=settled,
        actions=node_duties(settled, seen),
        wake_at=seen.at if moved is not claim else node_wake_at(settled.machine, seen.at),
    )


def _bounded(claim: NodeClaim, seen: NodeObservation) -> NodeClaim:
    """Its time to wait begins with the first look: no engine was there to use it before."""
    state = claim.machine
    return replace(claim, machine=replace(state, deadline=_deadline(claim, state.phase, seen)))


def _deadline(claim: NodeClaim, phase: NodePhase, seen: NodeObservation) -> datetime | None:
    """A stopped pool is waited for without end, and has its full time once it is started."""
    state = claim.machine
    if phase in _SUSPENDABLE and guards.suspended(claim, seen):
        return None
    if phase is state.phase and state.deadline is not None:
        return state.deadline
    return node_deadline(phase, seen.at)


_SUSPENDABLE = (NodePhase.REGISTERING, NodePhase.INITIALIZING, NodePhase.UNHEALTHY)


def _enter(claim: NodeClaim, phase: NodePhase, seen: NodeObservation) -> NodeClaim:
    state = claim.machine
    entered = replace(claim, machine=replace(state, phase=phase))
    failed = phase is NodePhase.FAILED
    told = node_failure(claim, seen) if failed else node_standing(entered, seen)
    passage = NodePassage(
        source=state.phase,
        destination=phase,
        at=seen.at,
        reason=told.reason,
        message=told.message,
    )
    return replace(
        entered,
        machine=replace(
            entered.machine,
            since=seen.at,
            deadline=_deadline(claim, phase, seen),
            reason=told.reason,
            message=told.message,
            remedy=told.remedy,
            history=(*state.history, passage)[-HISTORY_LENGTH:],
        ),
    )


def _settle(claim: NodeClaim, seen: NodeObservation) -> NodeClaim:
    """What is told of the present phase, brought up to what was observed."""
    told = node_standing(claim, seen)
    told_of = replace(
        claim.machine,
        reason=told.reason,
        message=told.message,
        waiting_for=told.waiting_for,
        remedy=told.remedy,
        usable_since=_usable_since(claim, seen),
        pool_state=_pool_state(claim, seen),
        conditions=node_conditions(claim, seen, told),
    )
    return replace(claim, machine=_with_node(told_of, seen))


def _with_node(state: NodeState, seen: NodeObservation) -> NodeState:
    """AKS may put another machine in the first one's place: the present one is the one told of."""
    node = guards.the_node(seen)
    if node is None or state.phase in (NodePhase.REQUESTED, NodePhase.LAUNCHING):
        return state
    return replace(
        state,
        node_name=node.name,
        provider_id=node.provider_id,
        zone=node.labels.get(ZONE_LABEL, ""),
        capacity=node.capacity,
        allocatable=node.allocatable,
    )


def _pool_state(claim: NodeClaim, seen: NodeObservation) -> str:
    pool = guards.own_pool(claim, seen)
    return "" if pool is None else pool.told or pool.state.value


def _usable_since(claim: NodeClaim, seen: NodeObservation) -> datetime | None:
    if not guards.usable(claim, seen):
        return None
    return claim.machine.usable_since or seen.at
