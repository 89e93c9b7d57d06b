"""The machines behind node claims: AKS's agent pools, and the Nodes that come of them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import assert_never

from adapters.aks.pool_copy import ListIntervals, PoolCopy
from adapters.kubernetes.changes import Changes
from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.finalizers import Finalizer
from adapters.kubernetes.kinds import NODE
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.nodes import POOL_LABEL, must_leave, pool_node, pool_of
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reflector import Reflector
from engine.errors import ActionFailed, Unreachable
from engine.nodes.action import (
    AbortPoolOperation,
    CreateAgentPool,
    DeleteAgentPool,
    DeleteNode,
    DrainNode,
    HoldClaimFinalizer,
    LabelNode,
    NodeAction,
    ReleaseClaimFinalizer,
)
from engine.nodes.agent_pool import (
    AgentPool,
    AgentPools,
    CloudError,
    CloudRefused,
    PoolState,
)
from engine.nodes.claim import FINALIZER, NodeClaim, NodeClaimRef
from engine.nodes.observation import NodeObservation, PoolNode
from engine.nodes.phase import NodePhase
from engine.ports import Clock

_PRECONDITION_FAILED = 412
_MAY_HAVE_NO_POOL = frozenset({NodePhase.REQUESTED, NodePhase.LAUNCHING})


class AksNodeWorld:
    """Implements ``engine.nodes.ports.NodeWorld``; ``run`` keeps its view live."""

    def __init__(
        self,
        objects: KubernetesObjects,
        pools: AgentPools,
        *,
        clock: Clock,
        intervals: ListIntervals | None = None,
        dialect: NodeDialect = NODE_CLAIM_DIALECT,
    ) -> None:
        self._objects = objects
        self._finalizer = Finalizer(objects, dialect.kind, FINALIZER)
        self._pools = pools
        self._clock = clock
        self._copy = PoolCopy(pools, on_change=self._mark, intervals=intervals)
        self._nodes: dict[str, dict[str, Object]] = defaultdict(dict)
        self._reflector = Reflector(
            objects, NODE, labels=POOL_LABEL, on_held=self._hold, on_gone=self._drop
        )
        self._refusals: dict[str, CloudError] = {}
        """By claim uid: what Azure last answered to our asking for its pool."""
        self._changes = Changes[NodeClaimRef]()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._copy.run(), name="agent pools")
            tasks.create_task(self._reflector.run(), name="nodes of agent pools")

    async def observe(self, claim: NodeClaim, /) -> NodeObservation:
        await self._copy.heard()
        await self._reflector.listed()
        pool = await self._pool(claim)
        return NodeObservation(
            at=self._clock.now(),
            pool=pool,
            nodes=tuple([await self._node(claim, item) for item in self._items(claim.ref.name)]),
            refusal=self._refusals.get(claim.uid) or self._never_listed(),
        )

    def _items(self, pool: str) -> Sequence[Object]:
        held = self._nodes.get(pool, {})
        return [held[name] for name in sorted(held)]

    async def _pool(self, claim: NodeClaim) -> AgentPool | None:
        """Azure's lists may lag: a pool that is missed is looked for by its name.

        Where Azure will not tell, what was there is not taken for gone, and deadlines run on.
        """
        name = claim.ref.name
        listed = self._copy.get(name)
        if listed is not None or claim.machine.phase in _MAY_HAVE_NO_POOL:
            return listed
        try:
            return await self._pools.get(name)
        except CloudRefused as refused:
            told = f"Azure will not tell: {refused}"
            return AgentPool(name=name, state=PoolState.UNKNOWN, told=told, owner=claim.uid)

    def _never_listed(self) -> CloudError | None:
        """Why Azure has not told us of any pool yet, in which case it will not make one either."""
        failure = self._copy.failure
        if self._copy.as_of is None and isinstance(failure, CloudRefused):
            return failure.error
        return None

    async def _node(self, claim: NodeClaim, item: Object) -> PoolNode:
        """Its pods are asked for only where they are waited for."""
        if claim.deletion_requested is None or claim.machine.phase is NodePhase.TERMINATING:
            return pool_node(item)
        try:
            pods = await self._objects.pods_on(item["metadata"]["name"])
        except KubernetesRefusal as error:
            raise Unreachable(f"pods of {item['metadata']['name']}: {error}") from error
        return pool_node(item, pods=sum(must_leave(pod) for pod in pods))

    async def perform(self, claim: NodeClaim, action: NodeAction, /) -> None:
        """Raises ActionFailed for whatever is refused, and where nobody answers."""
        try:
            await self._dispatch(claim, action)
        except KubernetesRefusal as error:
            raise ActionFailed(error.message, code=error.reason) from error
        except CloudRefused as refused:
            raise ActionFailed(str(refused), code=refused.error.code) from refused
        except Unreachable as error:
            raise ActionFailed(str(error), code="Unreachable") from error

    async def _dispatch(self, claim: NodeClaim, action: NodeAction) -> None:
        match action:
            case HoldClaimFinalizer():
                await self._finalizer.hold(claim.ref, claim.uid)
            case CreateAgentPool():
                await self._create(claim, action)
            case LabelNode():
                labels = {"metadata": {"labels": dict(action.labels)}}
                await self._objects.merge(NODE, action.node, "", labels)
            case DrainNode():
                await self._drain(action.node)
            case AbortPoolOperation():
                await self._pools.abort(action.pool)
            case DeleteAgentPool():
                await self._delete(action.pool, ignore=action.ignore_disruption_budgets)
            case DeleteNode():
                await self._objects.delete_if_there(NODE, action.name, uid=action.uid)
            case ReleaseClaimFinalizer():
                await self._release_finalizer(claim)
            case _:
                assert_never(action)

    async def _create(self, claim: NodeClaim, action: CreateAgentPool) -> None:
        try:
            pool = await self._pools.create(action.request)
        except CloudRefused as refused:
            if refused.error.status == _PRECONDITION_FAILED:
                await self._adopt(claim)
                return
            self._refusals[claim.uid] = refused.error
            raise
        self._refusals.pop(claim.uid, None)
        self._copy.put(pool)
        self._copy.soon()

    async def _adopt(self, claim: NodeClaim) -> None:
        """There is a pool of that name: an answer was lost, a list lags, or it is another's."""
        self._refusals.pop(claim.uid, None)
        await self._look_at(claim.ref.name)

    async def _look_at(self, pool: str) -> None:
        found = await self._pools.get(pool)
        if found is not None:
            self._copy.put(found)

    async def _delete(self, pool: AgentPool, *, ignore: bool) -> None:
        try:
            await self._pools.delete(pool, ignore_disruption_budgets=ignore)
        except CloudRefused as refused:
            if refused.error.status != _PRECONDITION_FAILED:
                raise
            await self._look_at(pool.name)  # and decide again by what it is now
        self._copy.soon()

    async def _drain(self, node: str) -> None:
        await self._objects.merge(NODE, node, "", {"spec": {"unschedulable": True}})
        staying = None
        for pod in await self._objects.pods_on(node):
            if must_leave(pod) and "deletionTimestamp" not in pod["metadata"]:
                try:
                    await self._objects.evict(pod)
                except KubernetesRefusal as error:
                    staying = error
        if staying is not None:
            raise staying

    async def _release_finalizer(self, claim: NodeClaim) -> None:
        """Asks Azure once more, past every copy: what is left now is paid for for ever."""
        left = await self._pools.get(claim.ref.name)
        if left is not None and left.owner == claim.uid:
            self._copy.put(left)
            raise ActionFailed(f"agent pool {left.name} is still there", code="NotEmpty")
        self._refusals.pop(claim.uid, None)
        await self._finalizer.release(claim.ref, claim.uid)

    def changes(self) -> AsyncIterator[NodeClaimRef]:
        return self._changes.told()

    async def inventory(self) -> Sequence[AgentPool]:
        try:
            return [pool for pool in await self._pools.list() if pool.owner]
        except CloudRefused as refused:
            raise Unreachable(f"the agent pools cannot be listed: {refused}") from refused

    async def release(self, pool: AgentPool) -> None:
        try:
            await self._delete(pool, ignore=True)
        except CloudRefused as refused:
            raise Unreachable(f"agent pool {pool.name}: {refused}") from refused

    def _hold(self, node: Object) -> None:
        self._nodes[pool_of(node)][node["metadata"]["name"]] = node
        self._mark(pool_of(node))

    def _drop(self, node: Object) -> None:
        pool = pool_of(node)
        self._nodes[pool].pop(node["metadata"]["name"], None)
        if not self._nodes[pool]:
            del self._nodes[pool]
        self._mark(pool)

    def _mark(self, pool: str) -> None:
        """The claim bears the pool's name."""
        self._changes.add(NodeClaimRef(name=pool))
