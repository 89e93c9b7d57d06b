"""A finalizer of ours, put on and taken off beside those of others."""

from adapters.kubernetes.client import Object
from adapters.kubernetes.kinds import Kind
from adapters.kubernetes.objects import KubernetesObjects
from engine.errors import ActionFailed
from engine.nodes.claim import NodeClaimRef
from engine.workspace import WorkspaceRef

Ref = WorkspaceRef | NodeClaimRef


class Finalizer:
    """Every write is guarded by the object's version; all raise KubernetesRefusal or Unreachable.

    ActionFailed, too, where another object bears the name by now.
    """

    def __init__(self, objects: KubernetesObjects, kind: Kind, name: str) -> None:
        self._objects = objects
        self._kind = kind
        self._name = name

    async def hold(self, ref: Ref, uid: str) -> None:
        item = await self._current(ref, uid)
        held = item["metadata"].get("finalizers") or []
        if self._name not in held:
            await self._put(item, [*held, self._name])

    async def release(self, ref: Ref, uid: str) -> None:
        item = await self._current(ref, uid)
        held = item["metadata"].get("finalizers") or []
        if self._name in held:
            await self._put(item, [name for name in held if name != self._name])

    async def _current(self, ref: Ref, uid: str) -> Object:
        namespace = ref.namespace if isinstance(ref, WorkspaceRef) else ""
        item = await self._objects.get(self._kind, ref.name, namespace)
        if item["metadata"]["uid"] != uid:
            raise ActionFailed(f"{ref} was deleted and made again meanwhile", code="Replaced")
        return item

    async def _put(self, item: Object, finalizers: list[str]) -> None:
        metadata = item["metadata"]
        patch = {
            "metadata": {
                "resourceVersion": metadata["resourceVersion"],
                "finalizers": finalizers,
            }
        }
        await self._objects.merge(
            self._kind, metadata["name"], metadata.get("namespace", ""), patch
        )
