"""A live copy of the nodes that nobody has: neither a workspace nor a node pool."""

from collections.abc import Callable, Iterable

from adapters.kubernetes.client import Object
from adapters.kubernetes.kinds import NODE
from adapters.kubernetes.labels import POOL_LABELS, WORKSPACE_LABEL, chosen_by_user
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reflector import Reflector
from engine.own_nodes import seeking
from engine.workspace import Workspace, WorkspaceRef


class SpareNodes:
    """``on_change`` is told the workspaces that seek nodes when one comes or changes."""

    def __init__(
        self, objects: KubernetesObjects, on_change: Callable[[WorkspaceRef], None]
    ) -> None:
        self._on_change = on_change
        self._held: dict[str, Object] = {}
        self._seekers: set[WorkspaceRef] = set()
        self._reflector = Reflector(
            objects,
            NODE,
            labels=",".join(f"!{label}" for label in (WORKSPACE_LABEL, *POOL_LABELS)),
            on_held=self._hold,
            on_gone=self._drop,
        )

    async def run(self) -> None:
        await self._reflector.run()

    async def listed(self) -> None:
        """Waits until the copy was complete once."""
        await self._reflector.listed()

    def of(self, workspace: Workspace) -> Iterable[Object]:
        """Those that the workspace's user means, in order of name."""
        if seeking(workspace):
            self._seekers.add(workspace.ref)
        else:
            self._seekers.discard(workspace.ref)
        meant = (name for name in sorted(self._held) if chosen_by_user(workspace, self._held[name]))
        return [self._held[name] for name in meant]

    def _hold(self, node: Object) -> None:
        self._held[node["metadata"]["name"]] = node
        for ref in self._seekers:
            self._on_change(ref)

    def _drop(self, node: Object) -> None:
        self._held.pop(node["metadata"]["name"], None)
