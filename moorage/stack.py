"""The embedded stack: a simulated cluster, and on it the very Moorage that runs on a real one.

Engine and API reach the cluster over HTTP, as they reach any other.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from kubernetes.aio.client import ApiClient, Configuration

from adapters.aks.client import ManagedCluster
from adapters.kubernetes.claim_reader import KubernetesNodeClaimReader
from adapters.kubernetes.client import KubernetesClient
from adapters.kubernetes.installation import install
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.workspaces import KubernetesWorkspaces
from adapters.triton.canaries import TritonCanaries
from api.server import GrpcServer, ServerOptions
from engine.provisioning import Provisioner
from moorage.azure_access import azure_access
from moorage.controllers import NodeApi
from moorage.definitions import definitions
from moorage.dialects import DIALECTS
from moorage.engine_process import run_engine
from moorage.node_engine_process import run_node_engine
from simulator.azure.managed_cluster import ManagedCluster as SimulatedManagedCluster
from simulator.azure.offers import Offers
from simulator.azure.timings import AzureTimings
from simulator.clock import SystemClock
from simulator.cluster import ClusterOptions, simulated_cluster
from simulator.timings import Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """``listen`` is the address of both servers; port 0 takes a free one."""

    state_directory: Path
    cache_directory: Path
    listen: str = "127.0.0.1"
    kubernetes_port: int = 0
    grpc_port: int = 0
    provisioner: Provisioner = Provisioner.NODE_CLAIM
    node_api: NodeApi = NodeApi.NODE_CLAIM
    timings: Timings = field(default_factory=Timings)
    azure_timings: AzureTimings = field(default_factory=AzureTimings)
    offers: Offers = field(default_factory=lambda: Offers(sells_retired=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedStack:
    """A running stack. ``endpoints`` has at least "kubernetes" (a URL) and "grpc" (host:port)."""

    endpoints: Mapping[str, str]
    kubeconfig: Path


@asynccontextmanager
async def embedded_stack(settings: StackSettings) -> AsyncIterator[EmbeddedStack]:
    """Runs for as long as the context lasts; carries on from what the state directory holds.

    Raises AddressBlockError where another stack runs on the same state directory, and OSError
    where a port is taken.
    """
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(
            simulated_cluster(
                ClusterOptions(
                    state_directory=settings.state_directory,
                    cache_directory=settings.cache_directory,
                    host=settings.listen,
                    port=settings.kubernetes_port,
                    timings=settings.timings,
                    azure_timings=settings.azure_timings,
                    offers=settings.offers,
                )
            )
        )
        objects = KubernetesObjects(await _client(stack, cluster.url))
        await install(objects, definitions())
        store, dialect = KubernetesWorkspaces(objects), DIALECTS[settings.node_api]
        parts = await stack.enter_async_context(asyncio.TaskGroup())
        engine = run_engine(
            objects,
            clock=SystemClock(),
            canaries=TritonCanaries,
            provisioner=settings.provisioner,
            dialect=dialect,
        )
        stack.callback(parts.create_task(engine, name="engine").cancel)
        azure = await stack.enter_async_context(azure_access(_managed(cluster.azure_url)))
        node_engine = run_node_engine(
            objects,
            azure.pools,
            clock=SystemClock(),
            intervals=azure.intervals,
            dialect=dialect,
        )
        stack.callback(parts.create_task(node_engine, name="node engine").cancel)
        server = GrpcServer(
            store,
            clock=SystemClock(),
            new_id=lambda: str(uuid4()),
            node_claims=KubernetesNodeClaimReader(objects, dialect),
            options=ServerOptions(address=f"{settings.listen}:{settings.grpc_port}"),
        )
        grpc_address = await server.start()
        stack.push_async_callback(server.stop)
        endpoints = {
            "kubernetes": cluster.url,
            "azure": cluster.azure_url,
            "grpc": grpc_address,
        }
        _publish(settings.state_directory / "endpoints.json", endpoints)
        yield EmbeddedStack(endpoints=endpoints, kubeconfig=cluster.kubeconfig)


def _managed(azure_url: str) -> ManagedCluster:
    place = SimulatedManagedCluster()
    return ManagedCluster(
        subscription=place.subscription,
        resource_group=place.resource_group,
        name=place.name,
        location=place.region,
        endpoint=azure_url,
    )


async def _client(stack: AsyncExitStack, url: str) -> KubernetesClient:
    configuration = Configuration(host=url)
    configuration.retries = 0
    # Proxies of the machine's environment are not for loopback.
    configuration.client_session_kwargs = {"trust_env": False}
    api = ApiClient(configuration)
    stack.push_async_callback(api.close)
    return KubernetesClient(api)


def _publish(path: Path, endpoints: Mapping[str, str]) -> None:
    """Whoever waits for this file must never read half of it."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(dict(endpoints), indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
