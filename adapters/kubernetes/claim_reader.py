"""The node claims of a workspace, for people: whichever provisioner drives them."""

from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.labels import CAPACITY_TYPE_LABEL, INSTANCE_TYPE_LABEL, selector
from adapters.kubernetes.node_claim_codec import STATE_ANNOTATION, decode_claim
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reading import node_claim
from engine.capacity_type import CapacityType
from engine.errors import Unreachable
from engine.nodes.explanation import NodeClaimExplanation, explain_claim
from engine.workspace import Workspace


class KubernetesNodeClaimReader:
    """Implements ``engine.nodes.ports.NodeClaimReader``."""

    def __init__(
        self, objects: KubernetesObjects, dialect: NodeDialect = NODE_CLAIM_DIALECT
    ) -> None:
        self._objects = objects
        self._dialect = dialect

    async def of_workspace(self, workspace: Workspace, /) -> list[NodeClaimExplanation]:
        try:
            items, _ = await self._objects.list_all(self._dialect.kind, labels=selector(workspace))
        except KubernetesRefusal as error:
            if error.unserved:
                return []
            raise Unreachable(f"node claims of {workspace.ref}: {error}") from error
        items.sort(key=lambda item: str(item["metadata"]["name"]))
        return [explained(item, self._dialect) for item in items]


def explained(item: Object, dialect: NodeDialect) -> NodeClaimExplanation:
    if dialect.ours(item) and STATE_ANNOTATION in (item["metadata"].get("annotations") or {}):
        return explain_claim(decode_claim(item, dialect))
    return _of_another(item, dialect)


def _of_another(item: Object, dialect: NodeDialect) -> NodeClaimExplanation:
    """Also one of ours that our node engine has not looked at yet."""
    labels = item["metadata"].get("labels") or {}
    capacity_type = labels.get(CAPACITY_TYPE_LABEL, "")
    seen = node_claim(item, dialect)
    return NodeClaimExplanation(
        name=seen.name,
        ready=seen.ready,
        reason=seen.reason,
        message=seen.message,
        instance_type=labels.get(INSTANCE_TYPE_LABEL, ""),
        capacity_type=CapacityType(capacity_type) if capacity_type in set(CapacityType) else None,
        node=seen.node,
    )
