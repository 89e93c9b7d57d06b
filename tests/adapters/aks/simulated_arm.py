"""The simulated Azure over real HTTP on loopback, and the adapter on the real SDK before it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from aiohttp import web

from adapters.aks.agent_pools import AksAgentPools
from adapters.aks.client import ManagedCluster, arm_client
from simulator.azure.cloud import AzureCloud, AzureOptions
from simulator.azure.http_door import AzureDoor
from simulator.azure.managed_cluster import ManagedCluster as SimulatedPlace
from simulator.azure.messages import Answer, Request
from simulator.azure.timings import AzureTimings
from simulator.clock import SystemClock
from simulator.kubelet.silence import MachinePower
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from simulator.node_resources import MachineSize

FAST = AzureTimings().scaled(0.05)
PLACE = SimulatedPlace()


class NoKubelets:
    """Machines without anything that would run on them."""

    def silence(self, name: str) -> None: ...

    def revive(self, name: str) -> None: ...


class LossyDoor(AzureDoor):
    """``loses`` decides whether an answer is lost on its way, after the request was carried out."""

    loses: Callable[[Request], bool] = staticmethod(lambda _: False)

    async def _serve(self, request: web.Request) -> web.Response:
        response = await super()._serve(request)
        url = f"http://{request.host}{request.raw_path}"
        if self.loses(Request.parse(request.method, url, request.headers)):
            assert request.transport is not None
            request.transport.abort()
        return response


@dataclass
class SimulatedArm:
    cloud: AzureCloud
    door: LossyDoor
    pools: AksAgentPools
    place: ManagedCluster
    traffic: list[tuple[Request, Answer]] = field(default_factory=list)


def place_at(url: str) -> ManagedCluster:
    return ManagedCluster(
        subscription=PLACE.subscription,
        resource_group=PLACE.resource_group,
        name=PLACE.name,
        location=PLACE.region,
        endpoint=url,
    )


@asynccontextmanager
async def simulated_arm(options: AzureOptions | None = None) -> AsyncIterator[SimulatedArm]:
    clock, numbers = SystemClock(), count(1)

    def new_uid() -> str:
        return f"00000000-0000-0000-0000-{next(numbers):012d}"

    addresses = ServiceNetwork("127.64.0.0/24")
    objects = ApiServer(clock=clock, new_uid=new_uid, database=None, service_addresses=addresses)
    cloud = AzureCloud(
        objects=objects,
        clock=clock,
        new_uid=new_uid,
        power=MachinePower(objects, clock, NoKubelets(), usual_lease=40),
        computer=MachineSize(cpus=2, memory_bytes=4 << 30),
        options=options or AzureOptions(timings=FAST),
    )
    traffic: list[tuple[Request, Answer]] = []

    async def handle(request: Request) -> Answer:
        answer = await cloud.handle(request)
        traffic.append((request, answer))
        return answer

    door = LossyDoor(handle)
    place = place_at(await door.start())
    running = asyncio.create_task(cloud.run())
    try:
        async with arm_client(place) as client:
            pools = AksAgentPools(client, place)
            yield SimulatedArm(cloud=cloud, door=door, pools=pools, place=place, traffic=traffic)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await door.stop()
        cloud.close()
