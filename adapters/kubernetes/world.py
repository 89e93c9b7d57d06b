"""The cluster as the engine's world: observed from live copies, changed by idempotent calls."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from adapters.kubernetes import reading
from adapters.kubernetes.changes import Changes
from adapters.kubernetes.client import Object
from adapters.kubernetes.kinds import NODE, NODE_POOL, POD, SERVICE, STATEFUL_SET
from adapters.kubernetes.labels import owner_of, owner_uid
from adapters.kubernetes.manifests import TRITON_GRPC_PORT, Images
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.node_pools import NodeClass, NodePools, observed, pooled
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.owned import OwnedObjects
from adapters.kubernetes.performing import Performer
from adapters.kubernetes.spare_nodes import SpareNodes
from engine.action import Action
from engine.observation import Answer, Holding, NodeClaim, Observation, Replica
from engine.ports import Clock
from engine.provisioning import Provisioner
from engine.replacement import vanished
from engine.workspace import Endpoints, Workspace, WorkspaceRef


class Canaries(Protocol):
    """Asks models for one token, again and again, in the background."""

    async def run(self) -> None: ...

    def watch_over(self, ref: WorkspaceRef, model: str, addresses: Mapping[str, str]) -> None:
        """Asks from now on just these replicas of the workspace: ``host:port`` by pod uid."""
        ...

    def last(self, uid: str) -> tuple[Answer, str]:
        """What the replica answered last, and why it was silent."""
        ...


class KubernetesWorld:
    """Implements ``engine.ports.World``; ``run`` keeps its view live."""

    def __init__(
        self,
        objects: KubernetesObjects,
        *,
        clock: Clock,
        images: Images,
        canaries: Callable[[Callable[[WorkspaceRef], None]], Canaries],
        provisioner: Provisioner = Provisioner.NODE_CLAIM,
        dialect: NodeDialect = NODE_CLAIM_DIALECT,
        node_class: NodeClass | None = None,
    ) -> None:
        """``canaries`` is given the function to call when a model's answer changes.

        ``node_class`` is what NodePools refer to; None means Azure's default.
        """
        with_pools = provisioner is Provisioner.NODE_POOL
        pools = NodePools(objects, node_class) if with_pools else None
        self._changes = Changes[WorkspaceRef]()
        self._clock = clock
        self._provisioner = provisioner
        self._dialect = dialect
        others = (NODE_POOL,) if with_pools else ()
        self._owned = OwnedObjects(objects, self._changes.add, dialect, others)
        self._spare = SpareNodes(objects, self._changes.add)
        self._performer = Performer(objects, images, dialect, pools)
        self._canaries = canaries(self._changes.add)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._owned.run(), name="owned objects")
            tasks.create_task(self._spare.run(), name="spare nodes")
            tasks.create_task(self._canaries.run(), name="canaries")

    async def observe(self, workspace: Workspace) -> Observation:
        """Raises Unreachable."""
        await self._owned.listed()
        await self._spare.listed()
        claims = await self._claims(workspace)
        between = await self._between_copies(workspace)
        ours = [node for node in between if owner_uid(node) == workspace.uid]
        free = [node for node in between if owner_of(node) is None]
        ref = workspace.ref
        owned = partial(self._owned.of, workspace=workspace)
        pods = list(owned(POD))
        self._ask_models(workspace, pods)
        services = list(owned(SERVICE))
        workloads = [reading.workload(item) for item in owned(STATEFUL_SET)]
        front = [item for item in services if item["metadata"]["name"] == ref.name]
        return Observation(
            at=self._clock.now(),
            claims=claims,
            node_pool=next(map(observed, owned(NODE_POOL)), None),
            pooled_claims=self._pooled_claims(workspace),
            provisioner=self._provisioner,
            nodes=tuple(reading.node(item) for item in [*owned(NODE), *ours]),
            spare_nodes=tuple(reading.node(it) for it in [*self._spare.of(workspace), *free]),
            workload=workloads[0] if workloads else None,
            replicas=tuple(self._replica(pod) for pod in pods),
            services=tuple(item["metadata"]["name"] for item in services),
            endpoints=reading.endpoints(front[0]) if front else Endpoints(),
        )

    async def _claims(self, workspace: Workspace) -> tuple[NodeClaim, ...]:
        """A claim that was seen and is not in the copy is looked for: the copy may lag."""
        held = {
            item["metadata"]["name"]: reading.node_claim(item, self._dialect)
            for item in self._owned.of(self._dialect.kind, workspace)
            if not pooled(item)
        }
        for name in vanished(workspace, held.keys()):
            found = await self._performer.find_claim(name)
            if found is not None:
                held[name] = found
        return tuple(held[name] for name in sorted(held))

    def _pooled_claims(self, workspace: Workspace) -> tuple[NodeClaim, ...]:
        claims = self._owned.of(self._dialect.kind, workspace)
        return tuple(reading.node_claim(it, self._dialect) for it in claims if pooled(it))

    async def _between_copies(self, workspace: Workspace) -> list[Object]:
        """Nodes of the user's that were just marked have left one copy, and may be in no other."""
        held = [*self._owned.of(NODE, workspace), *self._spare.of(workspace)]
        names = {item["metadata"]["name"] for item in held}
        missing = [name for name in workspace.machine.own_nodes if name not in names]
        found = [await self._performer.find_node(name) for name in missing]
        return [node for node in found if node is not None]

    async def perform(self, workspace: Workspace, action: Action) -> None:
        await self._performer.perform(workspace, action)

    async def inventory(self) -> Sequence[Holding]:
        return await self._performer.inventory()

    async def release(self, holding: Holding) -> None:
        await self._performer.release(holding)

    def changes(self) -> AsyncIterator[WorkspaceRef]:
        return self._changes.told()

    def _ask_models(self, workspace: Workspace, pods: list[Object]) -> None:
        plan = workspace.machine.plan
        addresses = {
            pod["metadata"]["uid"]: f"{pod['status']['podIP']}:{TRITON_GRPC_PORT}"
            for pod in pods
            if _may_be_asked(reading.replica(pod)) and "podIP" in pod.get("status", {})
        }
        self._canaries.watch_over(workspace.ref, plan.preset if plan else "", addresses)

    def _replica(self, pod: Object) -> Replica:
        answer, silence = self._canaries.last(pod["metadata"]["uid"])
        return reading.replica(pod, answer, silence)


def _may_be_asked(replica: Replica) -> bool:
    return replica.ready and not replica.simulated and not replica.releasing
