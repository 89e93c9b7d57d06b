"""What a phase asks of the world: idempotent ensures, each a value.

Names are made here, from the workspace's uid, so that asking twice is asking once.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from engine.provisioning import Provisioner
from engine.workspace import Plan, Workspace, WorkspaceRef, WorkspaceSpec

LONGEST_WORKLOAD_NAME = 52
LONGEST_NODE_POOL_NAME = 63
"""Nodes bear it as a label."""


class Resource(StrEnum):
    """A kind of object that a workspace owns."""

    NODE_CLAIMS = "node claims"
    NODE_POOL = "node pool"
    WORKLOAD = "workload"
    SERVICES = "services"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFinalizer:
    """Nothing may be created for a workspace that could vanish unseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureNodeClaims:
    """One claim a node, all asked for in one pass."""

    names: tuple[str, ...]
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureNodePool:
    """The NodePool of ``replicas`` nodes, whose claims are Karpenter's to make.

    ``version`` is the one to be changed, "" where there was none.
    """

    plan: Plan
    replicas: int
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeNodes:
    """Marks nodes of the user's as this workspace's, unless they are another's by then."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNodes:
    """Takes the marks off again; the nodes stay."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureServices:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureWorkload:
    """The StatefulSet at ``revision``, a digest of all that shapes its pods.

    ``version`` is the one to be changed, "" where there was none: whoever slept meanwhile must not
    turn back what another has done.
    """

    plan: Plan
    revision: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleWorkload:
    """Only the number of replicas: pods stay as they are while a change cannot be planned."""

    replicas: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceReplica:
    """Deletes one pod, by uid, so that its StatefulSet makes it anew."""

    name: str
    uid: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Deletes the objects of this kind that the workspace owns: all, or just those named."""

    resource: Resource
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFinalizer:
    """Only once nothing is left; the adapter looks again before it lets go."""


Action = (
    HoldFinalizer
    | EnsureNodeClaims
    | EnsureNodePool
    | TakeNodes
    | ReleaseNodes
    | EnsureServices
    | EnsureWorkload
    | ScaleWorkload
    | ReplaceReplica
    | Release
    | ReleaseFinalizer
)


def node_claim_names(workspace: Workspace, plan: Plan) -> tuple[str, ...]:
    """``ws`` and nine hex digits: AKS takes 12 lower-case letters and digits for a pool's name."""
    return tuple(
        "ws" + _digest(workspace.uid, str(ordinal), *_incarnation(workspace, ordinal))[:9]
        for ordinal in range(claim_count(workspace, plan))
    )


def claim_count(workspace: Workspace, plan: Plan) -> int:
    """How many nodes are to be provisioned: those that the workspace has none of its own for."""
    if plan.provisioner is not Provisioner.NODE_CLAIM:
        return 0
    return plan.node_count - len(workspace.machine.own_nodes)


def node_pool_size(workspace: Workspace, plan: Plan) -> int:
    """As ``claim_count``, where a NodePool provides them."""
    if plan.provisioner is not Provisioner.NODE_POOL:
        return 0
    return plan.node_count - len(workspace.machine.own_nodes)


def node_pool_name(ref: WorkspaceRef) -> str:
    """Namespace and name; where that is too long, cut and told apart by a digest."""
    whole = f"{ref.namespace}-{ref.name}"
    if len(whole) <= LONGEST_NODE_POOL_NAME:
        return whole
    return f"{whole[: LONGEST_NODE_POOL_NAME - 10]}-{_digest(whole)[:9]}"


def _incarnation(workspace: Workspace, ordinal: int) -> tuple[str, ...]:
    """Which of the claims that a node may have had so far is meant."""
    state = workspace.machine
    replaced = state.replacements[ordinal] if ordinal < len(state.replacements) else 0
    marks = (("candidate", state.candidate), ("replacement", replaced))
    return str(state.attempt), *(f"{mark} {count}" for mark, count in marks if count)


def workload_name(ref: WorkspaceRef) -> str:
    """The workspace's name, shortened where its pods' labels could not hold it.

    The pods bear ``<name>-<hash of 10>`` as a label, which ends at 63 characters
    (kubernetes/kubernetes issue 64023).
    """
    if len(ref.name) <= LONGEST_WORKLOAD_NAME:
        return ref.name
    return f"{ref.name[: LONGEST_WORKLOAD_NAME - 9]}-{_digest(ref.name)[:8]}"


def headless_service_name(ref: WorkspaceRef) -> str:
    return f"{workload_name(ref)}-headless"


def service_names(ref: WorkspaceRef) -> tuple[str, str]:
    """The Service users talk to, and the headless one that names the pods."""
    return ref.name, headless_service_name(ref)


def workload_revision(spec: WorkspaceSpec, plan: Plan) -> str:
    """Changes exactly when the pods must."""
    return _digest(repr(spec.inference), repr(plan))[:10]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
