"""All node claims that are ours, as a fleet of drivers sees them."""

import logging
from collections.abc import AsyncIterator, Sequence

from engine.driver import Driver
from engine.errors import Unreachable
from engine.nodes.action import NodeAction
from engine.nodes.claim import NodeClaim, NodeClaimRef
from engine.nodes.inventory import orphaned_pools
from engine.nodes.observation import NodeObservation
from engine.nodes.ports import NodeClaimStore, NodeWorld
from engine.nodes.step import node_turn
from engine.ports import Clock
from engine.report import Report

log = logging.getLogger(__name__)

NodeClaimDriver = Driver[NodeClaimRef, NodeClaim, NodeObservation, NodeAction]


class NodeClaims:
    """Implements ``engine.fleet.Subjects``."""

    def __init__(
        self,
        *,
        store: NodeClaimStore,
        world: NodeWorld,
        clock: Clock,
        report: Report[NodeClaim],
    ) -> None:
        self._store = store
        self._world = world
        self._clock = clock
        self._report = report
        self._suspects: frozenset[str] = frozenset()
        """Owners of pools that the last sweep found without a claim."""

    def driver(self, ref: NodeClaimRef) -> NodeClaimDriver:
        return Driver(
            ref,
            step=node_turn,
            store=self._store,
            world=self._world,
            clock=self._clock,
            report=self._report,
        )

    async def listed(self) -> tuple[Sequence[NodeClaimRef], str]:
        claims, revision = await self._store.listed()
        return [claim.ref for claim in claims], revision

    def changed(self, since: str) -> AsyncIterator[NodeClaimRef]:
        return self._store.changed(since)

    def concerned(self) -> AsyncIterator[NodeClaimRef]:
        return self._world.changes()

    async def sweep(self) -> None:
        pools = await self._world.inventory()
        claims, _ = await self._store.listed()
        living = {claim.uid for claim in claims}
        orphans, self._suspects = orphaned_pools(pools, living, self._suspects)
        for pool in orphans:
            log.warning(
                "agent pool %s: its claim (uid %s) is gone; deleting it", pool.name, pool.owner
            )
            try:
                await self._world.release(pool)
            except Unreachable as error:  # one that resists must not keep the others
                log.warning("agent pool %s: %s; the next sweep tries again", pool.name, error)
