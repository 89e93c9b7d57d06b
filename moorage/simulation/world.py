"""The world of one run: cluster, processes of Moorage, users, and what befalls them; composed."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, cast

from kubernetes.aio.client import ApiClient

from adapters.kubernetes.client import KubernetesClient
from adapters.kubernetes.installation import install
from engine.phase import Phase
from moorage.definitions import definitions
from moorage.simulation.director import Choice, Director
from moorage.simulation.grpc_door import GrpcClients
from moorage.simulation.processes import Processes
from moorage.simulation.users import USER, Users
from simulator.azure.transport import InProcessTransport
from simulator.faults.azure_faults import AzureFaults
from simulator.faults.cluster_faults import ClusterFaults, found_namespace
from simulator.faults.plan import Plan
from simulator.faults.planned_azure_fate import PlannedAzureFate
from simulator.faults.planned_fate import PlannedFate
from simulator.faults.trigger_watch import TriggerWatch
from simulator.history import Commit, Defect, History, Milestone, Struck
from simulator.virtual_cluster import VirtualCluster
from simulator.virtual_time.clock import VirtualClock
from simulator.virtual_time.event_loop import VirtualLoop
from simulator.virtual_time.process import Process, current_process
from simulator.virtual_time.randomness import Randomness
from simulator.wire.arm_wire import ArmWire
from simulator.wire.memory_connection import MemoryConnector
from simulator.wire.network import Network
from simulator.wire.rest_client import api_client, http_api_client

NAMESPACE = "models"
HOUR = 3600.0
LOOK_SECONDS = 60.0
CLOSING_SECONDS = 1.0
QUIET_SECONDS = 900.0
"""What nobody owns is swept within ten minutes; a run must last to see that it was."""
RETRIES = 2
"""So often, once all rests, users retry what has failed."""
LONGEST_RECOVERY = 4 * HOUR
RESTING = frozenset({Phase.READY.value, Phase.FAILED.value})


class World:
    """Everything of one run, composed."""

    def __init__(
        self,
        plan: Plan,
        loop: VirtualLoop,
        history: History,
        randomness: Randomness,
        choose: Choice | None,
    ) -> None:
        self._plan = plan
        self._choose = choose
        self._loop = loop
        self._history = history
        self._randomness = randomness
        self._connections: list[tuple[ApiClient, MemoryConnector]] = []
        """Kept to the end: aiohttp complains of what is dropped open."""
        self.director: Director
        self.users: Users

    def _told(self, element: int, code: str, target: str) -> None:
        """A fault struck."""
        self._history.add(Struck(at=self._loop.time(), element=element, code=code, target=target))

    async def play(self) -> None:
        self.director.direct(self._plan)
        if self._choose is not None:
            self.director.let_choose(self._plan, self._choose)
        await asyncio.sleep(self._plan.setting.hours * HOUR)
        self._milestone("healed")
        self.director.heal()
        await self._recover()
        self._milestone("over")
        for defect in self._loop.defects:
            error = defect.get("exception")
            what = f"{defect.get('message')}: {error!r}"
            self._history.add(Defect(at=self._loop.time(), actor="simulation", what=what))

    def _milestone(self, name: str) -> None:
        self._history.add(Milestone(at=self._loop.time(), name=name))

    async def build(self) -> None:
        loop, history, randomness = self._loop, self._history, self._randomness
        clock = VirtualClock(loop)
        self.fate = PlannedFate(self._told, loop.time)
        on_azure = self._plan.setting.provisioner == "moorage"
        self.cluster = VirtualCluster(
            clock=clock,
            new_uid=randomness.uuids("uids"),
            history=history,
            fate=self.fate,
            azure_fate=PlannedAzureFate(self.fate) if on_azure else None,
        )
        cluster_faults = ClusterFaults(self.cluster, namespace=NAMESPACE, told=self._told)
        self.network = Network(
            self.cluster,
            randomness.stream("latencies"),
            longest_latency=self._plan.setting.latency,
        )
        self.network.conflict = cluster_faults.conflict
        triggers = TriggerWatch(loop, history, self.cluster.process.context())
        self.network.listeners.sent = triggers.on_sent
        self.network.listeners.carried_out = triggers.on_carried_out
        self.processes = Processes(
            loop=loop,
            clock=clock,
            network=self.network,
            history=history,
            models=self.cluster.models,
            new_client=self._new_client,
            arm=self._arm_transport(),
            new_id=randomness.uuids("ids"),
        )
        await self._install()
        self._start_users()
        self.director = Director(
            triggers=triggers,
            processes=self.processes,
            network=self.network,
            fate=self.fate,
            cluster_faults=cluster_faults,
            azure_faults=self._azure_faults(),
            users=self.users,
            start=self._start_user,
            told=self._told,
            history=history,
        )
        self.cluster.start()
        self.processes.start_engine()
        self.processes.start_api()

    def _azure_faults(self) -> AzureFaults | None:
        cluster = self.cluster
        if cluster.azure is None:
            return None
        return AzureFaults(cluster.azure, cluster.process, namespace=NAMESPACE, told=self._told)

    def _arm_transport(self) -> InProcessTransport | None:
        if self.cluster.azure is None:
            return None
        wire = ArmWire(self.cluster, self.network)
        return InProcessTransport(self.cluster.azure.handle, wire.carry)

    def _new_client(self) -> KubernetesClient:
        if self._plan.setting.transport == "http":
            client = cast("Process", current_process())
            handle = partial(self.network.serve, client)
            connector = MemoryConnector(handle, loop=self._loop, server=self.cluster.process)
            client_of_its_own = http_api_client(connector)
            self._connections.append((client_of_its_own, connector))
            return KubernetesClient(client_of_its_own)
        return KubernetesClient(api_client(self.network))

    async def close(self) -> None:
        """Closes what clients left open; one whose process crashed does not hear that it is."""
        for client, connector in self._connections:
            await client.close()  # type: ignore[no-untyped-call]
            with suppress(TimeoutError):
                await asyncio.wait_for(connector.close(), CLOSING_SECONDS)

    async def _install(self) -> None:
        """Straight into the API server: what is there before anything can go wrong."""
        found_namespace(self.cluster, NAMESPACE)
        installer = Process("installer")
        objects = self.processes.objects(installer)
        await self._loop.create_task(install(objects, definitions()), context=installer.context())

    def _start_users(self) -> None:
        process = Process(USER)
        self._user_context = process.context()
        habits = self._plan.setting.habits
        grpc = GrpcClients(
            loop=self._loop,
            history=self._history,
            chance=self._randomness.stream("grpc"),
            longest_latency=self._plan.setting.latency,
            server=self.processes.grpc_server,
        )
        self.users = Users(
            loop=self._loop,
            history=self._history,
            namespace=NAMESPACE,
            kubectl=self.processes.objects(process),
            grpc=grpc,
            habits=habits,
            new_id=self._randomness.uuids("users"),
        )
        if habits.resumes:
            self._start_user(
                grpc.watch(USER, f"namespaces/{NAMESPACE}", breaks_after=habits.resumes)
            )

    def _start_user(self, acting: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        return self._loop.create_task(acting, name="user", context=self._user_context.copy())

    async def _recover(self) -> None:
        """Until all rests and nothing has happened for a while, or for as long as it may take."""
        recovering = since = self._loop.time()
        retries = RETRIES
        while self._loop.time() - recovering < LONGEST_RECOVERY:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._quiet(since):
                continue
            failed = [name for name, phase in self._phases() if phase == Phase.FAILED.value]
            if not failed or not retries:
                return
            retries -= 1
            since = self._loop.time()
            self._start_user(self.users.retry_failed(failed))

    def _at_rest(self) -> bool:
        """Whether nothing is under way, be it as slow as a cloud's deletion."""
        if any(phase not in RESTING for _, phase in self._phases()):
            return False
        present = self._history.objects.values()
        return not any("deletionTimestamp" in item["metadata"] for item in present)

    def _phases(self) -> list[tuple[str, str]]:
        return [
            (item["metadata"]["name"], item.get("status", {}).get("phase", ""))
            for item in self._history.of_kind("Workspace")
        ]

    def _quiet(self, since: float) -> bool:
        """Whether all rests, and nothing has happened for long enough, counted from ``since``."""
        long_ago = self._loop.time() - QUIET_SECONDS
        if since > long_ago or not self._at_rest():
            return False
        for record in reversed(self._history.records):
            if isinstance(record, Commit) and record.now["kind"] != "Event":
                return record.at < long_ago
        return True
