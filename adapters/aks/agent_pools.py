"""The agent pools of one AKS cluster, through the official asyncio client."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from azure.core import MatchConditions
from azure.mgmt.containerservice.aio import ContainerServiceClient

from adapters.aks.agent_pool_codec import decode, encode
from adapters.aks.client import ManagedCluster
from adapters.aks.errors import answered
from adapters.aks.holds import SUBSCRIPTION, Holds, put_of
from adapters.aks.pace import Pace
from engine.errors import Unreachable
from engine.nodes.agent_pool import AgentPool, AgentPoolRequest, CloudError, CloudRefused, PoolState
from engine.nodes.guards import POOL_NAME

_CONFLICT = 409


class AksAgentPools:
    """Implements ``engine.nodes.agent_pool.AgentPools``."""

    def __init__(self, client: ContainerServiceClient, cluster: ManagedCluster) -> None:
        self._pools = client.agent_pools
        self._group = cluster.resource_group
        self._cluster = cluster.name
        self._holds = Holds()
        self._pace = Pace()

    async def get(self, name: str) -> AgentPool | None:
        if not POOL_NAME.fullmatch(name):
            return None  # AKS would call the question wrong, and whoever asks could never let go
        try:
            async with self._asking(SUBSCRIPTION):
                return decode(await self._pools.get(self._group, self._cluster, name))
        except CloudRefused as refused:
            if _no_such_pool(refused.error):
                return None
            raise

    async def list(self) -> Sequence[AgentPool]:
        async with self._asking(SUBSCRIPTION):
            return [decode(pool) async for pool in self._pools.list(self._group, self._cluster)]

    async def create(self, request: AgentPoolRequest) -> AgentPool:
        self._pace.spend(request.name)
        try:
            return await self._begin_create(request)
        except (CloudRefused, Unreachable) as failure:
            self._pace.failed(request.name, failure)
            raise

    async def _begin_create(self, request: AgentPoolRequest) -> AgentPool:
        async with self._asking(put_of(request.name)):
            begun = await self._pools.begin_create_or_update(
                self._group,
                self._cluster,
                request.name,
                encode(request),
                match_condition=MatchConditions.IfMissing,
                polling=False,
            )
            return decode(await begun.result())

    async def abort(self, pool: AgentPool) -> None:
        try:
            async with self._asking(SUBSCRIPTION):
                await self._pools.begin_abort_latest_operation(
                    self._group, self._cluster, pool.name, polling=False
                )
        except CloudRefused as refused:
            if not (_no_such_pool(refused.error) or refused.error.status == _CONFLICT):
                raise

    async def delete(self, pool: AgentPool, *, ignore_disruption_budgets: bool = False) -> None:
        if pool.state is PoolState.DELETING:
            return
        try:
            await self._begin_delete(pool, ignore_disruption_budgets=ignore_disruption_budgets)
        except CloudRefused as refused:
            if not (_no_such_pool(refused.error) or await self._is_going(pool, refused.error)):
                raise

    async def _begin_delete(self, pool: AgentPool, *, ignore_disruption_budgets: bool) -> None:
        async with self._asking(SUBSCRIPTION):
            await self._pools.begin_delete(
                self._group,
                self._cluster,
                pool.name,
                ignore_pod_disruption_budget=ignore_disruption_budgets or None,
                etag=pool.etag or None,
                match_condition=MatchConditions.IfNotModified if pool.etag else None,
                polling=False,
            )

    async def _is_going(self, pool: AgentPool, error: CloudError) -> bool:
        """Whether the operation in the way is the very one that was asked for."""
        if error.status != _CONFLICT:
            return False
        now = await self.get(pool.name)
        return now is None or now.state is PoolState.DELETING

    @asynccontextmanager
    async def _asking(self, scope: str) -> AsyncIterator[None]:
        """Refuses what is held, and holds what Azure throttles."""
        self._holds.heed(scope)
        try:
            async with answered():
                yield
        except CloudRefused as refused:
            self._holds.take(scope, refused.error)
            raise


def _no_such_pool(error: CloudError) -> bool:
    """AKS itself says so. ARM's own 404s, of other codes, mean that the cluster is missing."""
    return error.status == 404 and error.code == "NotFound"  # noqa: PLR2004 - HTTP's own number
