"""Performs the engine's actions on the cluster; each is idempotent and safe on a stale view."""

from typing import assert_never

from adapters.kubernetes import manifests, reading
from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.finalizers import Finalizer
from adapters.kubernetes.kinds import NODE, NODE_POOL, POD, SERVICE, STATEFUL_SET, WORKSPACE
from adapters.kubernetes.labels import POOL_LABELS, WORKSPACE_UID_LABEL, selector
from adapters.kubernetes.manifests import Images
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.node_marks import NodeMarks
from adapters.kubernetes.node_pools import NodePools, pooled
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.owned import KINDS
from engine.action import (
    Action,
    EnsureNodeClaims,
    EnsureNodePool,
    EnsureServices,
    EnsureWorkload,
    HoldFinalizer,
    Release,
    ReleaseFinalizer,
    ReleaseNodes,
    ReplaceReplica,
    Resource,
    ScaleWorkload,
    TakeNodes,
    node_claim_names,
    workload_name,
)
from engine.errors import ActionFailed, Unreachable
from engine.observation import Holding, HoldingKind, NodeClaim
from engine.workspace import FINALIZER, Workspace

RELEASED_AS = {
    Resource.NODE_POOL: NODE_POOL,
    Resource.WORKLOAD: STATEFUL_SET,
    Resource.SERVICES: SERVICE,
}

SILENT_GRACE_SECONDS = 5
"""A silent model has nothing to drain, and Triton waits out its whole exit timeout for it."""


