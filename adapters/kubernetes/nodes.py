"""Nodes as the node engine reads them, and the pods that would have to leave them."""

from typing import Any

from adapters.kubernetes.labels import GPU_RESOURCE
from engine.nodes.observation import PoolNode

Object = dict[str, Any]

POOL_LABEL = "agentpool"
"""AKS gives it to every Node, with the pool's name."""

CONDITIONS_OF_HEALTH = frozenset({"Ready"})


def pool_of(node: Object) -> str:
    """The agent pool that a Node says it is of, "" where it says none."""
    pool: str = (node["metadata"].get("labels") or {}).get(POOL_LABEL, "")
    return pool


def pool_node(item: Object, pods: int = 0) -> PoolNode:
    metadata, spec = item["metadata"], item.get("spec") or {}
    status = item.get("status") or {}
    told = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    return PoolNode(
        name=metadata["name"],
        uid=metadata["uid"],
        provider_id=spec.get("providerID", ""),
        ready=told.get("Ready") == "True",
        cordoned=bool(spec.get("unschedulable")),
        gpus=int((status.get("allocatable") or {}).get(GPU_RESOURCE, "0")),
        problems=tuple(
            sorted(
                kind
                for kind, state in told.items()
                if state == "True" and kind not in CONDITIONS_OF_HEALTH
            )
        ),
        taints=tuple(taint["key"] for taint in spec.get("taints") or ()),
        labels=metadata.get("labels") or {},
        capacity=status.get("capacity") or {},
        allocatable=status.get("allocatable") or {},
        pods=pods,
        releasing="deletionTimestamp" in metadata,
    )


def must_leave(pod: Object) -> bool:
    """A pod that a drain waits for: not a daemon's, not the node's own, not one that has ended."""
    metadata = pod["metadata"]
    owners = {owner["kind"] for owner in metadata.get("ownerReferences") or ()}
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not ended and owners.isdisjoint({"DaemonSet", "Node"})
