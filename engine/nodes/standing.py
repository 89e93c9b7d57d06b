"""Where a node claim stands, in words: what it waits for, why, and what to do about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from engine.instance_types import find_instance_type
from engine.nodes import guards
from engine.nodes.agent_pool import AgentPool
from engine.nodes.claim import NodeClaim
from engine.nodes.deadlines import NODE_PATIENCE
from engine.nodes.observation import NodeObservation, PoolNode
from engine.nodes.phase import NodePhase
from engine.nodes.reason import TERMINAL, NodeReason
from engine.nodes.refusals import Verdict, judge
from engine.setback import with_setback


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStanding:
    """``waiting_for`` is "" in a phase that rests."""

    reason: NodeReason
    message: str
    waiting_for: str = ""
    remedy: str = ""


Teller = Callable[[NodeClaim, NodeObservation], NodeStanding]

_PATIENCE = "nothing to do: it carries on by itself"


def _requested(_: NodeClaim, __: NodeObservation) -> NodeStanding:
    return NodeStanding(
        reason=NodeReason.FINALIZER_PENDING,
        message="accepted; its finalizer is not held yet",
        waiting_for="the finalizer that guards what will be created",
        remedy=_PATIENCE,
    )


def _launching(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    size = claim.spec.instance_type
    pool = guards.own_pool(claim, seen)
    if pool is None and seen.refusal is not None:
        verdict = judge(seen.refusal, claim.spec.capacity_type)
        return NodeStanding(
            reason=verdict.reason,
            message=f"AKS did not take the request for {size}: {seen.refusal.code}: "
            f"{seen.refusal.message}",
            waiting_for="AKS to take the request",
            remedy=_PATIENCE,
        )
    state = "asked for" if pool is None else pool.told or pool.state.value
    return NodeStanding(
        reason=NodeReason.LAUNCHING,
        message=f"agent pool {claim.ref.name} of one {size} ({claim.spec.capacity_type}): {state}",
        waiting_for="AKS to make the agent pool",
        remedy=_PATIENCE,
    )


def _registering(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    several = len(guards.living_nodes(seen)) > 1
    return NodeStanding(
        reason=NodeReason.MULTIPLE_NODES_FOUND if several else NodeReason.NODE_NOT_FOUND,
        message=f"{len(seen.nodes)} nodes of agent pool {claim.ref.name} have joined the cluster",
        waiting_for="the pool's one node to join the cluster",
        remedy=NODE_PATIENCE[NodePhase.REGISTERING].remedy,
    )


def _initializing(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    reason, message = _unfit(claim, seen)
    steady = f", and is to stay so for {guards.STABLE.total_seconds():g} s"
    return NodeStanding(
        reason=reason,
        message=message + (steady if reason is NodeReason.READY else ""),
        waiting_for="the node to be ready, with all its GPUs",
        remedy=NODE_PATIENCE[NodePhase.INITIALIZING].remedy,
    )


def _unfit(claim: NodeClaim, seen: NodeObservation) -> tuple[NodeReason, str]:
    """Why the claim's node cannot take the workload; the first cause found."""
    pool = guards.own_pool(claim, seen)
    if pool is not None and pool.stopped:
        return NodeReason.POOL_STOPPED, f"agent pool {pool.name} is stopped"
    node = guards.the_node(seen)
    if node is None:
        several = len(guards.living_nodes(seen)) > 1
        reason = NodeReason.MULTIPLE_NODES_FOUND if several else NodeReason.NODE_NOT_FOUND
        return reason, f"{len(seen.nodes)} nodes of agent pool {claim.ref.name} are in the cluster"
    return _unfit_node(claim, node)


def _unfit_node(claim: NodeClaim, node: PoolNode) -> tuple[NodeReason, str]:
    if fault := guards.gpu_fault(claim, node):
        return NodeReason.GPU_UNHEALTHY, f"node {node.name} reports {fault}"
    if not node.ready:
        return NodeReason.NODE_NOT_READY, f"node {node.name} is not ready"
    expected = guards.expected_gpus(claim)
    if node.gpus < expected:
        return (
            NodeReason.GPU_NOT_REGISTERED,
            f"node {node.name} has {node.gpus} of {expected} nvidia.com/gpu allocatable",
        )
    starting = {taint.key for taint in claim.spec.startup_taints}.intersection(node.taints)
    if starting:
        return (
            NodeReason.STARTUP_TAINTS_EXIST,
            f"node {node.name} still has startup taint {', '.join(sorted(starting))}",
        )
    return NodeReason.READY, f"node {node.name} is ready"


