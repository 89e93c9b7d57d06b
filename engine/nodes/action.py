"""What a phase of a node claim asks of the world: idempotent ensures, each a value."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.nodes.agent_pool import AgentPool, AgentPoolRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldClaimFinalizer:
    """No machine may be made for a claim that could vanish unseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAgentPool:
    """If there is none of that name."""

    request: AgentPoolRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNode:
    """Gives the node those labels, where it has others or none."""

    node: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainNode:
    """Keeps new pods off the node and evicts those on it, as their disruption budgets allow."""

    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAgentPool:
    """The pool as it was seen: one that changed since is looked at again first."""

    pool: AgentPool
    ignore_disruption_budgets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortPoolOperation:
    """Whatever AKS is at with the pool, and does not end: nothing else can be done to it before."""

    pool: AgentPool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNode:
    """A Node whose machine is gone; by uid, since a name may be used again."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseClaimFinalizer:
    """Only once the cloud says that nothing is left; the adapter asks it again before."""


NodeAction = (
    HoldClaimFinalizer
    | CreateAgentPool
    | LabelNode
    | DrainNode
    | AbortPoolOperation
    | DeleteAgentPool
    | DeleteNode
    | ReleaseClaimFinalizer
)
