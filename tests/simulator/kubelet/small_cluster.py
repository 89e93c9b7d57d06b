"""A small cluster of real parts: API server, kubelets, endpoint controllers, service proxy."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.clock import SystemClock
from simulator.controllers.control_plane import ControlPlane
from simulator.controllers.endpoint_slice import EndpointSliceController
from simulator.kubelet.images import Curl, ImageTable, MachineProgram
from simulator.kubelet.kubelet import Kubelets, Workers
from simulator.kubelet.local_runtime import LocalRuntime
from simulator.kubelet.node_runtimes import NodeRuntimes
from simulator.kubelet.pod_addresses import PodAddresses
from simulator.kubelet.pod_streams import KubeletPodStreams
from simulator.kubelet.service_proxy import ServiceProxy
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from simulator.kubernetes.status import Object
from simulator.timings import Timings

QUICK = Timings(
    image_pull=0.0,
    container_start=0.0,
    simulated_model_load=0.02,
    restart_backoff=0.02,
    restart_backoff_limit=0.05,
    image_error_shown=0.0,
)
PYTHON = "test/python"
TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Cluster:
    api: ApiServer
    workers: Workers
    streams: KubeletPodStreams
    directory: Path
    block: int

    def node(self, name: str = "local", **labels: str) -> None:
        runtime = {"moorage.sh/runtime": "local"} if name.startswith("local") else {}
        metadata = {"name": name, "labels": {**runtime, **labels}}
        self.api.create({"apiVersion": "v1", "kind": "Node", "metadata": metadata})

    def pod(self, name: str, *containers: Object, node: str = "local", **spec: Any) -> Object:
        metadata = {"name": name, "namespace": "default", "labels": {"app": name}}
        body = {"nodeName": node, "containers": list(containers), **spec}
        return self.api.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}
        )

    def service(self, name: str, port: int, target: int | str, **spec: Any) -> Object:
        ports = [{"port": port, "targetPort": target}]
        return self.api.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": "default"},
                "spec": {"selector": {"app": name}, "ports": ports, **spec},
            }
        )

    def get(self, name: str, kind: str = "Pod") -> Object:
        return self.api.get(kind, name, "default")

    async def until(self, holds: Callable[[], Any]) -> None:
        """Waits for the first commit after which ``holds``."""
        changed = asyncio.Event()
        unsubscribe = self.api.subscribe(lambda _: changed.set())
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while not holds():
                    await changed.wait()
                    changed.clear()
        finally:
            unsubscribe()

    async def until_phase(self, name: str, *phases: str) -> Object:
        await self.until(lambda: self.get(name).get("status", {}).get("phase") in phases)
        return self.get(name)

    async def until_ready(self, name: str) -> Object:
        await self.until(lambda: condition(self.get(name), "Ready") == "True")
        return self.get(name)

    async def until_waiting(self, name: str, reason: str) -> Object:
        await self.until(lambda: waiting_reason(self.get(name)) == reason)
        return self.get(name)

    async def until_gone(self, name: str) -> None:
        await self.until(lambda: self.api.find("Pod", name, "default") is None)

    def reasons(self, name: str) -> list[str]:
        """The reasons of the events of a pod, in order of name."""
        return [
            event["reason"]
            for event in self.api.list("Event")
            if event["involvedObject"]["name"] == name
        ]


def condition(obj: Object, type_: str) -> str | None:
    conditions = obj.get("status", {}).get("conditions", ())
    return next((one["status"] for one in conditions if one["type"] == type_), None)


def container_status(pod: Object, index: int = 0) -> Object:
    return pod.get("status", {}).get("containerStatuses", [{}] * (index + 1))[index]


def waiting_reason(pod: Object) -> str | None:
    return container_status(pod).get("state", {}).get("waiting", {}).get("reason")


def python(code: str, *arguments: str, **fields: Any) -> Object:
    """A container that runs ``code``."""
    return {"name": "main", "image": PYTHON, "args": ["-c", code, *arguments], **fields}


@asynccontextmanager
async def running_cluster(directory: Path, block: int) -> AsyncIterator[Cluster]:
    numbers = itertools.count()
    clock = SystemClock()
    workers: Workers = {}
    streams = KubeletPodStreams(workers)
    api = ApiServer(
        clock=clock,
        new_uid=lambda: f"uid-{clock.now().timestamp()}-{next(numbers)}",
        database=directory / "cluster.sqlite",
        service_addresses=ServiceNetwork(f"127.64.{block}.0/24"),
        pod_streams=streams,
    )
    images = ImageTable(
        [MachineProgram(repositories=[PYTHON], entrypoint=[sys.executable, "-u"]), Curl()]
    )
    local = LocalRuntime(directory=directory, images=images, clock=clock)
    local.end_leftovers()
    runtimes = NodeRuntimes(
        objects=api, clock=clock, timings=QUICK, addresses=PodAddresses(block), local=local
    )
    kubelets = Kubelets(api, make_node=runtimes.node, forget_pod=local.remove_pod, workers=workers)
    parts = [
        asyncio.create_task(kubelets.run()),
        asyncio.create_task(ControlPlane(api, [EndpointSliceController(api)]).run()),
        asyncio.create_task(ServiceProxy(api).run()),
    ]
    try:
        yield Cluster(api, workers, streams, directory, block)
    finally:
        for part in parts:
            part.cancel()
        ended = await asyncio.gather(*parts, return_exceptions=True)
        api.close()
        assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def eventually(holds: Callable[[], Any]) -> None:
    """For what no commit tells of: files, processes, sockets."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not holds():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