def _ready(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    reason, message = _unfit(claim, seen)
    return NodeStanding(reason=reason, message=message)


def _unhealthy(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    reason, message = _unfit(claim, seen)
    return NodeStanding(
        reason=reason,
        message=message,
        waiting_for="the node to recover",
        remedy=NODE_PATIENCE[NodePhase.UNHEALTHY].remedy,
    )


def _failed(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    """The reason stays what it was; what of the machine is still to be given back is told too."""
    state = claim.machine
    pool = guards.own_pool(claim, seen)
    return NodeStanding(
        reason=state.reason,
        message=state.message,
        waiting_for="" if pool is None else f"agent pool {pool.name} to be deleted",
        remedy=state.remedy,
    )


def _draining(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    pods = sum(node.pods for node in guards.own_nodes(claim, seen))
    return NodeStanding(
        reason=NodeReason.DRAINING,
        message=f"{pods} pods are still on the node of {claim.ref.name}",
        waiting_for="the pods to leave the node",
        remedy=NODE_PATIENCE[NodePhase.DRAINING].remedy,
    )


def _terminating(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    overdue = guards.deadline_passed(claim, seen)
    left = [
        *(f"agent pool {pool.name} ({pool.told or pool.state})" for pool in _own(claim, seen)),
        *(f"node {node.name}" for node in guards.own_nodes(claim, seen)),
    ]
    return NodeStanding(
        reason=NodeReason.TERMINATION_OVERDUE if overdue else NodeReason.TERMINATING,
        message="left: " + ", ".join(left) if left else "nothing is left",
        waiting_for="AKS to say that the machine is gone",
        remedy=NODE_PATIENCE[NodePhase.TERMINATING].remedy if overdue else _PATIENCE,
    )


def _own(claim: NodeClaim, seen: NodeObservation) -> tuple[AgentPool, ...]:
    pool = guards.own_pool(claim, seen)
    return () if pool is None else (pool,)


TELLERS: Mapping[NodePhase, Teller] = {
    NodePhase.REQUESTED: _requested,
    NodePhase.LAUNCHING: _launching,
    NodePhase.REGISTERING: _registering,
    NodePhase.INITIALIZING: _initializing,
    NodePhase.READY: _ready,
    NodePhase.UNHEALTHY: _unhealthy,
    NodePhase.FAILED: _failed,
    NodePhase.DRAINING: _draining,
    NodePhase.TERMINATING: _terminating,
}


def node_standing(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    """Where the claim stands in its present phase."""
    told = TELLERS[claim.machine.phase](claim, seen)
    return replace(told, message=with_setback(told.message, seen.setbacks))


def node_failure(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    """Why the machine gives up from its present phase, in the order of the table's guards."""
    phase = claim.machine.phase
    patience = NODE_PATIENCE.get(phase)
    if phase is NodePhase.REQUESTED and (flaw := guards.flaw(claim)):
        return NodeStanding(
            reason=NodeReason.INVALID_REQUEST,
            message=flaw,
            remedy="delete this claim and ask for another",
        )
    if phase is NodePhase.LAUNCHING and guards.launch_refused(claim, seen):
        return _refused(claim, seen)
    if phase not in _BEFORE_LAUNCH and guards.instance_lost(claim, seen):
        return NodeStanding(
            reason=NodeReason.INSTANCE_LOST,
            message=f"agent pool {claim.ref.name} has lost its machine: it was taken back, or "
            "deleted by somebody else",
            remedy="it is asked for anew",
        )
    last = node_standing(claim, seen)
    exhausted = patience.exhausted if patience else last.reason
    if phase is NodePhase.INITIALIZING and last.reason is NodeReason.GPU_NOT_REGISTERED:
        exhausted = NodeReason.GPU_NEVER_ALLOCATABLE
    return NodeStanding(
        reason=exhausted,
        message=f"gave up {phase}: {last.message}",
        remedy=patience.remedy if patience else last.remedy,
    )


_BEFORE_LAUNCH = (NodePhase.REQUESTED, NodePhase.LAUNCHING)


def _refused(claim: NodeClaim, seen: NodeObservation) -> NodeStanding:
    verdict = guards.refusal(claim, seen)
    if guards.name_taken(claim, seen) or verdict is None:
        return NodeStanding(
            reason=NodeReason.NAME_TAKEN,
            message=f"there is an agent pool {claim.ref.name} that is not this claim's",
            remedy="it is left alone; the node is asked for under another name",
        )
    pool = guards.own_pool(claim, seen)
    error = seen.refusal if pool is None else pool.error
    said = f"{error.code}: {error.message}" if error is not None else "no reason was given"
    return NodeStanding(
        reason=_reason(claim, verdict, seen),
        message=f"no {claim.spec.instance_type} ({claim.spec.capacity_type}) to be had: {said}",
        remedy=_REMEDIES.get(verdict.reason, "see Azure's activity log for this cluster"),
    )


def _reason(claim: NodeClaim, verdict: Verdict, seen: NodeObservation) -> NodeReason:
    """A size that Azure has retired is refused as unavailable; the table knows more.

    And what is only waited for while it is asked for has failed for good in a pool that failed.
    """
    if verdict.reason not in TERMINAL:
        return NodeReason.CLOUD_FAILED
    found = find_instance_type(claim.spec.instance_type)
    retired = found is not None and found.retired is not None and found.retired <= seen.at.date()
    unavailable = verdict.reason is NodeReason.SKU_UNAVAILABLE
    return NodeReason.SKU_RETIRED if retired and unavailable else verdict.reason


_REMEDIES: Mapping[NodeReason, str] = {
    NodeReason.QUOTA_EXCEEDED: "ask Azure for more quota of this family, or use another size",
    NodeReason.SPOT_QUOTA_EXCEEDED: "ask Azure for more spot quota, or allow on-demand",
    NodeReason.NO_CAPACITY: "try again later, or use another size, zone or region",
    NodeReason.SKU_UNAVAILABLE: "use a size that this region and subscription offer "
    "(`az vm list-skus`)",
    NodeReason.SKU_RETIRED: "use a size that is still sold; `moorage instance-types` lists them",
    NodeReason.ZONE_UNAVAILABLE: "ask for another zone, or for none",
    NodeReason.SUBNET_FULL: "enlarge the node subnet",
    NodeReason.POLICY_DENIED: "ask whoever set that Azure Policy",
    NodeReason.NOT_AUTHORIZED: "give Moorage's identity the role to manage agent pools",
    NodeReason.NOT_AUTHENTICATED: "renew the credentials of Moorage's identity",
    NodeReason.NOT_REGISTERED: "register Microsoft.ContainerService in this subscription",
    NodeReason.CLUSTER_MISSING: "check the subscription, resource group and cluster that "
    "Moorage was started with",
    NodeReason.BOOT_FAILED: "the machine came up broken: check egress and the GPU driver",
}
