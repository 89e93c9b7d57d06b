"""What a Node's machine has to give, and the labels that tell which machine it is. Pure."""

from dataclasses import dataclass

from engine.instance_types import InstanceType

INSTANCE_TYPE = "node.kubernetes.io/instance-type"
REGION = "topology.kubernetes.io/region"
ZONE = "topology.kubernetes.io/zone"
RUNTIME = "moorage.sh/runtime"
GPU = "nvidia.com/gpu"

_PODS_PER_NODE = 110
_SYSTEM_SHARE = 0.05  # kept back for the system; AKS keeps a varying 4 to 25 %
_DISK_GIB = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSize:
    """What this computer has to give to a local node."""

    cpus: int
    memory_bytes: int


def capacity(instance_type: InstanceType, machine: MachineSize) -> dict[str, str]:
    cpus, memory = instance_type.vcpus, instance_type.memory_gib * 2**30
    if instance_type.local:
        cpus, memory = machine.cpus, machine.memory_bytes
    resources = {
        "cpu": str(cpus),
        "memory": f"{memory // 1024}Ki",
        "ephemeral-storage": f"{_DISK_GIB}Gi",
        "pods": str(_PODS_PER_NODE),
    }
    return resources | ({GPU: str(instance_type.gpus)} if instance_type.gpus else {})


def allocatable(instance_type: InstanceType, machine: MachineSize) -> dict[str, str]:
    """Capacity less what the system keeps; a local node's machine is shared and keeps nothing."""
    resources = capacity(instance_type, machine)
    if instance_type.local:
        return resources
    millicpus = int(instance_type.vcpus * 1000 * (1 - _SYSTEM_SHARE))
    kibibytes = int(instance_type.memory_gib * 2**20 * (1 - _SYSTEM_SHARE))
    return resources | {"cpu": f"{millicpus}m", "memory": f"{kibibytes}Ki"}
