"""The real client on a real socket, against the simulated API server with our CRDs."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from kubernetes.aio.client import ApiClient, Configuration

from adapters.kubernetes.client import KubernetesClient
from adapters.kubernetes.installation import install
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.workspaces import KubernetesWorkspaces
from moorage.definitions import definitions
from simulator.clock import SystemClock
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_door import HttpDoor
from simulator.kubernetes.services import ServiceNetwork


def simulated(database: Path | None = None) -> ApiServer:
    numbers = count(1)
    return ApiServer(
        clock=SystemClock(),
        new_uid=lambda: f"uid-{next(numbers)}",
        database=database,
        service_addresses=ServiceNetwork("127.64.255.0/24"),
    )


@asynccontextmanager
async def connected(api_server: ApiServer) -> AsyncIterator[KubernetesObjects]:
    door = HttpDoor(api_server)
    configuration = Configuration(host=await door.start())
    configuration.client_session_kwargs = {"trust_env": False}
    client = ApiClient(configuration)
    made = KubernetesObjects(KubernetesClient(client))
    await install(made, definitions())
    yield made
    await client.close()
    await door.stop()


@pytest.fixture
def api_server() -> Iterator[ApiServer]:
    server = simulated()
    yield server
    server.close()


@pytest.fixture
async def objects(api_server: ApiServer) -> AsyncIterator[KubernetesObjects]:
    async with connected(api_server) as made:
        yield made


@pytest.fixture
def store(objects: KubernetesObjects) -> KubernetesWorkspaces:
    return KubernetesWorkspaces(objects)
