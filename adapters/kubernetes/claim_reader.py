"""The node claims of a workspace, for people: whichever provisioner drives them."""

from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import NODE_CLAIM
from adapters.kubernetes.labels import CAPACITY_TYPE_LABEL, INSTANCE_TYPE_LABEL, selector
from adapters.kubernetes.node_claim_codec import STATE_ANNOTATION, decode_claim, ours
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reading import node_claim
from engine.capacity_type import CapacityType
from engine.errors import Unreachable
from engine.nodes.explanation import NodeClaimExplanation, explain_claim
from engine.workspace import Workspace


class KubernetesNodeClaimReader:
    """Implements ``engine.nodes.ports.NodeClaimReader``."""

    def __init__(self, objects: KubernetesObjects) -> None:
        self._objects = objects

    async def of_workspace(self, workspace: Workspace, /) -> list[NodeClaimExplanation]:
        try:
            items, _ = await self._objects.list_all(NODE_CLAIM, labels=selector(workspace))
        except KubernetesRefusal as error:
            if error.unserved:
                return []
            raise Unreachable(f"node claims of {workspace.ref}: {error}") from error
        items.sort(key=lambda item: str(item["metadata"]["name"]))
        return [explained(item) for item in items]


def explained(item: Object) -> NodeClaimExplanation:
    if ours(item) and STATE_ANNOTATION in (item["metadata"].get("annotations") or {}):
        return explain_claim(decode_claim(item))
    return _of_another(item)


def _of_another(item: Object) -> NodeClaimExplanation:
    """Also one of ours that our node engine has not looked at yet."""
    labels = item["metadata"].get("labels") or {}
    capacity_type = labels.get(CAPACITY_TYPE_LABEL, "")
    seen = node_claim(item)
    return NodeClaimExplanation(
        name=seen.name,
        ready=seen.ready,
        reason=seen.reason,
        message=seen.message,
        instance_type=labels.get(INSTANCE_TYPE_LABEL, ""),
        capacity_type=CapacityType(capacity_type) if capacity_type in set(CapacityType) else None,
        node=seen.node,
    )
