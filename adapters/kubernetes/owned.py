"""Live copies of everything that workspaces own, found by workspace."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

from adapters.kubernetes.client import Object
from adapters.kubernetes.kinds import NODE, POD, SERVICE, STATEFUL_SET, Kind
from adapters.kubernetes.labels import WORKSPACE_LABEL, owner_of, owner_uid
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reflector import Reflector
from engine.workspace import Workspace, WorkspaceRef

KINDS = (NODE, STATEFUL_SET, POD, SERVICE)
"""Beside the claims for nodes, whose kind is the dialect's."""

Index = dict[WorkspaceRef, dict[str, Object]]


class OwnedObjects:
    """``on_change`` is told each workspace of which something came, changed or went."""

    def __init__(
        self,
        objects: KubernetesObjects,
        on_change: Callable[[WorkspaceRef], None],
        dialect: NodeDialect = NODE_CLAIM_DIALECT,
        others: tuple[Kind, ...] = (),
    ) -> None:
        """``others`` are kinds that not every cluster serves."""
        kinds = (dialect.kind, *KINDS, *others)
        self._on_change = on_change
        self._index: dict[Kind, Index] = {kind: defaultdict(dict) for kind in kinds}
        self._reflectors = [
            Reflector(
                objects,
                kind,
                labels=WORKSPACE_LABEL,
                on_held=self._hold(self._index[kind]),
                on_gone=self._drop(self._index[kind]),
            )
            for kind in kinds
        ]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for reflector in self._reflectors:
                tasks.create_task(reflector.run(), name=f"reflect {reflector.kind.plural}")

    async def listed(self) -> None:
        """Waits until every copy was complete once."""
        for reflector in self._reflectors:
            await reflector.listed()

    def of(self, kind: Kind, workspace: Workspace) -> Iterable[Object]:
        """In order of name; what an earlier workspace of the same name left is not among them."""
        held = self._index.get(kind, {}).get(workspace.ref, {})
        return [held[name] for name in sorted(held) if owner_uid(held[name]) == workspace.uid]

    def _hold(self, index: Index) -> Callable[[Object], None]:
        def hold(item: Object) -> None:
            ref = owner_of(item)
            if ref is not None:
                index[ref][item["metadata"]["name"]] = item
                self._on_change(ref)

        return hold

    def _drop(self, index: Index) -> Callable[[Object], None]:
        def drop(item: Object) -> None:
            ref = owner_of(item)
            if ref is not None:
                index[ref].pop(item["metadata"]["name"], None)
                if not index[ref]:
                    del index[ref]
                self._on_change(ref)

        return drop
