"""The gRPC API as commands use it: one channel, a time limit on every call, errors in words."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

import grpc

from api.v1 import catalog_service_pb2 as catalog
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from api.v1.catalog_service_pb2_grpc import CatalogServiceStub
from api.v1.workspace_service_pb2_grpc import WorkspaceServiceStub
from moorage.rpc_failure import failure_of

CALL_SECONDS = 30.0
PAGE_SIZE = 500
KEEPALIVE = [("grpc.keepalive_time_ms", 20_000), ("grpc.keepalive_timeout_ms", 10_000)]
"""A watch is silent for long; without probes a dead server would go unnoticed."""

Item = TypeVar("Item")


class Client:
    """Raises grpc.aio.AioRpcError, which ``connected`` puts into words."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._workspaces = WorkspaceServiceStub(channel)
        self._catalog = CatalogServiceStub(channel)

    async def create(self, request: service.CreateWorkspaceRequest) -> list[str]:
        """The warnings."""
        request.request_id = _request_id()
        response = await self._workspaces.CreateWorkspace(request, timeout=CALL_SECONDS)
        return list(response.warnings)

    async def update(self, request: service.UpdateWorkspaceRequest) -> list[str]:
        """The warnings."""
        request.request_id = _request_id()
        response = await self._workspaces.UpdateWorkspace(request, timeout=CALL_SECONDS)
        return list(response.warnings)

    async def get(self, name: str) -> pb.Workspace:
        request = service.GetWorkspaceRequest(name=name)
        response = await self._workspaces.GetWorkspace(request, timeout=CALL_SECONDS)
        return response.workspace

    async def find(self, name: str) -> pb.Workspace | None:
        """None where there is none, also for a name that no workspace can have."""
        try:
            return await self.get(name)
        except grpc.aio.AioRpcError as error:
            if error.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT}:
                return None
            raise

    async def list_all(self, parent: str, labels: str) -> list[pb.Workspace]:
        """All of them, by namespace and name."""
        request = service.ListWorkspacesRequest(
            parent=parent, label_selector=labels, page_size=PAGE_SIZE
        )
        return await _all(self._workspaces.ListWorkspaces, request, lambda page: page.workspaces)

    async def delete(self, name: str) -> None:
        request = service.DeleteWorkspaceRequest(name=name, request_id=_request_id())
        await self._workspaces.DeleteWorkspace(request, timeout=CALL_SECONDS)

    async def plan(self, request: service.PlanWorkspaceRequest) -> service.PlanWorkspaceResponse:
        return await self._workspaces.PlanWorkspace(request, timeout=CALL_SECONDS)

    async def explain(self, name: str) -> service.Explanation:
        request = service.ExplainWorkspaceRequest(name=name)
        response = await self._workspaces.ExplainWorkspace(request, timeout=CALL_SECONDS)
        return response.explanation

    async def retry(self, name: str) -> pb.Workspace:
        request = service.RetryWorkspaceRequest(name=name, request_id=_request_id())
        response = await self._workspaces.RetryWorkspace(request, timeout=CALL_SECONDS)
        return response.workspace

    def watch(
        self, request: service.WatchWorkspacesRequest
    ) -> AsyncIterator[service.WatchWorkspacesResponse]:
        """Without a time limit: keep-alive probes notice a server that is gone."""
        return aiter(self._workspaces.WatchWorkspaces(request))

    async def presets(self) -> list[catalog.Preset]:
        request = catalog.ListPresetsRequest(page_size=PAGE_SIZE)
        return await _all(self._catalog.ListPresets, request, lambda page: page.presets)

    async def instance_types(self) -> list[catalog.InstanceType]:
        request = catalog.ListInstanceTypesRequest(page_size=PAGE_SIZE)
        return await _all(
            self._catalog.ListInstanceTypes, request, lambda page: page.instance_types
        )


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Client]:
    """A client of the server at ``address`` (host:port). Raises Failure for failed calls."""
    async with grpc.aio.insecure_channel(address, options=_options(address)) as channel:
        try:
            yield Client(channel)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, address) from error


def _options(address: str) -> list[tuple[str, int]]:
    """Proxies of the machine's environment are not for loopback."""
    is_local = address.startswith(("127.", "localhost:", "[::1]:"))
    return [*KEEPALIVE, ("grpc.enable_http_proxy", 0 if is_local else 1)]


async def _all(call: Any, request: Any, items: Callable[[Any], list[Item]]) -> list[Item]:
    found: list[Item] = []
    while True:
        page = await call(request, timeout=CALL_SECONDS)
        found += items(page)
        request.page_token = page.next_page_token
        if not request.page_token:
            return found


def _request_id() -> str:
    return str(uuid4())
