"""The machine behind a node claim: what was asked for, and the Node that it becomes. Pure."""

import hashlib

from engine.instance_types import InstanceType
from simulator.controllers.ownership import owner_reference
from simulator.kubernetes.status import Object
from simulator.node_resources import INSTANCE_TYPE, REGION, RUNTIME, ZONE

CAPACITY_TYPE = "karpenter.sh/capacity-type"
IMAGE_ID = "simulated-ubuntu-24.04"


def requested_instance_type(claim: Object) -> str:
    """The first value asked for, "" where the claim asks for none."""
    for key in (INSTANCE_TYPE, "karpenter.azure.com/sku-name"):
        for requirement in claim["spec"].get("requirements", ()):
            if requirement["key"] == key and requirement["operator"] == "In":
                return str(next(iter(requirement.get("values", ())), ""))
    return ""


def node_name(claim: Object, instance_type: InstanceType) -> str:
    """Follows from the claim alone, so that a claim can never have two nodes; at most 63 long."""
    metadata = claim["metadata"]
    digest = hashlib.sha256(metadata["uid"].encode()).digest()
    number = f"{int.from_bytes(digest[:8], 'big') % 10**8:08d}"
    stem = metadata["name"][:39].rstrip("-.")
    return f"local-{stem}-{number}" if instance_type.local else f"aks-{stem}-{number}-vmss000000"


def provider_id(claim: Object, instance_type: InstanceType) -> str:
    name = node_name(claim, instance_type)
    if instance_type.local:
        return f"moorage://local/{name}"
    scale_set = name.removesuffix("000000")
    return (
        "azure:///subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/mc_simulated"
        f"/providers/Microsoft.Compute/virtualMachineScaleSets/{scale_set}/virtualMachines/0"
    )


def placement_labels(instance_type: InstanceType) -> dict[str, str]:
    """What the provider decided; it writes them on the claim and on the node."""
    return {
        INSTANCE_TYPE: instance_type.name,
        CAPACITY_TYPE: "on-demand",
        REGION: "local" if instance_type.local else "simulated",
        ZONE: "local" if instance_type.local else "simulated-1",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
    }


def build_node(claim: Object, instance_type: InstanceType) -> Object:
    """The Node as its kubelet registers it, without a status."""
    name = node_name(claim, instance_type)
    spec = claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": _node_labels(claim, instance_type, name),
            "annotations": dict(claim["metadata"].get("annotations", {})),
            "ownerReferences": [{**owner_reference(claim), "controller": False}],
        },
        "spec": {
            "providerID": provider_id(claim, instance_type),
            "taints": [*spec.get("taints", ()), *spec.get("startupTaints", ())],
        },
    }


def _node_labels(claim: Object, instance_type: InstanceType, name: str) -> dict[str, str]:
    single_values = {
        requirement["key"]: requirement["values"][0]
        for requirement in claim["spec"].get("requirements", ())
        if requirement["operator"] == "In" and len(requirement.get("values", ())) == 1
    }
    labels = {
        **single_values,
        **claim["metadata"].get("labels", {}),
        **placement_labels(instance_type),
        "kubernetes.io/hostname": name,
        "karpenter.sh/registered": "true",
    }
    if instance_type.local:
        labels[RUNTIME] = "local"
    if instance_type.gpus:
        labels |= {
            "accelerator": "nvidia",
            "nvidia.com/gpu.count": str(instance_type.gpus),
            "nvidia.com/gpu.product": instance_type.gpu_model.replace(" ", "-"),
            "nvidia.com/gpu.memory": str(instance_type.gpu_memory_gib * 1024 // instance_type.gpus),
        }
    return labels
