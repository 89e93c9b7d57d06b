"""One engine: everything between the Kubernetes API and the drivers, composed.

The same on a real cluster, in the embedded stack and in the simulation.
"""

import asyncio
from collections.abc import Callable

from adapters.kubernetes.events import KubernetesEvents
from adapters.kubernetes.manifests import Images
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.node_pools import NodeClass
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.workspaces import KubernetesWorkspaces
from adapters.kubernetes.world import Canaries, KubernetesWorld
from engine.fleet import Fleet
from engine.ports import Clock
from engine.provisioning import Provisioner
from engine.workspace import WorkspaceRef
from engine.workspaces import Workspaces


async def run_engine(
    objects: KubernetesObjects,
    *,
    clock: Clock,
    canaries: Callable[[Callable[[WorkspaceRef], None]], Canaries],
    provisioner: Provisioner = Provisioner.NODE_CLAIM,
    dialect: NodeDialect = NODE_CLAIM_DIALECT,
    node_class: NodeClass | None = None,
) -> None:
    """Until cancelled. ``node_class`` is what NodePools refer to; None means Azure's default."""
    world = KubernetesWorld(
        objects,
        clock=clock,
        images=Images(),
        canaries=canaries,
        provisioner=provisioner,
        dialect=dialect,
        node_class=node_class,
    )
    workspaces = Workspaces(
        store=KubernetesWorkspaces(objects),
        world=world,
        clock=clock,
        report=KubernetesEvents(objects, clock),
    )
    async with asyncio.TaskGroup() as parts:
        parts.create_task(world.run(), name="world")
        parts.create_task(Fleet(workspaces).run(), name="fleet")
