"""A cluster of the real API server and control plane in virtual time, without kubelets.

The test plays the kubelet (``world.run_pod``) and lets time pass (``world.advance``): a second
takes no time at all, and every run is the same.
"""

import asyncio
import selectors
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.controllers.built_in_controllers import built_in_controllers, karpenter_controllers
from simulator.controllers.conditions import with_conditions
from simulator.controllers.control_plane import ControlPlane
from simulator.fate import GoodFortune
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from simulator.node_resources import MachineSize
from simulator.timings import Timings

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
NODE_CLAIM_CRD = Path(__file__).parents[3] / "deploy/crds/karpenter.sh_nodeclaims.yaml"


class VirtualTimeSelector(selectors.DefaultSelector):
    """Where the loop would wait for a timer, the clock leaps there instead."""

    elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("deadlock: nothing is ready and no timer is set")
        if not ready and timeout:
            self.elapsed += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = VirtualTimeSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.elapsed


class LoopClock:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())


class World:
    def __init__(self, timings: Timings) -> None:
        self.timings = timings
        self.loop = VirtualTimeLoop()
        self.clock = LoopClock(self.loop)
        uids = count(1)
        self.objects = ApiServer(
            clock=self.clock,
            new_uid=lambda: f"00000000-0000-0000-0000-{next(uids):012d}",
            database=None,
            service_addresses=ServiceNetwork("127.64.0.0/24"),
        )
        self.objects.create(yaml.safe_load(NODE_CLAIM_CRD.read_text()))
        self.start()

    def start(self) -> None:
        machine = MachineSize(cpus=4, memory_bytes=8 * 2**30)
        karpenter = karpenter_controllers(
            self.objects, self.clock, self.timings, machine, GoodFortune()
        )
        controllers = built_in_controllers(self.objects, self.clock, self.timings, karpenter)
        self._running = self.loop.create_task(ControlPlane(self.objects, controllers).run())

    def stop(self) -> None:
        """As a crash: nothing is told to anyone."""
        self._running.cancel()
        self.loop.run_until_complete(asyncio.gather(self._running, return_exceptions=True))

    def close(self) -> None:
        self.stop()
        self.objects.close()
        self.loop.close()

    def advance(self, seconds: float = 0.001) -> None:
        """Lets that much time pass; by default just enough to finish what is due now."""
        self.loop.run_until_complete(asyncio.sleep(seconds))
        if self._running.done():
            self._running.result()

    def create(self, manifest: str) -> dict[str, Any]:
        """Creates the object that the YAML text describes, and lets the controllers react."""
        created = self.objects.create(yaml.safe_load(manifest))
        self.advance()
        return created

    def names(self, kind: str, namespace: str | None = None) -> list[str]:
        return [item["metadata"]["name"] for item in self.objects.list(kind, namespace)]

    def change(self, kind: str, name: str, namespace: str = "default", **spec: Any) -> None:
        """Merges ``spec`` into the object's, one level deep."""
        obj = self.objects.get(kind, name, namespace)
        self.objects.update({**obj, "spec": {**obj["spec"], **spec}})
        self.advance()

    def delete(self, kind: str, name: str, namespace: str = "default", **options: Any) -> None:
        self.objects.delete(kind, name, namespace, **options)
        self.advance()

    def set_status(self, kind: str, name: str, namespace: str = "default", **status: Any) -> None:
        obj = self.objects.get(kind, name, namespace)
        self.objects.update_status({**obj, "status": {**obj.get("status", {}), **status}})
        self.advance()

    def set_condition(
        self, kind: str, name: str, type_: str, status: str, namespace: str = "default"
    ) -> None:
        obj = self.objects.get(kind, name, namespace)
        changed = {"type": type_, "status": status, "reason": "Test", "message": ""}
        present = obj.get("status", {}).get("conditions", ())
        conditions = with_conditions(present, [changed], self.clock.now())
        self.set_status(kind, name, namespace, conditions=conditions)

    def run_pod(self, name: str, *, ready: bool = True, ip: str = "127.65.0.9") -> None:
        """What a kubelet does once the pod's containers run."""
        self.set_status("Pod", name, phase="Running", podIP=ip, podIPs=[{"ip": ip}])
        self.set_condition("Pod", name, "Ready", str(ready))

    def finish_pod(self, name: str, phase: str) -> None:
        self.set_status("Pod", name, phase=phase)

    def remove_pod(self, name: str) -> None:
        """What a kubelet does once a deleted pod's containers have ended."""
        self.delete("Pod", name, grace_period_seconds=0)

    def add_node(self, name: str, *, ready: bool = True, **resources: str) -> None:
        amounts = {"cpu": "4", "memory": "8Gi", "pods": "10", **resources}
        labels = {"kubernetes.io/hostname": name}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        self.objects.create({**node, "spec": {}})
        self.set_status("Node", name, "", capacity=amounts, allocatable=amounts)
        self.set_condition("Node", name, "Ready", str(ready), "")


@pytest.fixture
def new_world() -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def build(**timings: float) -> World:
        worlds.append(World(Timings(**timings)))
        return worlds[-1]

    yield build
    for world in worlds:
        world.close()


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world()
