"""Records as ARM shows them. Pure."""

from collections.abc import Sequence
from datetime import datetime

from engine.instance_types import InstanceType
from simulator.azure.failures import Object
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.offers import Offers, Usage, family_name
from simulator.azure.pool_rules import KUBERNETES_VERSION, MOST_POOLS
from simulator.azure.records import Cluster, Machine, Operation, Pool

_CLUSTERS = "Microsoft.ContainerService/ManagedClusters"


def pool_view(place: ManagedCluster, pool: Pool) -> Object:
    return {
        "id": place.pool_id(pool.name),
        "name": pool.name,
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "properties": _pool_properties(pool),
    }


def _pool_properties(pool: Pool) -> Object:
    shown = {
        **pool.properties,
        "provisioningState": pool.state.value,
        "powerState": {"code": pool.power.value},
        "eTag": pool.etag,
    }
    if pool.failure is not None:
        shown["status"] = {"provisioningError": pool.failure.body()}
    return shown


def operation_view(operation: Operation) -> Object:
    shown: Object = {
        "name": operation.id,
        "status": operation.status.value,
        "startTime": _instant(operation.started_at),
    }
    if operation.ended_at is not None:
        shown["endTime"] = _instant(operation.ended_at)
    if operation.failure is not None:
        shown["error"] = operation.failure.body()
    return shown


def _instant(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def machine_view(place: ManagedCluster, machine: Machine) -> Object:
    zones = [machine.zone] if machine.zone else []
    return {
        "id": f"{place.pool_id(machine.pool)}/machines/{machine.node}",
        "name": machine.node,
        "type": "Microsoft.ContainerService/managedClusters/agentPools/machines",
        "zones": zones,
        "properties": {
            "network": {"ipAddresses": []},
            "resourceId": place.instance_id(machine.pool, machine.index),
        },
    }


def cluster_view(place: ManagedCluster, cluster: Cluster, pools: Sequence[Pool]) -> Object:
    profiles = [{"name": pool.name, **_pool_properties(pool)} for pool in pools]
    return {
        "id": place.id,
        "name": place.name,
        "type": _CLUSTERS,
        "location": place.region,
        "eTag": cluster.etag,
        "properties": {
            "provisioningState": cluster.state.value,
            "powerState": {"code": cluster.power.value},
            "kubernetesVersion": KUBERNETES_VERSION,
            "currentKubernetesVersion": KUBERNETES_VERSION,
            "nodeResourceGroup": place.node_resource_group,
            "maxAgentPools": MOST_POOLS,
            "agentPoolProfiles": profiles,
        },
    }


def usages_view(offers: Offers, used: Usage, sizes: Sequence[InstanceType]) -> Object:
    """Compute's own list of quotas and what is used of them, in vCPUs."""
    families = sorted({size.family: size for size in sizes if not size.local}.items())
    rows = [
        ("cores", "Total Regional vCPUs", used.regional, offers.regional_vcpus),
        ("lowPriorityCores", "Total Regional Spot vCPUs", used.spot, offers.spot_vcpus),
        *(
            (
                family_name(size),
                f"Standard {family} Family vCPUs",
                used.families.get(family, 0),
                offers.family_vcpus(family),
            )
            for family, size in families
        ),
    ]
    return {
        "value": [
            {
                "unit": "Count",
                "currentValue": used_now,
                "limit": limit,
                "name": {"value": value, "localizedValue": text},
            }
            for value, text, used_now, limit in rows
        ]
    }


def skus_view(region: str, offers: Offers, sizes: Sequence[InstanceType]) -> Object:
    """The sizes that may be had; what is withheld is not listed."""
    return {
        "value": [
            {
                "resourceType": "virtualMachines",
                "name": size.name,
                "family": family_name(size),
                "locations": [region],
                "locationInfo": [{"location": region, "zones": list(offers.zones)}],
                "capabilities": [
                    {"name": "vCPUs", "value": str(size.vcpus)},
                    {"name": "MemoryGB", "value": str(size.memory_gib)},
                    {"name": "GPUs", "value": str(size.gpus)},
                ],
                "restrictions": [],
            }
            for size in sizes
            if not size.local
        ]
    }
