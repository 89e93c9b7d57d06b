"""A real server on loopback, over a store in memory or on a simulated Kubernetes."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from api.server import GrpcServer, ServerOptions
from api.v1.catalog_service_pb2_grpc import CatalogServiceStub
from api.v1.workspace_service_pb2_grpc import WorkspaceServiceStub
from api.watch import WatchLimits
from engine.ports import WorkspaceStore
from tests.api.cluster_store import ClusterWorkspaces, cluster_workspaces
from tests.api.memory_store import MemoryWorkspaces, SteppingClock

QUICK = ServerOptions(
    call_limit=timedelta(seconds=5),
    grace=timedelta(seconds=5),
    watch_limits=WatchLimits(checkpoint_interval=timedelta(milliseconds=50), snapshot_page=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    server: GrpcServer
    address: str
    channel: grpc.aio.Channel

    @property
    def workspaces(self):
        return WorkspaceServiceStub(self.channel)

    @property
    def catalog(self):
        return CatalogServiceStub(self.channel)


@asynccontextmanager
async def serving(
    store: WorkspaceStore, clock: SteppingClock, options: ServerOptions = QUICK
) -> AsyncIterator[Served]:
    numbers = itertools.count(1)
    server = GrpcServer(
        store,
        clock=clock,
        new_id=lambda: f"id-{next(numbers)}",
        options=replace(options, address="127.0.0.1:0"),
    )
    address = await server.start()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield Served(server=server, address=address, channel=channel)
    finally:
        await server.stop()


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock(datetime(2026, 1, 1, 12, tzinfo=UTC))


@pytest.fixture
def store(clock: SteppingClock) -> MemoryWorkspaces:
    return MemoryWorkspaces(clock)


@pytest.fixture(params=["memory", "kubernetes"])
async def either_store(
    request: pytest.FixtureRequest, clock: SteppingClock
) -> AsyncIterator[MemoryWorkspaces | ClusterWorkspaces]:
    """For what must hold of the API whatever keeps the workspaces."""
    if request.param == "memory":
        yield MemoryWorkspaces(clock)
        return
    async with cluster_workspaces(clock) as workspaces:
        yield workspaces


@pytest.fixture
async def served(store: MemoryWorkspaces, clock: SteppingClock) -> AsyncIterator[Served]:
    async with serving(store, clock) as served:
        yield served


@pytest.fixture
def stub(served: Served):
    return served.workspaces
