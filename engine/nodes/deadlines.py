"""How long each phase of a node claim may wait, and what it means when it waited in vain.

AKS takes 3 to 10 minutes to make a GPU pool, 4 to 6 as a rule; Karpenter gives a launch 5 minutes
and a registration 15, gpu-provisioner no limit at all. All that leads to Ready adds up to less than
a workspace's own patience with its nodes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from engine.deadlines import LOOK_AGAIN, Patience
from engine.nodes.claim import NodeState
from engine.nodes.guards import STABLE
from engine.nodes.phase import NodePhase
from engine.nodes.reason import NodeReason

NODE_PATIENCE: Mapping[NodePhase, Patience[NodeReason]] = {
    NodePhase.REQUESTED: Patience(
        limit=timedelta(minutes=2),
        exhausted=NodeReason.REQUESTED_DEADLINE,
        remedy="check that Moorage may update node claims (RBAC)",
    ),
    NodePhase.LAUNCHING: Patience(
        limit=timedelta(minutes=14),
        exhausted=NodeReason.LAUNCH_DEADLINE,
        remedy="`az aks nodepool show` tells what AKS is at; another instance type may be quicker",
    ),
    NodePhase.REGISTERING: Patience(
        limit=timedelta(minutes=5),
        exhausted=NodeReason.REGISTRATION_DEADLINE,
        remedy="check that the pool's subnet reaches the cluster's API (egress, DNS, firewall)",
    ),
    NodePhase.INITIALIZING: Patience(
        limit=timedelta(minutes=8),
        exhausted=NodeReason.INITIALIZATION_DEADLINE,
        remedy="check the GPU driver and the device plugin on the node",
    ),
    NodePhase.UNHEALTHY: Patience(
        limit=timedelta(minutes=15),
        exhausted=NodeReason.NODE_UNHEALTHY,
        remedy="nothing to do: AKS tries to repair it first, then it is replaced",
    ),
    NodePhase.DRAINING: Patience(
        limit=timedelta(minutes=5),
        exhausted=NodeReason.DRAINING,
        remedy="look for pod disruption budgets that allow no disruption",
    ),
    NodePhase.TERMINATING: Patience(
        limit=timedelta(minutes=30),
        exhausted=NodeReason.TERMINATION_OVERDUE,
        remedy="`az aks nodepool show` tells why it stays; nothing is let go until it is gone",
    ),
}

BUDGETS_RESPECTED = timedelta(minutes=10)
"""So long a deletion heeds disruption budgets; AKS itself gives a drain up after as much."""


def node_deadline(phase: NodePhase, now: datetime) -> datetime | None:
    """When ``phase``, entered now, stops waiting; None for the phases that rest."""
    patience = NODE_PATIENCE.get(phase)
    return None if patience is None else now + patience.limit


def node_wake_at(state: NodeState, now: datetime) -> datetime:
    """When the machine wants to look again, if nothing wakes it before."""
    wakes = [now + LOOK_AGAIN]
    if state.deadline is not None:
        wakes.append(state.deadline)
    if state.usable_since is not None:
        wakes.append(state.usable_since + STABLE)
    return min(wake for wake in wakes if wake > now)
