"""Karpenter's NodePools: one for each workspace, where Karpenter makes the nodes.

Names, labels and requirements are those of KAITO's Karpenter mode.
"""

from dataclasses import dataclass
from typing import Any

from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import NODE_POOL
from adapters.kubernetes.labels import (
    CAPACITY_TYPE_LABEL,
    INSTANCE_TYPE_LABEL,
    WORKSPACE_UID_LABEL,
    owner_labels,
    owner_uid,
    selected_labels,
)
from adapters.kubernetes.manifests import GPU_TAINT, requirement
from adapters.kubernetes.objects import KubernetesObjects
from engine.action import EnsureNodePool, node_pool_name
from engine.capacity_type import CapacityType
from engine.errors import ActionFailed
from engine.instance_types import find_instance_type
from engine.observation import NodePool
from engine.workspace import Offering, Plan, Workspace

Object = dict[str, Any]

PLACEMENT_SCOPE = "karpenter.azure.com/placement-scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClass:
    """The provider's settings for nodes that a pool refers to; Azure's by default."""

    group: str = "karpenter.azure.com"
    kind: str = "AKSNodeClass"
    name: str = "default"


def node_pool(
    workspace: Workspace, plan: Plan, replicas: int, node_class: NodeClass | None = None
) -> Object:
    """Static: so many nodes, whatever runs on them."""
    pair = {
        "karpenter.kaito.sh/workspace-name": workspace.ref.name,
        "karpenter.kaito.sh/workspace-namespace": workspace.ref.namespace,
    }
    ours = owner_labels(workspace)
    return {
        "apiVersion": NODE_POOL.api_version,
        "kind": NODE_POOL.name,
        "metadata": {
            "name": node_pool_name(workspace.ref),
            "labels": {"karpenter.kaito.sh/managed-by": "kaito", **pair, **ours},
        },
        "spec": {
            "replicas": replicas,
            "template": {
                "metadata": {"labels": {**selected_labels(workspace), **pair, **ours}},
                "spec": _node(plan, node_class or NodeClass()),
            },
            "disruption": {
                "consolidateAfter": "0s",
                "budgets": [{"nodes": "1", "reasons": ["Drifted"]}],
            },
        },
    }


def _node(plan: Plan, node_class: NodeClass) -> Object:
    return {
        "expireAfter": "Never",
        "nodeClassRef": {
            "group": node_class.group,
            "kind": node_class.kind,
            "name": node_class.name,
        },
        "requirements": _requirements(plan),
        "taints": [GPU_TAINT] if plan.gpus_per_node else [],
    }


def _requirements(plan: Plan) -> list[Object]:
    instance_type = find_instance_type(plan.instance_type)
    wanted = {INSTANCE_TYPE_LABEL: plan.instance_type}
    if instance_type is None or not instance_type.local:
        wanted[PLACEMENT_SCOPE] = "regional"
    if plan.capacity_type is CapacityType.SPOT:
        wanted[CAPACITY_TYPE_LABEL] = plan.capacity_type.value
    return [requirement(key, value) for key, value in wanted.items()]


def observed(item: Object) -> NodePool:
    """A pool that says nothing of how it is paid for has on-demand machines."""
    requirements = item["spec"]["template"]["spec"].get("requirements") or ()
    wanted = {it["key"]: next(iter(it.get("values") or ()), "") for it in requirements}
    spot = wanted.get(CAPACITY_TYPE_LABEL) == CapacityType.SPOT.value
    return NodePool(
        name=item["metadata"]["name"],
        offering=Offering(
            instance_type=wanted.get(INSTANCE_TYPE_LABEL, ""),
            capacity_type=CapacityType.SPOT if spot else CapacityType.ON_DEMAND,
        ),
        replicas=item["spec"].get("replicas", 0),
        version=item["metadata"].get("resourceVersion", ""),
        releasing="deletionTimestamp" in item["metadata"],
    )


def pooled(item: Object) -> bool:
    """Whether Karpenter made it for a NodePool: then it is Karpenter's to delete."""
    owners = item["metadata"].get("ownerReferences") or ()
    return any(owner["kind"] == NODE_POOL.name for owner in owners)


class NodePools:
    """Where Karpenter runs. Every call raises KubernetesRefusal or Unreachable."""

    def __init__(self, objects: KubernetesObjects, node_class: NodeClass | None = None) -> None:
        self._objects = objects
        self._node_class = node_class

    async def ensure(self, workspace: Workspace, action: EnsureNodePool) -> None:
        """Raises ActionFailed where somebody else has one of that name: that of ``c`` in ``a-b``
        is that of ``b-c`` in ``a``.
        """
        body = node_pool(workspace, action.plan, action.replicas, self._node_class)
        if action.version:
            body["metadata"]["resourceVersion"] = action.version
            await self._objects.apply(NODE_POOL, body)
            return
        try:
            await self._objects.create(NODE_POOL, body)
        except KubernetesRefusal as error:
            if not error.already_exists:
                raise
            await self._check_owner(workspace, body["metadata"]["name"])

    async def _check_owner(self, workspace: Workspace, name: str) -> None:
        held = await self._objects.get(NODE_POOL, name)
        if owner_uid(held) != workspace.uid:
            raise ActionFailed(f"NodePool {name} is there and not ours", code="NodePoolTaken")

    async def all(self) -> list[Object]:
        """Those of all workspaces, also of ones that are gone."""
        items, _ = await self._objects.list_all(NODE_POOL, labels=WORKSPACE_UID_LABEL)
        return items
