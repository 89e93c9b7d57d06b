"""The gRPC server: services, health, reflection, and an orderly end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection

from api.catalog_service import CatalogService
from api.edge import Edge
from api.v1 import catalog_service_pb2, workspace_service_pb2
from api.watch import Watches, WatchLimits
from api.workspace_service import WorkspaceService
from engine.nodes.ports import NodeClaimReader
from engine.ports import Clock, WorkspaceStore

_WORKSPACES = workspace_service_pb2.DESCRIPTOR.services_by_name["WorkspaceService"]
_CATALOG = catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"]
SERVICES: tuple[ServiceDescriptor, ...] = (_WORKSPACES, _CATALOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """``address`` with port 0 takes a free one.

    ``keepalive`` is how often a silent connection is probed; clients may probe half as often
    again. ``grace`` is how long calls under way may take when the server stops.
    """

    address: str = "127.0.0.1:0"
    call_limit: timedelta = timedelta(seconds=30)
    max_message_bytes: int = 4 * 2**20
    max_concurrent_calls: int = 10_000
    keepalive: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=10)
    watch_limits: WatchLimits = field(default_factory=WatchLimits)


class GrpcServer:
    """``start``, then ``stop``, once each."""

    def __init__(
        self,
        store: WorkspaceStore,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        node_claims: NodeClaimReader | None = None,
        options: ServerOptions | None = None,
    ) -> None:
        self._options = options or ServerOptions()
        self._watches = Watches(store, limits=self._options.watch_limits)
        self._edge = Edge(new_id=new_id, call_limit=self._options.call_limit)
        self._workspaces = WorkspaceService(
            store=store,
            watches=self._watches,
            clock=clock,
            new_id=new_id,
            node_claims=node_claims,
        )
        self._health = health.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> str:
        """Serves; returns the address as ``host:port``. Raises OSError where it cannot bind."""
        server = grpc.aio.server(
            options=_channel_options(self._options),
            maximum_concurrent_rpcs=self._options.max_concurrent_calls,
        )
        server.add_generic_rpc_handlers(
            [
                self._edge.handler(_WORKSPACES, self._workspaces),
                self._edge.handler(_CATALOG, CatalogService()),
            ]
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = [service.full_name for service in SERVICES]
        reflected = [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, *names]
        reflection.enable_server_reflection([*reflected, reflection.SERVICE_NAME], server)
        host = self._options.address.rpartition(":")[0]
        try:
            port = server.add_insecure_port(self._options.address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self._options.address}: {error}") from error
        await server.start()
        self._server = server
        for name in ("", *names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return f"{host}:{port}"

    async def stop(self) -> None:
        """Tells health checks first, then ends watches with their cursor, then waits for calls."""
        if self._server is None:
            return
        await self._health.enter_graceful_shutdown()
        self._watches.drain()
        await self._server.stop(self._options.grace.total_seconds())
        await self._workspaces.close()


def _channel_options(options: ServerOptions) -> list[tuple[str, int]]:
    keepalive = int(options.keepalive.total_seconds() * 1000)
    return [
        ("grpc.max_receive_message_length", options.max_message_bytes),
        ("grpc.max_send_message_length", options.max_message_bytes),
        ("grpc.keepalive_time_ms", keepalive),
        ("grpc.keepalive_timeout_ms", keepalive // 3),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", keepalive // 3),
        ("grpc.so_reuseport", 0),
    ]
