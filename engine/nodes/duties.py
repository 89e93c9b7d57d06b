"""What each phase of a node claim asks of the world: asked again at every step, so that a crash
between saving a phase and acting on it loses nothing.
"""

from collections.abc import Callable, Iterator, Mapping

from engine.nodes import guards
from engine.nodes.action import (
    AbortPoolOperation,
    CreateAgentPool,
    DeleteAgentPool,
    DeleteNode,
    DrainNode,
    HoldClaimFinalizer,
    LabelNode,
    NodeAction,
    ReleaseClaimFinalizer,
)
from engine.nodes.agent_pool import AgentPoolRequest, PoolState
from engine.nodes.claim import NodeClaim
from engine.nodes.deadlines import BUDGETS_RESPECTED
from engine.nodes.observation import NodeObservation
from engine.nodes.phase import NodePhase

Duty = Callable[[NodeClaim, NodeObservation], Iterator[NodeAction]]

REGISTERED_LABEL = "karpenter.sh/registered"
INITIALIZED_LABEL = "karpenter.sh/initialized"
ACCELERATOR_LABEL = "accelerator"
CAPACITY_TYPE_LABEL = "karpenter.sh/capacity-type"


def hold_finalizer(claim: NodeClaim, _: NodeObservation) -> Iterator[NodeAction]:
    """Also later on, since anybody may strip it; but none can be added to what is being deleted."""
    if not claim.finalizer_held and claim.deletion_requested is None:
        yield HoldClaimFinalizer()


def create_pool(claim: NodeClaim, seen: NodeObservation) -> Iterator[NodeAction]:
    """Not while a Node of a former pool of that name is about: it would be taken for the new."""
    if seen.pool is None and not seen.nodes:
        yield CreateAgentPool(request=pool_request(claim))


def pool_request(claim: NodeClaim) -> AgentPoolRequest:
    spec = claim.spec
    return AgentPoolRequest(
        name=claim.ref.name,
        owner=claim.uid,
        vm_size=spec.instance_type,
        capacity_type=spec.capacity_type,
        os_sku=spec.os_sku,
        disk_gib=spec.disk_gib,
        zones=spec.zones,
        labels=spec.labels,
        taints=(*spec.taints, *spec.startup_taints),
    )


def mark_registered(claim: NodeClaim, seen: NodeObservation) -> Iterator[NodeAction]:
    wanted = {
        **claim.spec.labels,
        CAPACITY_TYPE_LABEL: claim.spec.capacity_type.value,
        REGISTERED_LABEL: "true",
    }
    if guards.expected_gpus(claim):
        wanted[ACCELERATOR_LABEL] = "nvidia"
    yield from _labelled(wanted, seen)


def mark_initialized(_: NodeClaim, seen: NodeObservation) -> Iterator[NodeAction]:
    yield from _labelled({INITIALIZED_LABEL: "true"}, seen)


def _labelled(wanted: Mapping[str, str], seen: NodeObservation) -> Iterator[NodeAction]:
    node = guards.the_node(seen)
    if node is None:
        return
    missing = {key: value for key, value in wanted.items() if node.labels.get(key) != value}
    if missing:
        yield LabelNode(node=node.name, labels=missing)


def drain(claim: NodeClaim, seen: NodeObservation) -> Iterator[NodeAction]:
    for node in guards.own_nodes(claim, seen):
        if node.pods or not node.cordoned:
            yield DrainNode(node=node.name)


def delete_pool(claim: NodeClaim, seen: NodeObservation) -> Iterator[NodeAction]:
    pool = guards.own_pool(claim, seen)
    if pool is not None and pool.state is not PoolState.DELETING:
        overdue = seen.at - claim.machine.since >= BUDGETS_RESPECTED
        if overdue and pool.state is PoolState.CHANGING:
            yield AbortPoolOperation(pool=pool)
        yield DeleteAgentPool(pool=pool, ignore_disruption_budgets=overdue)


def delete_nodes(_: NodeClaim, seen: NodeObservation) -> Iterator[NodeAction]:
    """Those whose pool is gone: AKS leaves some behind, and a machine may have joined late."""
    if seen.pool is None:
        for node in guards.living_nodes(seen):
            yield DeleteNode(name=node.name, uid=node.uid)


def release_finalizer(claim: NodeClaim, seen: NodeObservation) -> Iterator[NodeAction]:
    if claim.finalizer_held and guards.nothing_left(claim, seen):
        yield ReleaseClaimFinalizer()


_RUNNING = (hold_finalizer, mark_registered)

NODE_DUTIES: Mapping[NodePhase, tuple[Duty, ...]] = {
    NodePhase.REQUESTED: (hold_finalizer,),
    NodePhase.LAUNCHING: (hold_finalizer, create_pool),
    NodePhase.REGISTERING: (hold_finalizer,),
    NodePhase.INITIALIZING: _RUNNING,
    NodePhase.READY: (*_RUNNING, mark_initialized),
    NodePhase.UNHEALTHY: _RUNNING,
    NodePhase.FAILED: (hold_finalizer, delete_pool, delete_nodes),
    NodePhase.DRAINING: (drain,),
    NodePhase.TERMINATING: (delete_pool, delete_nodes, release_finalizer),
}


def node_duties(claim: NodeClaim, seen: NodeObservation) -> tuple[NodeAction, ...]:
    """All that the claim's phase asks of the world now.

    Nothing is made for a claim that could vanish unseen: first comes its finalizer alone.
    """
    asked = tuple(
        action for duty in NODE_DUTIES[claim.machine.phase] for action in duty(claim, seen)
    )
    return (HoldClaimFinalizer(),) if HoldClaimFinalizer() in asked else asked
