"""Labels and annotations that tie objects to their workspace; KAITO's names where it has them."""

from typing import Any

from engine.workspace import WorkspaceRef

WORKSPACE_LABEL = "kaito.sh/workspace"
NAMESPACE_LABEL = "kaito.sh/workspacenamespace"
NODE_POOL_LABEL = "karpenter.sh/nodepool"
NODE_POOL = "kaito"
INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"
REVISION_ANNOTATION = "workspace.kaito.io/revision"
SIMULATED_ANNOTATION = "moorage.sh/simulated"
SUBSTITUTE_PORTS_ANNOTATION = "moorage.sh/substitute-ports"
GPU_RESOURCE = "nvidia.com/gpu"


def owner_labels(ref: WorkspaceRef) -> dict[str, str]:
    return {WORKSPACE_LABEL: ref.name, NAMESPACE_LABEL: ref.namespace}


def selector(ref: WorkspaceRef) -> str:
    return ",".join(f"{key}={value}" for key, value in owner_labels(ref).items())


def owner_of(item: dict[str, Any]) -> WorkspaceRef | None:
    """The workspace that an object belongs to, by its labels."""
    labels = item["metadata"].get("labels") or {}
    name, namespace = labels.get(WORKSPACE_LABEL), labels.get(NAMESPACE_LABEL)
    if not name or not namespace:
        return None
    return WorkspaceRef(namespace=namespace, name=name)
