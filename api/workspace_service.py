"""WorkspaceService: validate, convert, call, convert.

Servicers know nothing of gRPC: a method takes a request and returns a response, or an async
generator of them, and raises the errors of this package and the engine's. ``api/edge.py`` puts
them behind gRPC; a simulation calls them directly.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from api.convert.messages import (
    candidate_message,
    explanation_message,
    plan_message,
    workspace_message,
)
from api.listing import listing, watching
from api.marks import Request, made_by, marked
from api.opaque_token import seal
from api.request_ids import RequestIds
from api.v1 import workspace_service_pb2 as pb
from api.validation import Change, change, changed, existing, new_workspace, planned_spec
from api.watch import Stream, Watches
from engine.errors import AlreadyExists, IllegalCommand, NotFound, Stale
from engine.explanation import explain
from engine.nodes.ports import NodeClaimReader
from engine.offerings import choose, plans
from engine.phase import Phase
from engine.ports import Clock, NewWorkspace, WorkspaceStore
from engine.validation import warnings
from engine.workspace import RETRY_ANNOTATION, Workspace, WorkspaceRef

WRITE_ATTEMPTS = 5
FIRST_BACKOFF_SECONDS = 0.01


class WorkspaceService:
    def __init__(
        self,
        *,
        store: WorkspaceStore,
        watches: Watches,
        clock: Clock,
        new_id: Callable[[], str],
        node_claims: NodeClaimReader | None = None,
    ) -> None:
        """Without ``node_claims``, Explain tells of workspaces alone."""
        self._store = store
        self._node_claims = node_claims
        self._watches = watches
        self._clock = clock
        self._new_id = new_id
        self._request_ids = RequestIds()

    async def close(self) -> None:
        """Ends the changes that outlived their callers."""
        await self._request_ids.close()

    async def create_workspace(
        self, request: pb.CreateWorkspaceRequest
    ) -> pb.CreateWorkspaceResponse:
        new = new_workspace(request)
        if request.validate_only:
            return _created(await self._store.create(new, dry_run=True))
        return await self._request_ids.once(
            request.request_id, request, lambda: self._create(new, request)
        )

    async def _create(
        self, new: NewWorkspace, request: pb.CreateWorkspaceRequest
    ) -> pb.CreateWorkspaceResponse:
        asked = replace(new, annotations=marked(new.annotations, request))
        try:
            return _created(await self._store.create(asked))
        except AlreadyExists:
            present = await self._store.get(new.ref)
            if not made_by(present, request):
                raise
            return _created(present)

    async def get_workspace(self, request: pb.GetWorkspaceRequest) -> pb.GetWorkspaceResponse:
        workspace = await self._store.get(existing(request.name))
        return pb.GetWorkspaceResponse(workspace=workspace_message(workspace))

    async def list_workspaces(self, request: pb.ListWorkspacesRequest) -> pb.ListWorkspacesResponse:
        asked = listing(request)
        page = await self._store.list(
            namespace=asked.selection.namespace,
            page_size=asked.page_size,
            token=asked.token,
            labels=asked.selection.labels,
        )
        rest = page.next_token
        return pb.ListWorkspacesResponse(
            workspaces=[workspace_message(workspace) for workspace in page.workspaces],
            next_page_token=seal(rest, bound_to=asked.selection.page_binding) if rest else "",
        )

    async def update_workspace(
        self, request: pb.UpdateWorkspaceRequest
    ) -> pb.UpdateWorkspaceResponse:
        asked = change(request)
        if request.validate_only:
            stored = await self._current(asked.ref, asked.etag)
            return _updated(_apply(stored, asked))
        return await self._request_ids.once(
            request.request_id, request, lambda: self._update(asked, request)
        )

    async def _update(
        self, asked: Change, request: pb.UpdateWorkspaceRequest
    ) -> pb.UpdateWorkspaceResponse:
        return _updated(
            await self._rewrite(
                asked.ref, asked.etag, request, lambda stored: _apply(stored, asked)
            )
        )

    async def delete_workspace(
        self, request: pb.DeleteWorkspaceRequest
    ) -> pb.DeleteWorkspaceResponse:
        ref = existing(request.name, request_id=request.request_id)
        return await self._request_ids.once(
            request.request_id, request, lambda: self._delete(ref, request)
        )

    async def _delete(
        self, ref: WorkspaceRef, request: pb.DeleteWorkspaceRequest
    ) -> pb.DeleteWorkspaceResponse:
        try:
            deleted = await self._store.delete(ref, resource_version=request.etag)
        except NotFound:
            if not request.allow_missing:
                raise
            deleted = None
        return pb.DeleteWorkspaceResponse(workspace=workspace_message(deleted) if deleted else None)

    def watch_workspaces(self, request: pb.WatchWorkspacesRequest) -> Stream:
        selection, since = watching(request)
        return self._watches.stream(selection, since=since)

    async def plan_workspace(self, request: pb.PlanWorkspaceRequest) -> pb.PlanWorkspaceResponse:
        spec = planned_spec(request)
        outcomes = plans(spec)
        answer = pb.PlanWorkspaceResponse(
            warnings=warnings(spec), candidates=[candidate_message(*it) for it in outcomes]
        )
        chosen = choose(spec)
        if chosen is not None:
            answer.plan.CopyFrom(plan_message(chosen[1]))
        else:
            answer.refusal.CopyFrom(answer.candidates[0].refusal)
        return answer

    async def explain_workspace(
        self, request: pb.ExplainWorkspaceRequest
    ) -> pb.ExplainWorkspaceResponse:
        workspace = await self._store.get(existing(request.name))
        reader = self._node_claims
        claims = await reader.of_workspace(workspace) if reader else ()
        explanation = explain(workspace, self._clock.now())
        return pb.ExplainWorkspaceResponse(explanation=explanation_message(explanation, claims))

    async def retry_workspace(self, request: pb.RetryWorkspaceRequest) -> pb.RetryWorkspaceResponse:
        ref = existing(request.name, request_id=request.request_id)
        return await self._request_ids.once(
            request.request_id, request, lambda: self._retry(ref, request)
        )

    async def _retry(
        self, ref: WorkspaceRef, request: pb.RetryWorkspaceRequest
    ) -> pb.RetryWorkspaceResponse:
        retry_id = request.request_id or self._new_id()
        asked = await self._rewrite(
            ref, request.etag, request, lambda stored: _with_retry(stored, retry_id)
        )
        return pb.RetryWorkspaceResponse(workspace=workspace_message(asked))

    async def _current(self, ref: WorkspaceRef, etag: str) -> Workspace:
        return _matching(await self._store.get(ref), etag)

    async def _rewrite(
        self,
        ref: WorkspaceRef,
        etag: str,
        request: Request,
        change: Callable[[Workspace], Workspace],
    ) -> Workspace:
        """Without an etag, a write that crossed another (the engine's, often) is tried again.

        One that was made before, and whose answer was lost, is not made twice.
        """
        for attempt in range(WRITE_ATTEMPTS):
            stored = await self._store.get(ref)
            if made_by(stored, request):
                return stored
            asked = change(_matching(stored, etag))
            asked = replace(asked, annotations=marked(asked.annotations, request))
            try:
                return await self._store.update(asked)
            except Stale:
                if etag:
                    raise
            await asyncio.sleep(FIRST_BACKOFF_SECONDS * 2**attempt)
        raise Stale(str(ref))


def _matching(stored: Workspace, etag: str) -> Workspace:
    if etag and etag != stored.resource_version:
        raise Stale(str(stored.ref))
    return stored


def _created(workspace: Workspace) -> pb.CreateWorkspaceResponse:
    return pb.CreateWorkspaceResponse(
        workspace=workspace_message(workspace), warnings=warnings(workspace.spec)
    )


def _apply(stored: Workspace, asked: Change) -> Workspace:
    if stored.deletion_requested is not None:
        raise IllegalCommand(str(stored.ref), "update", Phase.DELETING)
    return changed(stored, asked)


def _with_retry(stored: Workspace, retry_id: str) -> Workspace:
    phase = Phase.DELETING if stored.deletion_requested else stored.machine.phase
    if phase is not Phase.FAILED:
        raise IllegalCommand(str(stored.ref), "retry", phase)
    return replace(stored, annotations={**stored.annotations, RETRY_ANNOTATION: retry_id})


def _updated(workspace: Workspace) -> pb.UpdateWorkspaceResponse:
    return pb.UpdateWorkspaceResponse(
        workspace=workspace_message(workspace), warnings=warnings(workspace.spec)
    )
