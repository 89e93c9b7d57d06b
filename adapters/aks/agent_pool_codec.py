"""Agent pools between the engine's words and the SDK's models."""

from typing import Any

from azure.mgmt.containerservice import models

from adapters.aks.errors import cloud_error
from engine.capacity_type import CapacityType
from engine.nodes.agent_pool import AgentPool, AgentPoolRequest, CloudError, PoolState

OWNER_TAG = "moorage-node-claim-uid"
MANAGED_BY_TAG = "moorage-managed-by"
MANAGED_BY = "moorage"

NO_HIGHER_THAN_ON_DEMAND = -1.0
LATE = 200
"""The status of what failed after the request was accepted."""

_STATES = {
    "Creating": PoolState.CREATING,
    "Succeeded": PoolState.SUCCEEDED,
    "Failed": PoolState.FAILED,
    "Canceling": PoolState.CANCELING,
    "Canceled": PoolState.CANCELED,
    "Deleting": PoolState.DELETING,
}


def encode(request: AgentPoolRequest) -> models.AgentPool:
    properties = models.AgentPoolManagedClusterAgentPoolProfileProperties(
        count=1,
        vm_size=request.vm_size,
        type_properties_type=models.AgentPoolType.VIRTUAL_MACHINE_SCALE_SETS,
        mode=models.AgentPoolMode.USER,
        os_type=models.OSType.LINUX,
        os_sku=request.os_sku,
        os_disk_size_gb=request.disk_gib or None,
        availability_zones=list(request.zones) or None,
        node_labels=dict(request.labels),
        node_taints=[str(taint) for taint in request.taints],
        tags={OWNER_TAG: request.owner, MANAGED_BY_TAG: MANAGED_BY},
        **_priority(request.capacity_type),
    )
    return models.AgentPool(properties=properties)


def _priority(capacity_type: CapacityType) -> dict[str, Any]:
    """On-demand is what AKS makes of a pool that says nothing."""
    if capacity_type is not CapacityType.SPOT:
        return {}
    return {
        "scale_set_priority": models.ScaleSetPriority.SPOT,
        "scale_set_eviction_policy": models.ScaleSetEvictionPolicy.DELETE,
        "spot_max_price": NO_HIGHER_THAN_ON_DEMAND,
    }


def decode(pool: models.AgentPool) -> AgentPool:
    properties = pool.properties or models.AgentPoolManagedClusterAgentPoolProfileProperties()
    told = properties.provisioning_state or ""
    power = properties.power_state
    return AgentPool(
        name=pool.name or "",
        state=_STATES.get(told, PoolState.CHANGING),
        told=told,
        owner=(properties.tags or {}).get(OWNER_TAG, ""),
        vm_size=properties.vm_size or "",
        count=properties.count or 0,
        stopped=power is not None and power.code == models.Code.STOPPED,
        error=_error(properties.status),
        etag=properties.e_tag or "",
    )


def _error(status: models.AgentPoolStatus | None) -> CloudError | None:
    if status is None or status.provisioning_error is None:
        return None
    return cloud_error(status.provisioning_error, status=LATE)
