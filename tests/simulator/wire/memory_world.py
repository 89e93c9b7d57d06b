"""The official client on in-memory connections to the simulated API server, in virtual time.

As a program (``python -m tests.simulator.wire.memory_world SEED``) it prints the trace of a run.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any

from kubernetes.aio.client import ApiClient, Configuration

from adapters.kubernetes.client import KubernetesClient
from adapters.kubernetes.kinds import Kind
from adapters.kubernetes.objects import KubernetesObjects
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from simulator.kubernetes.watch_cache import WatchCache
from simulator.virtual_time.clock import VirtualClock
from simulator.virtual_time.event_loop import VirtualLoop, run_virtually
from simulator.virtual_time.process import Process
from simulator.virtual_time.schedule import Schedule, Shuffled
from simulator.wire.memory_connection import MemoryConnector

CONFIG_MAP = Kind(group="", version="v1", name="ConfigMap", plural="configmaps")


def config_map(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": {"app": "test"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


class MemoryWorld:
    def __init__(self, loop: VirtualLoop) -> None:
        numbers = count(1)
        self.loop = loop
        self.server = Process("server")
        self.api = ApiServer(
            clock=VirtualClock(loop),
            new_uid=lambda: f"uid-{next(numbers)}",
            database=None,
            service_addresses=ServiceNetwork("127.64.255.0/24"),
        )

    def connector(
        self, latency: Callable[[], float] = lambda: 0.0, cache: WatchCache | None = None
    ) -> MemoryConnector:
        handle = partial(self.api.handle, cache=cache)
        return MemoryConnector(handle, loop=self.loop, server=self.server, latency=latency)

    @asynccontextmanager
    async def client(self, connector: MemoryConnector) -> AsyncIterator[KubernetesObjects]:
        client = api_client(connector)
        yield KubernetesObjects(KubernetesClient(client))
        await client.close()
        await connector.close()


def api_client(connector: MemoryConnector) -> ApiClient:
    configuration = Configuration(host="http://kubernetes")
    configuration.client_session_kwargs = connector.session_options()
    return ApiClient(configuration)


def run(
    story: Callable[[MemoryWorld], Coroutine[Any, Any, None]], schedule: Schedule | None = None
) -> VirtualLoop:
    """Tells the story to its end; fails where an exception went unheard."""
    loop = VirtualLoop(schedule)
    world = MemoryWorld(loop)
    run_virtually(story(world), loop)
    world.api.close()
    assert loop.defects == []
    return loop


def trace(seed: int) -> list[str]:
    """What three clients and a watcher see, line by line, under one random schedule."""
    chance = random.Random(seed)
    lines: list[str] = []

    async def story(world: MemoryWorld) -> None:
        connector = world.connector(lambda: chance.random() / 10)

        def note(*words: object) -> None:
            lines.append(" ".join(map(str, (f"{world.loop.time():.6f}", *words))))

        async def watch(objects: KubernetesObjects) -> None:
            async for event in objects.watch(CONFIG_MAP, "default", since="0"):
                metadata = event["object"]["metadata"]
                note(event["type"], metadata.get("name"), metadata["resourceVersion"])

        async def write(objects: KubernetesObjects, writer: int) -> None:
            for step in range(5):
                made = await objects.create(CONFIG_MAP, config_map(f"w{writer}-{step}"))
                note("made", made["metadata"]["name"], made["metadata"]["resourceVersion"])
                await asyncio.sleep(chance.random())

        async with world.client(connector) as objects:
            watching = asyncio.create_task(watch(objects))
            await asyncio.gather(*(write(objects, writer) for writer in range(3)))
            await watching
            note(*(connection.carries for connection in connector.connections))

    run(story, Shuffled(random.Random(seed)))
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join(trace(int(sys.argv[1]))))
