"""The node that every cluster starts with: this machine."""

from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object
from simulator.node_resources import RUNTIME, MachineSize

NAME = "moorage-local"
PODS = 110


def ensure_system_node(objects: Objects, machine: MachineSize) -> None:
    """Its capacity is written anew at each start: the machine may have changed."""
    node = objects.find("Node", NAME) or objects.create(_node())
    resources = {
        "cpu": str(machine.cpus),
        "memory": f"{machine.memory_bytes // 1024}Ki",
        "pods": str(PODS),
    }
    status = {**node.get("status", {}), "capacity": resources, "allocatable": resources}
    if status != node.get("status"):
        objects.update_status({**node, "status": status})


def _node() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NAME,
            "labels": {
                RUNTIME: "local",
                "kubernetes.azure.com/mode": "system",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": NAME,
                "kubernetes.io/os": "linux",
                "node-role.kubernetes.io/control-plane": "",
            },
        },
        "spec": {"providerID": f"moorage://local/{NAME}"},
    }
