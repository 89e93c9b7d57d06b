"""The node claim as the node engine sees it: what was asked for, and where its machine stands.

Field names follow Karpenter's NodeClaim API (``karpenter.sh/v1``) in Python's spelling.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.capacity_type import CapacityType
from engine.nodes.agent_pool import Taint
from engine.nodes.phase import NodePhase
from engine.nodes.reason import NodeReason

FINALIZER = "karpenter.sh/termination"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class NodeClaimRef:
    """Node claims are cluster-scoped: the name says all."""

    name: str

    def __str__(self) -> str:
        return f"node claim {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClaimSpec:
    """``instance_type`` "" where the claim asks for none; ``disk_gib`` 0 where it names no size."""

    instance_type: str
    capacity_type: CapacityType = CapacityType.ON_DEMAND
    disk_gib: int = 0
    os_sku: str = "Ubuntu"
    zones: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    startup_taints: tuple[Taint, ...] = ()


class ClaimConditionType(StrEnum):
    """Karpenter's, exact."""

    LAUNCHED = "Launched"
    REGISTERED = "Registered"
    INITIALIZED = "Initialized"
    READY = "Ready"
    DRAINED = "Drained"
    INSTANCE_TERMINATING = "InstanceTerminating"


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCondition:
    """A condition as Karpenter's consumers read it."""

    type: ClaimConditionType
    status: ConditionStatus
    reason: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePassage:
    """One passage of the machine from a phase to another."""

    source: NodePhase
    destination: NodePhase
    at: datetime
    reason: NodeReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """What the machine remembers; kept on the claim itself.

    ``deadline`` is the instant at which this phase stops waiting, None where it rests, or waits for
    a pool that somebody stopped.
    ``usable_since`` is since when the node has been fit for work without a break. ``pool_state`` is
    AKS's own word for the state of the claim's pool, "" while there is none.

    What follows is what Karpenter's consumers read; ``capacity`` and ``allocatable`` are those of
    the Node, as quantities of Kubernetes.
    """

    phase: NodePhase = NodePhase.REQUESTED
    since: datetime
    deadline: datetime | None = None
    reason: NodeReason = NodeReason.FINALIZER_PENDING
    message: str = ""
    waiting_for: str = ""
    remedy: str = ""
    usable_since: datetime | None = None
    pool_state: str = ""
    node_name: str = ""
    provider_id: str = ""
    zone: str = ""
    capacity: Mapping[str, str] = field(default_factory=dict)
    allocatable: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[ClaimCondition, ...] = ()
    history: tuple[NodePassage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClaim:
    """A stored claim of ours; ``resource_version`` guards every write."""

    ref: NodeClaimRef
    uid: str
    resource_version: str
    created: datetime
    spec: NodeClaimSpec
    machine: NodeState
    deletion_requested: datetime | None = None
    finalizer_held: bool = False
