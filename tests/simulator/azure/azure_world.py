"""The simulated Azure with all that is beneath and above it, in virtual time.

Cluster, control plane and kubelets are those of simulated runs; the client is the real Azure SDK.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.containerservice.aio import ContainerServiceClient

from simulator.azure.cloud import AzureCloud, AzureOptions
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.timings import AKS_TIMINGS
from simulator.azure.transport import Carry, InProcessTransport, straight
from simulator.fate import GoodFortune
from simulator.history import History
from simulator.kubelet.silence import MachinePower
from simulator.virtual_cluster import MACHINE, VirtualCluster
from simulator.virtual_time.clock import VirtualClock
from simulator.virtual_time.event_loop import run_virtually, virtual_loop

PLACE = ManagedCluster()
GROUP, CLUSTER = PLACE.resource_group, PLACE.name
A100 = "Standard_NC24ads_A100_v4"


class Bearer(SansIOHTTPPolicy):
    """Plain HTTP on loopback: the SDK's own policy insists on TLS."""

    def on_request(self, request: PipelineRequest) -> None:
        request.http_request.headers["Authorization"] = "Bearer test"


class NoCredential:
    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        raise AssertionError("the policy has the token")

    async def close(self) -> None: ...


def client(base_url: str, **options: Any) -> ContainerServiceClient:
    return ContainerServiceClient(
        NoCredential(),
        PLACE.subscription,
        base_url=base_url,
        authentication_policy=Bearer(),
        retry_total=0,
        **options,
    )


def pool(*, size: str = A100, **properties: Any) -> dict[str, Any]:
    return {"properties": {"count": 1, "vmSize": size, **properties}}


class AzureWorld:
    def __init__(self, options: AzureOptions, carry: Carry) -> None:
        loop = asyncio.get_running_loop()
        uids = count(1)

        def new_uid() -> str:
            return f"00000000-0000-0000-0000-{next(uids):012d}"

        self.clock = VirtualClock(loop)
        self.cluster = VirtualCluster(
            clock=self.clock, new_uid=new_uid, history=History(), fate=GoodFortune()
        )
        self.cluster.start()
        self.objects = self.cluster.api_server
        self.options = options
        self.new_uid = new_uid
        self.carry = carry
        self.start()

    def start(self) -> None:
        objects, clock = self.objects, self.clock
        lease = self.cluster.timings.lease_duration
        power = MachinePower(objects, clock, self.cluster.kubelets, usual_lease=lease)
        self.cloud = AzureCloud(
            objects=objects,
            clock=clock,
            new_uid=self.new_uid,
            power=power,
            computer=MACHINE,
            options=self.options,
        )
        self._running = asyncio.get_running_loop().create_task(self.cloud.run())
        transport = InProcessTransport(self.cloud.handle, self.carry)
        self.client = client("https://arm.simulated", transport=transport)
        self.pools = self.client.agent_pools

    async def restart(self, **options: Any) -> None:
        """As a crash: nothing is told to anyone, and only what is on disk is known afterwards."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self.cloud.close()
        self.options = replace(self.options, **options)
        self.start()

    # What the SDK is asked; nothing waits for operations.

    async def create(self, name: str = "ws0", **options: Any) -> Any:
        body = options.pop("body", None) or pool(**options.pop("properties", {}))
        return await self.pools.begin_create_or_update(
            GROUP, CLUSTER, name, body, polling=False, **options
        )

    async def get(self, name: str = "ws0") -> Any:
        return await self.pools.get(GROUP, CLUSTER, name)

    async def state(self, name: str = "ws0") -> str:
        return (await self.get(name)).provisioning_state

    async def delete(self, name: str = "ws0", **options: Any) -> Any:
        return await self.pools.begin_delete(GROUP, CLUSTER, name, polling=False, **options)

    async def names(self) -> list[str]:
        return [one.name async for one in self.pools.list(GROUP, CLUSTER)]

    async def created(self, name: str = "ws0", **options: Any) -> None:
        """A pool, with all its GPUs."""
        await self.create(name, **options)
        await asyncio.sleep(300)
        assert await self.state(name) == "Succeeded"

    # What Kubernetes shows.

    def nodes(self) -> list[str]:
        return [node["metadata"]["name"] for node in self.objects.list("Node")]

    def node(self) -> dict[str, Any]:
        """The only one."""
        (node,) = self.objects.list("Node")
        return node

    def ready(self, node: dict[str, Any]) -> str:
        return next(c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready")

    def gpus(self) -> str:
        return str(self.node()["status"]["allocatable"].get("nvidia.com/gpu", "none"))

    def run_pod(self, name: str = "p0", **metadata: Any) -> None:
        """A pod of the only node, which runs and is ready until it is deleted."""
        self.objects.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "default", "labels": {"app": "model"}}
                | metadata,
                "spec": {
                    "nodeName": self.node()["metadata"]["name"],
                    "containers": [{"name": "main", "image": "example.com/model"}],
                    "terminationGracePeriodSeconds": 5,
                },
            }
        )

    def pods(self) -> list[str]:
        return [each["metadata"]["name"] for each in self.objects.list("Pod")]


def play(
    scenario: Callable[[AzureWorld], Awaitable[None]],
    *,
    carry: Carry = straight,
    **options: Any,
) -> None:
    """Runs ``scenario`` in a world of its own, with AKS's timings unless others are given."""
    options = {"timings": AKS_TIMINGS, **options}

    async def main() -> None:
        await scenario(AzureWorld(AzureOptions(**options), carry))

    run_virtually(main(), virtual_loop())