class Performer:
    def __init__(
        self,
        objects: KubernetesObjects,
        images: Images,
        dialect: NodeDialect = NODE_CLAIM_DIALECT,
        pools: NodePools | None = None,
    ) -> None:
        """``pools`` is None where no Karpenter makes nodes of NodePools."""
        self._pools = pools
        self._marks = NodeMarks(objects)
        self._finalizer = Finalizer(objects, WORKSPACE, FINALIZER)
        self._objects = objects
        self._images = images
        self._dialect = dialect
        self._released_as = RELEASED_AS | {Resource.NODE_CLAIMS: dialect.kind}

    async def perform(self, workspace: Workspace, action: Action) -> None:
        """Raises ActionFailed for whatever the cluster or the way to it refuses."""
        try:
            await self._dispatch(workspace, action)
        except KubernetesRefusal as error:
            raise ActionFailed(error.message, code=error.reason) from error
        except Unreachable as error:
            raise ActionFailed(str(error), code="Unreachable") from error

    async def _dispatch(self, workspace: Workspace, action: Action) -> None:
        match action:
            case HoldFinalizer():
                await self._finalizer.hold(workspace.ref, workspace.uid)
            case EnsureNodeClaims():
                await self._release_superseded(workspace, action)
                await self._ensure_node_claims(workspace, action)
            case EnsureNodePool():
                await self._ensure_node_pool(workspace, action)
            case TakeNodes() | ReleaseNodes():
                await self._mark_nodes(workspace, action)
            case EnsureServices():
                await self._ensure_services(workspace)
            case EnsureWorkload() | ScaleWorkload():
                await self._change_workload(workspace, action)
            case ReplaceReplica():
                await self._objects.delete_if_there(
                    POD,
                    action.name,
                    workspace.ref.namespace,
                    uid=action.uid,
                    grace_seconds=SILENT_GRACE_SECONDS,
                )
            case Release():
                await self._release(workspace, action)
            case ReleaseFinalizer():
                await self._release_finalizer(workspace)
            case _:
                assert_never(action)

    async def _ensure_node_claims(self, workspace: Workspace, action: EnsureNodeClaims) -> None:
        for name in action.names:
            claim = manifests.node_claim(workspace, name, action.plan, self._dialect)
            try:
                await self._objects.create(self._dialect.kind, claim)
            except KubernetesRefusal as error:
                if not error.already_exists:
                    raise

    async def _ensure_node_pool(self, workspace: Workspace, action: EnsureNodePool) -> None:
        if self._pools is None:
            raise ActionFailed("planned for --provisioner nodepool", code="NodePoolsUnserved")
        await self._pools.ensure(workspace, action)

    async def _mark_nodes(self, workspace: Workspace, action: TakeNodes | ReleaseNodes) -> None:
        if isinstance(action, TakeNodes):
            await self._marks.take(workspace, action.names)
        else:
            await self._marks.release(workspace.uid, action.names)

    async def _ensure_services(self, workspace: Workspace) -> None:
        for service in manifests.services(workspace):
            await self._objects.apply(SERVICE, service)

    async def _change_workload(
        self, workspace: Workspace, action: EnsureWorkload | ScaleWorkload
    ) -> None:
        if isinstance(action, ScaleWorkload):
            await self._scale_workload(workspace, action)
            return
        body = manifests.stateful_set(workspace, action.plan, action.revision, self._images)
        if action.version:
            body["metadata"]["resourceVersion"] = action.version
        await self._objects.apply(STATEFUL_SET, body)

    async def _scale_workload(self, workspace: Workspace, action: ScaleWorkload) -> None:
        ref = workspace.ref
        patch = {
            "metadata": {"resourceVersion": action.version},
            "spec": {"replicas": action.replicas},
        }
        await self._objects.merge(STATEFUL_SET, workload_name(ref), ref.namespace, patch)

    async def _release(self, workspace: Workspace, action: Release) -> None:
        kind = self._released_as[action.resource]
        namespace = workspace.ref.namespace if kind.namespaced else ""
        items, _ = await self._objects.list_all(kind, namespace, labels=selector(workspace))
        for item in items:
            metadata = item["metadata"]
            named = not action.names or metadata["name"] in action.names
            meant = named and not pooled(item)
            if meant and "deletionTimestamp" not in metadata:
                await self._objects.delete_if_there(
                    kind, metadata["name"], namespace, uid=metadata["uid"]
                )

    async def _release_finalizer(self, workspace: Workspace) -> None:
        """Looks again, past every cache, before it lets go: what is left now is left for ever."""
        pools = () if self._pools is None else (NODE_POOL,)
        for kind in (self._dialect.kind, *KINDS, *pools):
            namespace = workspace.ref.namespace if kind.namespaced else ""
            left, _ = await self._objects.list_all(kind, namespace, labels=selector(workspace))
            if left:
                raise ActionFailed(f"{len(left)} {kind.plural} are still there", code="NotEmpty")
        await self._finalizer.release(workspace.ref, workspace.uid)

    async def _release_superseded(self, workspace: Workspace, action: EnsureNodeClaims) -> None:
        """Past every cache: one that lags hides an earlier attempt's claims, and nodes are dear."""
        wanted = node_claim_names(workspace, action.plan)
        held, _ = await self._objects.list_all(self._dialect.kind, labels=selector(workspace))
        names = {item["metadata"]["name"] for item in held}.difference(wanted)
        if names:
            superseded = Release(resource=Resource.NODE_CLAIMS, names=tuple(sorted(names)))
            await self._release(workspace, superseded)

    async def find_claim(self, name: str) -> NodeClaim | None:
        """Past every cache. Raises Unreachable."""
        try:
            item = await self._objects.get(self._dialect.kind, name)
            return reading.node_claim(item, self._dialect)
        except KubernetesRefusal as error:
            if error.not_found:
                return None
            raise Unreachable(f"node claim {name} cannot be read: {error}") from error

    async def find_node(self, name: str) -> Object | None:
        """Past every cache. Raises Unreachable."""
        try:
            return await self._objects.get(NODE, name)
        except KubernetesRefusal as error:
            if error.not_found:
                return None
            raise Unreachable(f"node {name} cannot be read: {error}") from error

    async def inventory(self) -> list[Holding]:
        """Raises Unreachable."""
        marked = ",".join([WORKSPACE_UID_LABEL, *(f"!{label}" for label in POOL_LABELS)])
        try:
            claims, _ = await self._objects.list_all(self._dialect.kind, labels=WORKSPACE_UID_LABEL)
            nodes, _ = await self._objects.list_all(NODE, labels=marked)
            pools = await self._pools.all() if self._pools is not None else []
        except KubernetesRefusal as error:
            raise Unreachable(f"what workspaces hold cannot be listed: {error}") from error
        return [
            *(reading.holding(it, HoldingKind.NODE_CLAIM) for it in claims if not pooled(it)),
            *(reading.holding(item, HoldingKind.NODE_POOL) for item in pools),
            *(reading.holding(item, HoldingKind.OWN_NODE) for item in nodes),
        ]

    async def release(self, holding: Holding) -> None:
        """Raises Unreachable; what is gone, or another's by now, is left alone."""
        try:
            if holding.kind is HoldingKind.OWN_NODE:
                await self._marks.release(holding.workspace_uid, [holding.name])
            else:
                pool = holding.kind is HoldingKind.NODE_POOL
                kind = NODE_POOL if pool else self._dialect.kind
                await self._objects.delete_if_there(kind, holding.name, uid=holding.uid)
        except KubernetesRefusal as error:
            if not error.conflict:
                raise Unreachable(f"{holding.kind} {holding.name}: {error}") from error
