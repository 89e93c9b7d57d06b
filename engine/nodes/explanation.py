"""What stands behind a workspace: each of its node claims, as people are told of it."""

from dataclasses import dataclass

from engine.capacity_type import CapacityType
from engine.nodes.agent_pool import AgentPoolRequest
from engine.nodes.claim import ClaimConditionType, ConditionStatus, NodeClaim, NodeState
from engine.nodes.duties import pool_request


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClaimExplanation:
    """``machine`` and ``pool`` (what is asked of AKS) are None where another provisioner drives
    the claim. Texts are "" and ``capacity_type`` is None where the claim does not say.
    """

    name: str
    ready: bool
    reason: str
    message: str
    instance_type: str
    capacity_type: CapacityType | None
    node: str
    machine: NodeState | None = None
    pool: AgentPoolRequest | None = None


def explain_claim(claim: NodeClaim) -> NodeClaimExplanation:
    """One that our node engine drives, from its stored state alone."""
    state = claim.machine
    return NodeClaimExplanation(
        name=claim.ref.name,
        ready=(ClaimConditionType.READY, ConditionStatus.TRUE)
        in ((condition.type, condition.status) for condition in state.conditions),
        reason=state.reason,
        message=state.message,
        instance_type=claim.spec.instance_type,
        capacity_type=claim.spec.capacity_type,
        node=state.node_name,
        machine=state,
        pool=pool_request(claim),
    )
