"""The store that is served for real: the Kubernetes adapter, on a simulated API server."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import yaml
from kubernetes.aio.client import ApiClient, Configuration

from adapters.kubernetes.client import KubernetesClient
from adapters.kubernetes.installation import install
from adapters.kubernetes.kinds import WORKSPACE
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.workspaces import KubernetesWorkspaces
from engine.ports import Clock
from engine.workspace import FINALIZER, WorkspaceRef
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_door import HttpDoor
from simulator.kubernetes.services import ServiceNetwork

DEFINITIONS = sorted((Path(__file__).parents[2] / "deploy" / "crds").glob("*.yaml"))


class ClusterWorkspaces(KubernetesWorkspaces):
    """Adds what others do to the world, as ``MemoryWorkspaces`` has it."""

    def __init__(self, objects: KubernetesObjects, api_server: ApiServer) -> None:
        super().__init__(objects)
        self._api_server = api_server

    def add_namespace(self, name: str) -> None:
        self._api_server.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )

    async def hold_finalizer(self, ref: WorkspaceRef) -> None:
        held = {"metadata": {"finalizers": [FINALIZER]}}
        await self._objects.merge(WORKSPACE, ref.name, ref.namespace, held)

    def compact(self) -> None:
        """The server's log is a window of 20,000 changes; this is what moving past it does."""
        self.add_namespace("a-change-of-something-else")
        store = self._api_server._store
        store._log.clear()
        store._log_starts_after = store.resource_version


@asynccontextmanager
async def cluster_workspaces(clock: Clock) -> AsyncIterator[ClusterWorkspaces]:
    numbers = itertools.count(1)
    api_server = ApiServer(
        clock=clock,
        new_uid=lambda: f"uid-{next(numbers)}",
        database=None,
        service_addresses=ServiceNetwork("127.64.255.0/24"),
    )
    door = HttpDoor(api_server)
    configuration = Configuration(host=await door.start())
    configuration.retries = 0
    configuration.client_session_kwargs = {"trust_env": False}
    client = ApiClient(configuration)
    objects = KubernetesObjects(KubernetesClient(client))
    await install(objects, (d for p in DEFINITIONS for d in yaml.safe_load_all(p.read_text())))
    try:
        yield ClusterWorkspaces(objects, api_server)
    finally:
        await client.close()
        await door.stop()
        api_server.close()
