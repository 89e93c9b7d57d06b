"""The whole simulated cluster: API server, controllers, kubelets, service proxy, and their disk.

Everything it keeps is in one state directory, and it is crash-only: started again on that
directory, after a clean stop or a kill, it carries on with the same objects, addresses and pods.
Pods that ran as local processes are started again, as after a reboot of their node.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from simulator.address_block import AddressBlock, take_block
from simulator.azure.cloud import AzureCloud, AzureOptions
from simulator.azure.database import SqliteLedger
from simulator.azure.http_door import AzureDoor
from simulator.azure.offers import Offers
from simulator.azure.throttling import Allowance, Allowances
from simulator.azure.timings import AzureTimings
from simulator.clock import Clock, SystemClock
from simulator.controllers.built_in_controllers import built_in_controllers, karpenter_controllers
from simulator.controllers.control_plane import ControlPlane
from simulator.controllers.controller import Controller
from simulator.controllers.node_claims import of_foreign_class
from simulator.fate import GoodFortune
from simulator.kubeconfig import former_port, write_kubeconfig
from simulator.kubelet.images import ImageTable, known_programs
from simulator.kubelet.kubelet import Kubelets, Workers
from simulator.kubelet.local_runtime import PROCESSES, LocalRuntime
from simulator.kubelet.node_runtimes import NodeRuntimes
from simulator.kubelet.pod_addresses import PodAddresses
from simulator.kubelet.pod_streams import KubeletPodStreams
from simulator.kubelet.reaper import reaper
from simulator.kubelet.service_proxy import ServiceProxy
from simulator.kubelet.silence import MachinePower
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_door import HttpDoor
from simulator.kubernetes.services import ServiceNetwork
from simulator.node_resources import MachineSize
from simulator.system_node import ensure_system_node
from simulator.timings import Timings

QUICK_ALLOWANCES = Allowances(
    pool_writes=Allowance(20, 1.0),
    cluster_reads=Allowance(600, 60.0),
    operation_reads=Allowance(600, 60.0),
    all_else=Allowance(600, 60.0),
)
"""AKS's buckets in the time of a person who watches: what takes it a minute takes a second here."""

log = logging.getLogger(__name__)


def _new_uid() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """``cache_directory`` is the machine's, for downloads; port 0 means any free one.

    ``images`` are those that local nodes run as processes, by default those of ``known_programs``.
    """

    state_directory: Path
    cache_directory: Path
    host: str = "127.0.0.1"
    port: int = 0
    timings: Timings = field(default_factory=Timings)
    azure_timings: AzureTimings = field(default_factory=AzureTimings)
    offers: Offers = field(default_factory=lambda: Offers(sells_retired=True))
    clock: Clock = field(default_factory=SystemClock)
    new_uid: Callable[[], str] = _new_uid
    images: ImageTable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCluster:
    """A running cluster.

    ``url`` is where its Kubernetes API answers, ``azure_url`` where Azure Resource Manager does.
    """

    url: str
    kubeconfig: Path
    azure_url: str
    api_server: ApiServer


