"""Labels and annotations that tie objects to their workspace; KAITO's names where it has them."""

from typing import Any

from engine.workspace import Workspace, WorkspaceRef

WORKSPACE_LABEL = "kaito.sh/workspace"
NAMESPACE_LABEL = "kaito.sh/workspacenamespace"
WORKSPACE_UID_LABEL = "moorage.sh/workspace-uid"
OWNER_LABELS = (WORKSPACE_LABEL, NAMESPACE_LABEL, WORKSPACE_UID_LABEL)
NODE_POOL_LABEL = "karpenter.sh/nodepool"
PROVISIONER_LABEL = "karpenter.sh/provisioner-name"
POOL_LABELS = (NODE_POOL_LABEL, PROVISIONER_LABEL)
"""A node that bears one of them was made for somebody, in either dialect."""
INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"
CAPACITY_TYPE_LABEL = "karpenter.sh/capacity-type"
REVISION_ANNOTATION = "workspace.kaito.io/revision"
SIMULATED_ANNOTATION = "moorage.sh/simulated"
SUBSTITUTE_PORTS_ANNOTATION = "moorage.sh/substitute-ports"
SKU_LABEL = "karpenter.azure.com/sku-name"
GPU_RESOURCE = "nvidia.com/gpu"


RESERVED_SELECTORS = frozenset(
    {
        WORKSPACE_LABEL,
        NAMESPACE_LABEL,
        "kaito.sh/ragengine",
        "kaito.sh/ragenginenamespace",
        "karpenter.kaito.sh/workspace-name",
        "karpenter.kaito.sh/workspace-namespace",
        "karpenter.kaito.sh/inferenceset",
        "karpenter.kaito.sh/inferenceset-namespace",
    }
)
"""Labels that say whose a node is: KAITO strips them from what users select nodes by."""


def selected_labels(workspace: Workspace) -> dict[str, str]:
    """What its nodes are to bear by the user's own word."""
    wanted = workspace.spec.resource.match_labels
    return {key: value for key, value in wanted.items() if key not in RESERVED_SELECTORS}


def chosen_by_user(workspace: Workspace, node: dict[str, Any]) -> bool:
    """Whether the workspace's selector, or without one its list of names, means the node."""
    wanted, metadata = selected_labels(workspace), node["metadata"]
    if wanted:
        return wanted.items() <= (metadata.get("labels") or {}).items()
    return metadata["name"] in workspace.spec.resource.preferred_nodes


def owner_labels(workspace: Workspace) -> dict[str, str]:
    """The uid beside the name: another workspace may come to bear the same name."""
    ref = workspace.ref
    return {
        WORKSPACE_LABEL: ref.name,
        NAMESPACE_LABEL: ref.namespace,
        WORKSPACE_UID_LABEL: workspace.uid,
    }


def selector(workspace: Workspace) -> str:
    """Chooses what this very workspace owns."""
    return f"{WORKSPACE_UID_LABEL}={workspace.uid}"


def owner_uid(item: dict[str, Any]) -> str:
    """The uid of the workspace that an object was made for, "" where it is none of ours."""
    uid: str = (item["metadata"].get("labels") or {}).get(WORKSPACE_UID_LABEL, "")
    return uid


def owner_of(item: dict[str, Any]) -> WorkspaceRef | None:
    """Name and namespace of the workspace that an object belongs to, by its labels."""
    labels = item["metadata"].get("labels") or {}
    name, namespace = labels.get(WORKSPACE_LABEL), labels.get(NAMESPACE_LABEL)
    if not name or not namespace:
        return None
    return WorkspaceRef(namespace=namespace, name=name)
