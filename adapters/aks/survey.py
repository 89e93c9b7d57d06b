"""What there is before anything is asked for: the cluster, and the region's quota of GPUs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from azure.core.rest import HttpRequest
from azure.mgmt.containerservice import models
from azure.mgmt.containerservice.aio import ContainerServiceClient

from adapters.aks.client import ManagedCluster
from adapters.aks.errors import answered
from engine.instance_types import INSTANCE_TYPES

COMPUTE_API_VERSION = "2024-07-01"

_GPU_FAMILIES = {item.family for item in INSTANCE_TYPES.values() if item.gpus}
_NOISE = re.compile(r"standard|family|[ _]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """``provisioning`` is AKS's own word."""

    location: str
    provisioning: str
    stopped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """vCPUs of one family of sizes in one region, in use and allowed."""

    family: str
    used: int
    limit: int


async def cluster_state(client: ContainerServiceClient, cluster: ManagedCluster) -> ClusterState:
    """Raises CloudRefused, Unreachable."""
    async with answered():
        found = await client.managed_clusters.get(cluster.resource_group, cluster.name)
    properties = found.properties
    power = properties.power_state if properties else None
    return ClusterState(
        location=found.location,
        provisioning=(properties.provisioning_state if properties else None) or "",
        stopped=power is not None and power.code == models.Code.STOPPED,
    )


async def gpu_quotas(client: ContainerServiceClient, cluster: ManagedCluster) -> Sequence[Quota]:
    """Of the families that we know sizes of. Raises CloudRefused, Unreachable."""
    path = (
        f"/subscriptions/{cluster.subscription}/providers/Microsoft.Compute"
        f"/locations/{cluster.location}/usages?api-version={COMPUTE_API_VERSION}"
    )
    async with answered():
        response = await client.send_request(HttpRequest("GET", path))
        response.raise_for_status()
        usages = response.json()["value"]
    families = {_plain(family): family for family in _GPU_FAMILIES}
    return [
        Quota(
            family=families[name],
            used=int(usage["currentValue"]),
            limit=int(usage["limit"]),
        )
        for usage in usages
        if (name := _plain(usage["name"]["value"])) in families
    ]


def _plain(family: str) -> str:
    """Azure spells one family in several ways."""
    return _NOISE.sub("", family).lower()