@asynccontextmanager
async def simulated_cluster(options: ClusterOptions) -> AsyncIterator[SimulatedCluster]:
    """Runs a cluster for as long as the context lasts; a part that fails ends the context.

    Raises AddressBlockError where another cluster runs on the same state directory, and OSError
    where ``port`` is taken.
    """
    options.state_directory.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        block = take_block(options.state_directory)
        stack.callback(block.release)
        workers: Workers = {}
        api_server = _api_server(options, block, workers)
        stack.callback(api_server.close)
        kubelets = _kubelets(options, api_server, block, workers)
        stack.enter_context(reaper(options.state_directory / PROCESSES))
        machine = _machine_size()
        ensure_system_node(api_server, machine)
        controllers = built_in_controllers(
            api_server, options.clock, options.timings, _karpenter(options, api_server, machine)
        )
        azure = _azure(options, api_server, kubelets, machine)
        stack.callback(azure.close)
        parts = await stack.enter_async_context(asyncio.TaskGroup())
        running = [
            parts.create_task(kubelets.run(), name="kubelets"),
            parts.create_task(azure.run(), name="azure"),
            parts.create_task(ControlPlane(api_server, controllers).run(), name="control plane"),
            parts.create_task(ServiceProxy(api_server).run(), name="service proxy"),
        ]
        stack.callback(_cancel, running)
        kubeconfig = options.state_directory / "kubeconfig"
        door, url = await _open_door(options, api_server, former_port(kubeconfig))
        stack.push_async_callback(door.stop)
        write_kubeconfig(kubeconfig, url)
        azure_door = AzureDoor(azure.handle, options.host)
        azure_url = await azure_door.start()
        stack.push_async_callback(azure_door.stop)
        yield SimulatedCluster(
            url=url, kubeconfig=kubeconfig, azure_url=azure_url, api_server=api_server
        )


async def _open_door(
    options: ClusterOptions, api_server: ApiServer, former: int
) -> tuple[HttpDoor, str]:
    """Where any port will do, the one before a restart is best: clients still know it."""
    if options.port == 0 and former:
        door = HttpDoor(api_server, options.host, former)
        try:
            return door, await door.start()
        except OSError:
            log.info("port %d is taken by now; listening on another", former)
    door = HttpDoor(api_server, options.host, options.port)
    return door, await door.start()


def _api_server(options: ClusterOptions, block: AddressBlock, workers: Workers) -> ApiServer:
    return ApiServer(
        clock=options.clock,
        new_uid=options.new_uid,
        database=options.state_directory / "cluster.sqlite",
        service_addresses=ServiceNetwork(block.service_network),
        pod_streams=KubeletPodStreams(workers),
    )


def _kubelets(
    options: ClusterOptions, api_server: ApiServer, block: AddressBlock, workers: Workers
) -> Kubelets:
    """Also removes what an earlier life of the cluster left on this machine."""
    images = options.images or ImageTable(known_programs(options.cache_directory))
    local = LocalRuntime(directory=options.state_directory, images=images, clock=options.clock)
    local.end_leftovers()
    local.forget_all_except(
        pods=_uids(api_server, "Pod"), claims=_uids(api_server, "PersistentVolumeClaim")
    )
    runtimes = NodeRuntimes(
        objects=api_server,
        clock=options.clock,
        timings=options.timings,
        addresses=PodAddresses(block.number),
        local=local,
    )
    return Kubelets(
        api_server, make_node=runtimes.node, forget_pod=local.remove_pod, workers=workers
    )


def _karpenter(
    options: ClusterOptions, api_server: ApiServer, machine: MachineSize
) -> list[Controller]:
    """Beside Azure's agent pools: it has nodes of its own, for claims that name its class."""
    return karpenter_controllers(
        api_server,
        options.clock,
        options.timings,
        machine,
        GoodFortune(),
        its_own=of_foreign_class,
    )


def _azure(
    options: ClusterOptions, api_server: ApiServer, kubelets: Kubelets, computer: MachineSize
) -> AzureCloud:
    power = MachinePower(
        api_server, options.clock, kubelets, usual_lease=options.timings.lease_duration
    )
    return AzureCloud(
        objects=api_server,
        clock=options.clock,
        new_uid=options.new_uid,
        power=power,
        computer=computer,
        options=AzureOptions(
            timings=options.azure_timings,
            allowances=QUICK_ALLOWANCES,
            offers=options.offers,
            ledger=SqliteLedger(options.state_directory / "azure.sqlite"),
        ),
    )


def _uids(api_server: ApiServer, kind: str) -> set[str]:
    return {obj["metadata"]["uid"] for obj in api_server.list(kind)}


def _machine_size() -> MachineSize:
    return MachineSize(cpus=os.cpu_count() or 1, memory_bytes=psutil.virtual_memory().total)


def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
