"""The Azure side of one managed cluster, for what serves it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from azure.mgmt.containerservice.aio import ContainerServiceClient

from adapters.aks.agent_pools import AksAgentPools
from adapters.aks.client import ManagedCluster, arm_client
from adapters.aks.pool_copy import ListIntervals

SIMULATED_INTERVALS = ListIntervals(moving=0.5, resting=10.0, least=0.2)
"""A simulated Azure makes machines in seconds, and a person may be watching."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAccess:
    place: ManagedCluster
    client: ContainerServiceClient
    pools: AksAgentPools

    @property
    def intervals(self) -> ListIntervals:
        return SIMULATED_INTERVALS if self.place.simulated else ListIntervals()


@asynccontextmanager
async def azure_access(place: ManagedCluster) -> AsyncIterator[AzureAccess]:
    """Asks nothing before it is used."""
    async with arm_client(place) as client:
        yield AzureAccess(place=place, client=client, pools=AksAgentPools(client, place))
