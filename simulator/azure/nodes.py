"""The Node that an AKS machine becomes. Pure."""

from engine.instance_types import InstanceType
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.records import Machine, Pool
from simulator.controllers.conditions import condition
from simulator.kubernetes.status import Object
from simulator.node_resources import (
    GPU,
    INSTANCE_TYPE,
    REGION,
    RUNTIME,
    ZONE,
    MachineSize,
    allocatable,
    capacity,
)

AGENT_POOL = "kubernetes.azure.com/agentpool"
OLD_AGENT_POOL = "agentpool"
UNINITIALIZED = {
    "key": "node.cloudprovider.kubernetes.io/uninitialized",
    "value": "true",
    "effect": "NoSchedule",
}
"""Until the cloud controller has said which machine the Node is."""

GPU_MISSING = condition("GPUMissing", "True", "GPUMissing", "fewer GPUs than the size has")


def build_node(place: ManagedCluster, pool: Pool, machine: Machine) -> Object:
    """As its kubelet registers it: without a provider id, and without a status."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": machine.node, "labels": _labels(place, pool, machine)},
        "spec": {"taints": [*pool_taints(pool), UNINITIALIZED]},
    }


def _labels(place: ManagedCluster, pool: Pool, machine: Machine) -> dict[str, str]:
    size, properties = pool.size, pool.properties
    labels = {
        OLD_AGENT_POOL: pool.name,
        AGENT_POOL: pool.name,
        INSTANCE_TYPE: properties["vmSize"],
        REGION: place.region,
        ZONE: f"{place.region}-{machine.zone}" if machine.zone else "0",
        "kubernetes.azure.com/cluster": place.node_resource_group,
        "kubernetes.azure.com/mode": properties["mode"].lower(),
        "kubernetes.azure.com/node-image-version": machine.image,
        "kubernetes.azure.com/os-sku": properties["osSKU"],
        "kubernetes.azure.com/role": "agent",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": machine.node,
        "kubernetes.io/os": "linux",
    }
    if size.gpus:
        labels |= {"accelerator": "nvidia", "kubernetes.azure.com/accelerator": "nvidia"}
    if size.local:
        labels[RUNTIME] = "local"
    return {**labels, **pool_labels(pool)}


def pool_of(node: Object) -> str:
    """The agent pool that a Node says it is of, "" where it says none."""
    return str((node["metadata"].get("labels") or {}).get(OLD_AGENT_POOL, ""))


def pool_labels(pool: Pool) -> dict[str, str]:
    return dict(pool.properties.get("nodeLabels") or {})


def pool_taints(pool: Pool) -> list[Object]:
    return [_taint(text) for text in pool.properties.get("nodeTaints") or ()]


def _taint(text: str) -> Object:
    """``key=value:Effect``."""
    place, _, effect = text.rpartition(":")
    key, _, value = place.partition("=")
    return {"key": key, "effect": effect} | ({"value": value} if value else {})


def relabelled(node: Object, before: Pool, now: Pool) -> Object:
    """``node`` with the labels and taints of its pool as they are now; others' stay."""
    present = node["metadata"].get("labels") or {}
    gone = pool_labels(before).keys()
    labels = {key: value for key, value in present.items() if key not in gone} | pool_labels(now)
    former = pool_taints(before)
    kept = [taint for taint in node["spec"].get("taints") or () if taint not in former]
    return {
        **node,
        "metadata": {**node["metadata"], "labels": labels},
        "spec": {**node["spec"], "taints": [*pool_taints(now), *kept]},
    }


def identified(node: Object, place: ManagedCluster, machine: Machine) -> Object:
    """``node`` once the cloud controller has found its machine."""
    spec = node["spec"]
    taints = [taint for taint in spec.get("taints") or () if taint["key"] != UNINITIALIZED["key"]]
    provider_id = f"azure://{place.instance_id(machine.pool, machine.index)}"
    return {**node, "spec": {**spec, "taints": taints, "providerID": provider_id}}


def with_resources(status: Object, size: InstanceType, computer: MachineSize) -> Object:
    """All that a machine has but its GPUs: those are told by their device plugin."""
    return {
        **status,
        "capacity": status.get("capacity", {}) | _without_gpus(capacity(size, computer)),
        "allocatable": status.get("allocatable", {}) | _without_gpus(allocatable(size, computer)),
    }


def _without_gpus(resources: dict[str, str]) -> dict[str, str]:
    return {name: amount for name, amount in resources.items() if name != GPU}


def with_gpus(status: Object, count: int, *, healthy: int) -> Object:
    """``count`` were found, and ``healthy`` of them can be had."""
    return {
        **status,
        "capacity": status.get("capacity", {}) | {GPU: str(count)},
        "allocatable": status.get("allocatable", {}) | {GPU: str(healthy)},
    }
