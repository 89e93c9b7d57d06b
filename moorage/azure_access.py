"""The Azure side of one managed cluster, for what serves it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from azure.mgmt.containerservice.aio import ContainerServiceClient

from adapters.aks.agent_pools import AksAgentPools
from adapters.aks.client import ManagedCluster, arm_client


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAccess:
    place: ManagedCluster
    client: ContainerServiceClient
    pools: AksAgentPools


@asynccontextmanager
async def azure_access(place: ManagedCluster) -> AsyncIterator[AzureAccess]:
    """Asks nothing before it is used."""
    async with arm_client(place) as client:
        yield AzureAccess(place=place, client=client, pools=AksAgentPools(client, place))
