"""Node claims and observations to try the node engine on."""

from dataclasses import replace
from datetime import timedelta

from engine.capacity_type import CapacityType
from engine.nodes.agent_pool import AgentPool, CloudError, PoolState, Taint
from engine.nodes.claim import NodeClaim, NodeClaimRef, NodeClaimSpec, NodeState
from engine.nodes.deadlines import node_deadline
from engine.nodes.observation import NodeObservation, PoolNode
from engine.nodes.phase import NodePhase
from engine.nodes.step import node_step
from engine.stepping import Step
from tests.engine.scenes import NOW

NAME = "ws0a1b2c3d4"
UID = "c0ffee"
A100 = NodeClaimSpec(
    instance_type="Standard_NC48ads_A100_v4",
    labels={"apps": "phi-4"},
    taints=(Taint(key="sku", value="gpu"),),
)
GPUS = 2
SPOT = replace(A100, capacity_type=CapacityType.SPOT)
RETIRED = replace(A100, instance_type="Standard_NC6s_v3")
WITHOUT_GPU = replace(A100, instance_type="Standard_D8s_v5")
STARTING_UP = replace(A100, startup_taints=(Taint(key="example.org/warming"),))

UNDELETED = tuple(p for p in NodePhase if p not in (NodePhase.DRAINING, NodePhase.TERMINATING))


def claim(phase: NodePhase, spec: NodeClaimSpec = A100, **more) -> NodeClaim:
    """A claim as its machine would have brought it to ``phase``; ``more`` is of its state."""
    state = NodeState(phase=phase, since=NOW, deadline=node_deadline(phase, NOW))
    return NodeClaim(
        ref=NodeClaimRef(name=NAME),
        uid=UID,
        resource_version="7",
        created=NOW,
        spec=spec,
        finalizer_held=phase is not NodePhase.REQUESTED,
        deletion_requested=None if phase in UNDELETED else NOW,
        machine=replace(state, **more),
    )


def going(of: NodeClaim) -> NodeClaim:
    return replace(of, deletion_requested=NOW)


def pool(state: PoolState = PoolState.SUCCEEDED, **more) -> AgentPool:
    made = AgentPool(name=NAME, state=state, told=state.value, owner=UID, etag="5a5a")
    return replace(made, **more)


def failed_pool(code: str, *inner: str) -> AgentPool:
    """AKS tells late, with HTTP's 200."""
    return pool(PoolState.FAILED, error=CloudError(status=200, code=code, inner=inner))


def node(**more) -> PoolNode:
    """The pool's node, fit for work."""
    made = PoolNode(name="aks-node-0", uid="n0", provider_id="azure:///0", ready=True, gpus=GPUS)
    return replace(made, **more)


def second_node(**more) -> PoolNode:
    return node(name="aks-node-1", uid="n1", provider_id="azure:///1", **more)


def nothing(**more) -> NodeObservation:
    return replace(NodeObservation(at=NOW + timedelta(seconds=1)), **more)


def working(**more) -> NodeObservation:
    """The pool is made, and its one node is fit."""
    return nothing(**{"pool": pool(), "nodes": (node(),), **more})


def refused(status: int, code: str, *inner: str) -> NodeObservation:
    return nothing(refusal=CloudError(status=status, code=code, inner=inner, message="no"))


def later(seen: NodeObservation, **time: float) -> NodeObservation:
    return replace(seen, at=NOW + timedelta(**time))


def stepped(of: NodeClaim, *observations: NodeObservation) -> Step:
    """The last of the steps that these observations lead to, each from where the last one ended."""
    made = node_step(of, observations[0])
    for seen in observations[1:]:
        made = node_step(made.next, seen)
    return made


def end(of: NodeClaim, *observations: NodeObservation) -> NodeState:
    return stepped(of, *observations).next.machine


def kinds(made: Step) -> list[type]:
    return [type(action) for action in made.actions]
