"""The world at one instant, as one workspace sees it: plain values, no clients."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.provisioning import Provisioner
from engine.reason import Reason
from engine.setback import Setback
from engine.workspace import Endpoints, Offering


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClaim:
    """``reason`` and ``message`` come from the first lifecycle condition that is not True.

    ``refused`` says that its provisioner gave up: asking again will not help. ``reason`` is then
    that of the refusal, a ``NodeReason`` where the provisioner speaks so.
    """

    name: str
    ready: bool
    node: str = ""
    reason: str = ""
    message: str = ""
    refused: bool = False
    releasing: bool = False


class HoldingKind(StrEnum):
    """What a workspace may leave behind: a claim costs, and a marked node serves nobody else."""

    NODE_CLAIM = "node claim"
    NODE_POOL = "node pool"
    OWN_NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """Karpenter's, made for one workspace; ``version`` is the one seen, for guarding changes."""

    name: str
    offering: Offering
    replicas: int
    version: str = ""
    releasing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A claim or a pool of ours, or a node with our marks; ``workspace_uid`` says for whom."""

    kind: HoldingKind = HoldingKind.NODE_CLAIM
    name: str
    uid: str
    workspace_uid: str
    releasing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """``pressures`` are what its kubelet runs short of, such as ``DiskPressure``.

    ``pool`` is the node pool that it was provisioned in, "" for one of the user's own.
    """

    name: str
    ready: bool
    gpus: int
    instance_type: str
    pressures: tuple[str, ...] = ()
    pool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a pod is not where it should be; ``final`` where waiting cannot help."""

    reason: Reason
    message: str
    final: bool = False


class Answer(StrEnum):
    """What the model of a replica said to the canary."""

    SPOKE = "spoke"
    SILENT = "silent"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One pod of the workload.

    ``started``: every container runs. ``ready``: every readiness probe passes. ``progress`` says
    in words what it is at. ``simulated`` is the reason why no model runs here, "" where one does.
    """

    name: str
    uid: str
    revision: str
    started: bool
    ready: bool
    progress: str = ""
    restarts: int = 0
    trouble: Trouble | None = None
    answer: Answer = Answer.NOT_ASKED
    silence: str = ""
    simulated: str = ""
    releasing: bool = False

    @property
    def serving(self) -> bool:
        """The model answers; of a simulated one, its pod's readiness is all there is to know."""
        return self.ready and (bool(self.simulated) or self.answer is Answer.SPOKE)

    @property
    def failing(self) -> bool:
        """It is known not to serve; of a model that nobody has asked yet, nothing is known."""
        return not self.ready or (not self.simulated and self.answer is Answer.SILENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The StatefulSet, whose pods are the replicas; ``replicas`` is how many it is to have.

    ``version`` is the one that was seen, for guarding changes.
    """

    revision: str
    replicas: int
    version: str = ""
    releasing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """``spare_nodes`` are nodes of the user's that match the workspace and are nobody's yet.

    ``provisioner`` is who provides nodes in this cluster. ``claims`` are the workspace's own;
    ``pooled_claims`` are those that Karpenter makes for its pool, and nobody else's to delete.
    """

    at: datetime
    provisioner: Provisioner = Provisioner.NODE_CLAIM
    claims: tuple[NodeClaim, ...] = ()
    node_pool: NodePool | None = None
    pooled_claims: tuple[NodeClaim, ...] = ()
    nodes: tuple[Node, ...] = ()
    spare_nodes: tuple[Node, ...] = ()
    workload: Workload | None = None
    replicas: tuple[Replica, ...] = ()
    services: tuple[str, ...] = ()
    endpoints: Endpoints = field(default_factory=Endpoints)
    setbacks: tuple[Setback, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing that the workspace ever asked for is left."""
        if self.node_pool is not None or self.pooled_claims:
            return False
        return not (self.claims or self.nodes or self.workload or self.replicas or self.services)


def named(claims: Iterable[NodeClaim], names: tuple[str, ...]) -> tuple[NodeClaim, ...]:
    """The claims of those names, in the names' order; missing ones are left out."""
    by_name = {claim.name: claim for claim in claims}
    return tuple(by_name[name] for name in names if name in by_name)
