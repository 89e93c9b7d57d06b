"""What the node engine asks of the outside; the adapters implement these.

Calls raise only the errors of ``engine.errors``.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from engine.nodes.action import NodeAction
from engine.nodes.agent_pool import AgentPool
from engine.nodes.claim import NodeClaim, NodeClaimRef
from engine.nodes.explanation import NodeClaimExplanation
from engine.nodes.observation import NodeObservation
from engine.workspace import Workspace


class NodeClaimStore(Protocol):
    """The claims that are ours to fulfil; of others' it knows nothing."""

    async def get(self, ref: NodeClaimRef, /) -> NodeClaim:
        """Raises NotFound (also where the claim is not ours), Unreachable."""
        ...

    async def save(self, claim: NodeClaim, /) -> NodeClaim:
        """Writes the machine's state. Raises Stale, NotFound, Unreachable."""
        ...

    async def listed(self) -> tuple[Sequence[NodeClaim], str]:
        """All of them, and the revision at which that was so. Raises Unreachable, TokenExpired."""
        ...

    def changed(self, since: str) -> AsyncIterator[NodeClaimRef]:
        """Those that come, change or go after a revision. Raises Unreachable, WatchExpired."""
        ...


class NodeClaimReader(Protocol):
    """Every claim of a workspace, whichever provisioner drives it."""

    async def of_workspace(self, workspace: Workspace, /) -> Sequence[NodeClaimExplanation]:
        """In order of name; none where the cluster knows no node claims. Raises Unreachable."""
        ...


class NodeWorld(Protocol):
    """The machines behind the claims: pools of the cloud, Nodes of the cluster."""

    async def observe(self, claim: NodeClaim, /) -> NodeObservation: ...

    async def perform(self, claim: NodeClaim, action: NodeAction, /) -> None:
        """Idempotent: performing it twice is performing it once. Raises ActionFailed."""
        ...

    def changes(self) -> AsyncIterator[NodeClaimRef]:
        """The claims of whose machines something has changed, without end."""
        ...

    async def inventory(self) -> Sequence[AgentPool]:
        """Every pool that we ever made and that is still there. Raises Unreachable."""
        ...

    async def release(self, pool: AgentPool) -> None:
        """Deletes a pool that belongs to nobody. Raises Unreachable."""
        ...
