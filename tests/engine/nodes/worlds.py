"""Small, whole worlds for the node engine: they keep the ports' contracts, in memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from engine.errors import NotFound, Stale, Unreachable
from engine.nodes.action import NodeAction
from engine.nodes.agent_pool import AgentPool
from engine.nodes.claim import NodeClaim, NodeClaimRef
from engine.nodes.observation import NodeObservation
from tests.engine.nodes.scenes import nothing


class KeptClaims:
    """Versions count up with each write."""

    def __init__(self, *claims: NodeClaim) -> None:
        self.held = {claim.ref: claim for claim in claims}

    async def get(self, ref: NodeClaimRef, /) -> NodeClaim:
        if ref not in self.held:
            raise NotFound(str(ref))
        return self.held[ref]

    async def save(self, claim: NodeClaim, /) -> NodeClaim:
        held = await self.get(claim.ref)
        if held.resource_version != claim.resource_version:
            raise Stale(str(claim.ref))
        version = str(int(claim.resource_version) + 1)
        self.held[claim.ref] = replace(claim, resource_version=version)
        return self.held[claim.ref]

    async def listed(self) -> tuple[Sequence[NodeClaim], str]:
        return list(self.held.values()), "1"

    async def changed(self, since: str) -> AsyncIterator[NodeClaimRef]:
        for ref in self.held:
            yield ref


class ShownWorld:
    """Shows what it is given; pools are released one by one, or not at all where ``silent``."""

    def __init__(self, *pools: AgentPool) -> None:
        self.pools = {pool.name: pool for pool in pools}
        self.performed: list[NodeAction] = []
        self.seen = nothing()
        self.silent = False

    async def observe(self, claim: NodeClaim, /) -> NodeObservation:
        return self.seen

    async def perform(self, claim: NodeClaim, action: NodeAction, /) -> None:
        self.performed.append(action)

    async def changes(self) -> AsyncIterator[NodeClaimRef]:
        for name in self.pools:
            yield NodeClaimRef(name=name)

    async def inventory(self) -> Sequence[AgentPool]:
        if self.silent:
            raise Unreachable("no answer")
        return list(self.pools.values())

    async def release(self, pool: AgentPool) -> None:
        del self.pools[pool.name]
