"""The processes of Moorage in a simulated run: started, crashed, paused and stopped as a plan says.

Each incarnation is a process of its own with a client, copies and drivers of its own, so nothing
survives a crash but what the API server stores.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from azure.core.pipeline.transport import AsyncHttpTransport

from adapters.aks.agent_pools import AksAgentPools
from adapters.aks.client import ManagedCluster, arm_client
from adapters.kubernetes.client import KubernetesClient
from adapters.kubernetes.objects import KubernetesObjects
from engine.ports import Clock
from moorage.engine_process import run_engine
from moorage.node_engine_process import run_node_engine
from moorage.simulation.canaries import VirtualCanaries
from moorage.simulation.grpc_door import GrpcProcess
from simulator.history import Defect, History, Started
from simulator.kubelet.fated_runtime import Models
from simulator.virtual_time.event_loop import VirtualLoop
from simulator.virtual_time.process import Process
from simulator.wire.network import Network

SIMULATED_CLUSTER = ManagedCluster(
    subscription="00000000-0000-0000-0000-000000000000",
    resource_group="moorage",
    name="moorage",
    location="swedencentral",
    endpoint="http://azure.simulated",
)

ClientFactory = Callable[[], KubernetesClient]


@dataclass(slots=True)
class Incarnation:
    process: Process
    main: "asyncio.Task[None]"
    grpc: GrpcProcess | None = None


class Processes:
    """The running engines ("engine-1", …) and the API server ("api-1", …)."""

    def __init__(
        self,
        *,
        loop: VirtualLoop,
        clock: Clock,
        network: Network,
        history: History,
        models: Models,
        new_client: ClientFactory,
        new_id: Callable[[], str],
        arm: AsyncHttpTransport[Any, Any] | None = None,
    ) -> None:
        """With ``arm``, the way to the simulated Azure, each engine drives node claims as well."""
        self._arm = arm
        self._loop = loop
        self._clock = clock
        self._network = network
        self._history = history
        self._models = models
        self._new_client = new_client
        self._new_id = new_id
        self._numbers = {"engine": count(1), "api": count(1)}
        self._living: list[Incarnation] = []
        self.first_engine: Process | None = None

    def objects(self, process: Process) -> KubernetesObjects:
        """A client of the process's own; to be made in its context."""
        return process.context().run(self._objects)

    def _objects(self) -> KubernetesObjects:
        return KubernetesObjects(self._new_client())

    def grpc_server(self) -> GrpcProcess | None:
        """The API process that answers now, None while there is none."""
        return next((one.grpc for one in self._living if one.grpc and not one.process.paused), None)

    def start_engine(self) -> None:
        process = self._born("engine")
        self.first_engine = self.first_engine or process
        self._run(process, self._engine())

    async def _engine(self) -> None:
        canaries = partial(VirtualCanaries, self._models)
        objects = self._objects()
        async with asyncio.TaskGroup() as engines:
            engines.create_task(
                run_engine(objects, clock=self._clock, canaries=canaries), name="workspaces"
            )
            if self._arm is not None:
                engines.create_task(self._node_engine(objects, self._arm), name="node claims")

    async def _node_engine(
        self, objects: KubernetesObjects, arm: AsyncHttpTransport[Any, Any]
    ) -> None:
        async with arm_client(SIMULATED_CLUSTER, transport=arm) as client:
            pools = AksAgentPools(client, SIMULATED_CLUSTER)
            await run_node_engine(objects, pools, clock=self._clock)

    def start_api(self) -> None:
        process = self._born("api")
        grpc = process.context().run(
            lambda: GrpcProcess(process, self._objects(), clock=self._clock, new_id=self._new_id)
        )
        self._run(process, _serve_for_ever(), grpc)

    def _born(self, role: str) -> Process:
        process = Process(f"{role}-{next(self._numbers[role])}")
        self._tell(process, "started")
        return process

    def _run(
        self,
        process: Process,
        main: Coroutine[Any, Any, None],
        grpc: GrpcProcess | None = None,
    ) -> None:
        task = self._loop.create_task(main, name=process.name, context=process.context())
        incarnation = Incarnation(process, task, grpc)
        self._living.append(incarnation)
        task.add_done_callback(partial(self._on_end, incarnation))

    def _on_end(self, incarnation: Incarnation, task: "asyncio.Task[None]") -> None:
        if incarnation in self._living:
            self._living.remove(incarnation)
            self._network.forget(incarnation.process)
        if not task.cancelled() and (error := task.exception()) is not None:
            what = f"{incarnation.process.name} ended: {error!r}"
            self._history.add(
                Defect(at=self._loop.time(), actor=incarnation.process.name, what=what)
            )

    def _tell(self, process: Process, what: str) -> None:
        self._history.add(Started(at=self._loop.time(), process=process.name, what=what))

    def _present(self, role: str) -> list[Incarnation]:
        return [one for one in self._living if one.process.name.startswith(role)]

    def crash(self, role: str, *, down: float) -> None:
        """Every process of that role is gone at once; one is back after ``down`` seconds."""
        for one in self._present(role):
            one.process.crashed = True
            self._living.remove(one)
            self._network.forget(one.process)
            if one.grpc is not None:
                one.grpc.break_off()
            self._tell(one.process, "crashed")
        self._loop.call_later(down, self.ensure, role)

    def stop(self, role: str, *, down: float) -> None:
        """Asked to end, as by SIGTERM: it is cancelled where it stands."""
        for one in self._present(role):
            self._end(one)
        self._loop.call_later(down, self.ensure, role)

    def _end(self, one: Incarnation) -> None:
        self._living.remove(one)
        self._tell(one.process, "stopped")
        one.main.cancel()
        if one.grpc is not None:
            one.grpc.break_off()
        self._loop.call_later(1.0, self._network.forget, one.process)

    def pause(self, role: str, seconds: float) -> None:
        for one in self._present(role):
            if not one.process.paused:
                one.process.paused = True
                self._tell(one.process, "paused")
                self._loop.call_later(seconds, self._resume, one.process)

    def _resume(self, process: Process) -> None:
        if process.paused and not process.crashed:
            self._loop.resume(process)
            self._tell(process, "resumed")

    def second_engine(self, seconds: float) -> None:
        """Another one beside those there are; then the oldest is asked to end."""
        self.start_engine()
        self._loop.call_later(seconds, self._end_oldest)

    def _end_oldest(self) -> None:
        engines = self._present("engine")
        if len(engines) > 1:
            self._resume(engines[0].process)
            self._end(engines[0])

    def jump(self, role: str, seconds: float) -> None:
        for one in self._present(role):
            one.process.clock_error += timedelta(seconds=seconds)

    def ensure(self, role: str) -> None:
        """At least one process of that role runs."""
        if not self._present(role):
            starts = {"engine": self.start_engine, "api": self.start_api}
            starts[role]()

    def heal(self) -> None:
        """All run, with the right time."""
        for one in self._living:
            one.process.clock_error = timedelta(0)
            self._resume(one.process)
        for role in self._numbers:
            self.ensure(role)


async def _serve_for_ever() -> None:
    await asyncio.Event().wait()
