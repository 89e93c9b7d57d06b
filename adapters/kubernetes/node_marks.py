"""Whose a node of the user's is: marked by labels on the node, so that two never take the same."""

from collections.abc import Iterable, Mapping

from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import NODE
from adapters.kubernetes.labels import OWNER_LABELS, owner_labels, owner_of, owner_uid
from adapters.kubernetes.objects import KubernetesObjects
from engine.errors import ActionFailed
from engine.workspace import Workspace


class NodeMarks:
    """Every write is guarded by the node's version; all raise KubernetesRefusal or Unreachable."""

    def __init__(self, objects: KubernetesObjects) -> None:
        self._objects = objects

    async def take(self, workspace: Workspace, names: Iterable[str]) -> None:
        """Raises ActionFailed for one that is another's by now."""
        for name in names:
            node = await self._objects.get(NODE, name)
            if owner_uid(node) == workspace.uid:
                continue
            if owner_of(node) is not None:
                raise ActionFailed(f"node {name} serves another workspace by now", code="NodeTaken")
            await self._label(node, owner_labels(workspace))

    async def release(self, workspace_uid: str, names: Iterable[str]) -> None:
        """The nodes stay; one that is gone, or another's by now, is left alone."""
        for name in names:
            try:
                node = await self._objects.get(NODE, name)
            except KubernetesRefusal as error:
                if error.not_found:
                    continue
                raise
            if owner_uid(node) == workspace_uid:
                await self._label(node, dict.fromkeys(OWNER_LABELS))

    async def _label(self, node: Object, labels: Mapping[str, str | None]) -> None:
        metadata = node["metadata"]
        patch = {
            "metadata": {"resourceVersion": metadata["resourceVersion"], "labels": dict(labels)}
        }
        await self._objects.merge(NODE, metadata["name"], "", patch)
