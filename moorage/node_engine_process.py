"""One node engine: everything between node claims and the agent pools they become, composed.

The same on a real cluster, in the embedded stack and in the simulation.
"""

import asyncio

from adapters.aks.node_world import AksNodeWorld
from adapters.aks.pool_copy import ListIntervals
from adapters.kubernetes.events import NodeClaimEvents
from adapters.kubernetes.node_claims import KubernetesNodeClaims
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.objects import KubernetesObjects
from engine.fleet import Fleet
from engine.nodes.agent_pool import AgentPools
from engine.nodes.claims import NodeClaims
from engine.ports import Clock


async def run_node_engine(
    objects: KubernetesObjects,
    pools: AgentPools,
    *,
    clock: Clock,
    intervals: ListIntervals | None = None,
    dialect: NodeDialect = NODE_CLAIM_DIALECT,
) -> None:
    """Until cancelled."""
    world = AksNodeWorld(objects, pools, clock=clock, intervals=intervals, dialect=dialect)
    claims = NodeClaims(
        store=KubernetesNodeClaims(objects, dialect),
        world=world,
        clock=clock,
        report=NodeClaimEvents(objects, clock, dialect),
    )
    async with asyncio.TaskGroup() as parts:
        parts.create_task(world.run(), name="machines")
        parts.create_task(Fleet(claims).run(), name="node claims")
