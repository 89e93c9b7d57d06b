"""The workspace store on the Kubernetes API: resources hold the spec and the machine's state."""

import asyncio
from collections.abc import AsyncIterator

from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import WORKSPACE
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reflector import FIRST_PAUSE_SECONDS
from adapters.kubernetes.workspace_codec import (
    decode,
    encode_spec,
    encode_status,
    manifest,
    offering_annotations,
)
from engine.errors import (
    AlreadyExists,
    EngineError,
    NotFound,
    Refused,
    Stale,
    TokenExpired,
    Unreachable,
    Violation,
    WatchExpired,
)
from engine.ports import Changed, NewWorkspace, Page, Progressed, Removed, StoreEvent
from engine.workspace import Workspace, WorkspaceRef

SPEC_FIELDS = ("resource", "inference", "tuning")


class KubernetesWorkspaces:
    """Implements ``engine.ports.WorkspaceStore``."""

    def __init__(self, objects: KubernetesObjects) -> None:
        self._objects = objects

    async def create(self, new: NewWorkspace, *, dry_run: bool = False) -> Workspace:
        metadata = {"labels": dict(new.labels), "annotations": dict(new.annotations)}
        body = manifest(new.ref, new.spec, metadata)
        try:
            return decode(await self._objects.create(WORKSPACE, body, dry_run=dry_run))
        except KubernetesRefusal as error:
            if error.not_found:  # what is missing is not the workspace
                raise Refused(
                    error.message,
                    [Violation(field="metadata.namespace", description=error.message)],
                ) from error
            raise _engine_error(error, new.ref) from error

    async def get(self, ref: WorkspaceRef) -> Workspace:
        return decode(await self._read(ref))

    async def list(
        self, *, namespace: str, page_size: int, token: str = "", labels: str = ""
    ) -> Page:
        try:
            answer = await self._objects.list_page(
                WORKSPACE, namespace, labels=labels, limit=page_size, token=token
            )
        except KubernetesRefusal as error:
            if error.expired:
                raise TokenExpired(f"the list was asked for too long ago: {error}") from error
            raise _not_listed(error) from error
        return Page(
            workspaces=[decode(item) for item in answer["items"]],
            next_token=answer["metadata"].get("continue", ""),
            revision=answer["metadata"]["resourceVersion"],
        )

    async def update(self, workspace: Workspace) -> Workspace:
        item = await self._read(workspace.ref)
        metadata = item["metadata"]
        if metadata["resourceVersion"] != workspace.resource_version:
            raise Stale(str(workspace.ref))
        metadata["labels"] = dict(workspace.labels)
        metadata["annotations"] = {
            **workspace.annotations,
            **offering_annotations(workspace.spec.resource),
        }
        kept = {key: value for key, value in item.items() if key not in SPEC_FIELDS}
        try:
            replaced = await self._objects.replace(
                WORKSPACE, {**kept, **encode_spec(workspace.spec)}
            )
        except KubernetesRefusal as error:
            raise _engine_error(error, workspace.ref) from error
        return decode(replaced)

    async def delete(self, ref: WorkspaceRef, *, resource_version: str = "") -> Workspace | None:
        try:
            answer = await self._objects.delete(
                WORKSPACE, ref.name, ref.namespace, resource_version=resource_version
            )
        except KubernetesRefusal as error:
            raise _engine_error(error, ref) from error
        return decode(answer) if answer["kind"] == WORKSPACE.name else None

    async def save(self, workspace: Workspace) -> Workspace:
        patch = {
            "metadata": {"resourceVersion": workspace.resource_version},
            "status": encode_status(workspace.machine),
        }
        ref = workspace.ref
        try:
            saved = await self._objects.merge(
                WORKSPACE, ref.name, ref.namespace, patch, subresource="status"
            )
        except KubernetesRefusal as error:
            raise _engine_error(error, ref) from error
        return decode(saved)

    async def watch(
        self, *, namespace: str, since: str, labels: str = ""
    ) -> AsyncIterator[StoreEvent]:
        """Asks again where the server ends a watch; WatchExpired where it forgot ``since``."""
        while True:
            try:
                async for event in self._objects.watch(
                    WORKSPACE, namespace, labels=labels, since=since
                ):
                    since = event["object"]["metadata"]["resourceVersion"]
                    yield _store_event(event, since)
            except KubernetesRefusal as error:
                if error.expired:
                    raise WatchExpired(f"revision {since} is no longer remembered") from error
                raise _not_listed(error) from error
            yield Progressed(revision=since)
            # A server that ends watches at once must not be asked again at once.
            await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _read(self, ref: WorkspaceRef) -> Object:
        try:
            return await self._objects.get(WORKSPACE, ref.name, ref.namespace)
        except KubernetesRefusal as error:
            raise _engine_error(error, ref) from error


def _store_event(event: Object, revision: str) -> StoreEvent:
    if event["type"] == "BOOKMARK":
        return Progressed(revision=revision)
    workspace = decode(event["object"])
    if event["type"] == "DELETED":
        return Removed(workspace=workspace, revision=revision)
    return Changed(workspace=workspace, revision=revision)


def _not_listed(error: KubernetesRefusal) -> Unreachable:
    """Whatever the reason (the CRD is missing, RBAC), it may pass, and no workspace is to blame."""
    return Unreachable(f"workspaces cannot be listed: {error}")


def _engine_error(error: KubernetesRefusal, ref: WorkspaceRef) -> EngineError:
    """The one table from the API's reasons to the engine's errors."""
    if error.not_found:
        return NotFound(str(ref))
    if error.already_exists:
        return AlreadyExists(str(ref))
    if error.conflict:
        return Stale(str(ref))
    if error.transient:
        return Unreachable(f"Kubernetes could not answer: {error}")
    return Refused(
        error.message,
        [Violation(field=cause.field, description=cause.message) for cause in error.causes],
    )
