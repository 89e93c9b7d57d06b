"""NodeClaims, Machines and Nodes as users and AKS make them."""

from typing import Any

SIZE = "Standard_NC48ads_A100_v4"
OURS = {"group": "kaito.sh", "kind": "KaitoNodeClass", "name": "default"}
OTHERS = {"group": "karpenter.azure.com", "kind": "AKSNodeClass", "name": "default"}


def node_claim(name: str, reference: dict[str, str] = OURS) -> dict[str, Any]:
    size = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [SIZE]}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {"name": name, "labels": {"apps": "phi-4"}},
        "spec": {"nodeClassRef": reference, "requirements": [size], "expireAfter": "Never"},
    }


def machine(name: str, **labels: str) -> dict[str, Any]:
    size = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [SIZE]}
    return {
        "apiVersion": "karpenter.sh/v1alpha5",
        "kind": "Machine",
        "metadata": {"name": name, "labels": labels},
        "spec": {"machineTemplateRef": {"name": name}, "requirements": [size]},
    }


def node(pool: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"agentpool": pool}},
        "spec": {"providerID": f"azure:///{name}"},
    }


def pod(name: str, on: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}, **metadata},
        "spec": {"nodeName": on, "containers": [{"name": "main", "image": "example.org/a:1"}]},
    }
