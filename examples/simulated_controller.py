"""A controller of your own in Moorage's simulator: `python examples/simulated_controller.py SEED`.

The controller is ten lines on the official client: every namespace is to have a ConfigMap named
"greeting". Here it is started, killed with ``kill -9`` at a random instant, started again, and a
stranger deletes its work; at the end each namespace must have its greeting. All of it in virtual
time, with every request under way for a while and any order of what is ready: one seed decides.
"""

import asyncio
import sys

from kubernetes.aio.client import CoreV1Api, V1ConfigMap, V1ObjectMeta
from kubernetes.aio.client.exceptions import ApiException

from simulator.fate import GoodFortune
from simulator.history import History
from simulator.virtual_cluster import VirtualCluster
from simulator.virtual_time.clock import VirtualClock
from simulator.virtual_time.event_loop import VirtualLoop, run_virtually, virtual_loop
from simulator.virtual_time.process import Process
from simulator.virtual_time.randomness import Randomness
from simulator.virtual_time.schedule import Shuffled
from simulator.wire.network import Network
from simulator.wire.rest_client import api_client

NAMESPACES = ("blue", "green", "red")


async def controller(core: CoreV1Api) -> None:
    """Under test: level-triggered, asks again every minute."""
    while True:
        for namespace in (await core.list_namespace()).items:
            body = V1ConfigMap(metadata=V1ObjectMeta(name="greeting"), data={"text": "hello"})
            try:
                await core.create_namespaced_config_map(namespace.metadata.name, body)
            except ApiException as error:
                if error.reason != "Conflict":  # it is there already
                    raise
        await asyncio.sleep(60)


async def history(seed: int, loop: VirtualLoop) -> VirtualCluster:
    chance = Randomness(seed)
    cluster = VirtualCluster(
        clock=VirtualClock(loop),
        new_uid=chance.uuids("uids"),
        history=History(),
        fate=GoodFortune(),
    )
    cluster.start()
    network = Network(cluster, chance.stream("latencies"), longest_latency=0.05)

    def start() -> Process:
        process = Process("controller")
        work = controller(CoreV1Api(api_client(network)))
        loop.create_task(work, name=process.name, context=process.context())
        return process

    for name in NAMESPACES:
        metadata = {"name": name}
        cluster.api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    first = start()
    await asyncio.sleep(chance.stream("crash").random())
    first.crashed = True
    start()
    await asyncio.sleep(10)
    cluster.api_server.delete("ConfigMap", "greeting", "red")
    await asyncio.sleep(120)
    return cluster


def greeted(seed: int) -> list[str]:
    """The namespaces that have their greeting in the end."""
    loop = virtual_loop(Shuffled(Randomness(seed).stream("schedule")))
    cluster = run_virtually(history(seed, loop), loop)
    found = cluster.api_server.list("ConfigMap")
    return [obj["metadata"]["namespace"] for obj in found if obj["metadata"]["name"] == "greeting"]


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    print(f"seed {seed}: greeted {', '.join(greeted(seed))}")  # noqa: T201
