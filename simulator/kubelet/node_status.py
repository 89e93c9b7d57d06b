"""What a kubelet reports of its node: conditions, addresses, and the lease that says it lives."""

import platform
from datetime import datetime

from simulator.controllers.conditions import condition, seconds_left, with_conditions
from simulator.kubelet.pod_worker import Node
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object
from simulator.timings import Timings

LEASE_NAMESPACE = "kube-node-lease"
KUBELET_VERSION = "v1.34.0"

_UNDER_NO_PRESSURE = (
    condition(
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    condition(
        "PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"
    ),
)
_READY = condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
_NOT_READY = condition(
    "Ready",
    "False",
    "KubeletNotReady",
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady",
)


def seconds_to_readiness(node: Object, now: datetime, timings: Timings) -> float:
    """How long the node's network still takes to come up; 0 once it has."""
    created = node["metadata"]["creationTimestamp"]
    return max(0.0, seconds_left(created, timings.node_readiness, now))


def present_status(node: Object, facts: Node, now: datetime) -> Object:
    """The node's status with what its kubelet knows; capacity is not the kubelet's to decide."""
    status = node.get("status", {})
    addresses = [
        {"type": "InternalIP", "address": facts.address},
        {"type": "Hostname", "address": facts.name},
    ]
    ready = _NOT_READY if seconds_to_readiness(node, now, facts.timings) else _READY
    conditions = (*_UNDER_NO_PRESSURE, ready)
    return {
        **status,
        "conditions": with_conditions(status.get("conditions", ()), conditions, now),
        "addresses": status.get("addresses") or addresses,
        "nodeInfo": {**_node_info(node, facts), **(status.get("nodeInfo") or {})},
    }


def _node_info(node: Object, facts: Node) -> Object:
    labels = node["metadata"].get("labels") or {}
    uid = node["metadata"]["uid"]
    return {
        "architecture": labels.get("kubernetes.io/arch", "amd64"),
        "bootID": uid,
        "containerRuntimeVersion": f"{facts.runtime.name}://1.0.0",
        "kernelVersion": "simulated" if facts.runtime.simulated_because else platform.release(),
        "kubeProxyVersion": KUBELET_VERSION,
        "kubeletVersion": KUBELET_VERSION,
        "machineID": uid,
        "operatingSystem": labels.get("kubernetes.io/os", "linux"),
        "osImage": "simulated" if facts.runtime.simulated_because else platform.platform(),
        "systemUUID": uid,
    }


def heartbeat(objects: Objects, node: Object, now: datetime, timings: Timings) -> None:
    """Creates or renews the node's lease."""
    name = node["metadata"]["name"]
    lease = objects.find("Lease", name, LEASE_NAMESPACE)
    renewed = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if lease is None:
        objects.create(_lease(node, renewed, timings))
    else:
        objects.update({**lease, "spec": {**lease.get("spec", {}), "renewTime": renewed}})


def _lease(node: Object, renewed: str, timings: Timings) -> Object:
    name, uid = node["metadata"]["name"], node["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": int(timings.lease_duration),
            "renewTime": renewed,
        },
    }
