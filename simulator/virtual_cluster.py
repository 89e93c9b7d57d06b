"""The simulated cluster in virtual time: the parts of the real-time one, less all that is real.

API server, controllers and kubelets are the same; containers are played, nothing listens.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from simulator.author import Author
from simulator.azure.cloud import AzureCloud, AzureOptions
from simulator.azure.fate import Fate as AzureFate
from simulator.azure.timings import AKS_TIMINGS
from simulator.clock import Clock
from simulator.controllers.built_in_controllers import built_in_controllers, karpenter_controllers
from simulator.controllers.control_plane import ControlPlane
from simulator.controllers.controller import Controller
from simulator.controllers.events import EventRecorder
from simulator.fate import Fate
from simulator.history import Commit, History
from simulator.kubelet.fated_runtime import FatedRuntime, Models
from simulator.kubelet.kubelet import Kubelets
from simulator.kubelet.pod_addresses import PodAddresses
from simulator.kubelet.pod_worker import Node
from simulator.kubelet.silence import MachinePower
from simulator.kubernetes import store
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from simulator.kubernetes.status import Object
from simulator.node_resources import MachineSize
from simulator.recorded_azure import RecordedLedger
from simulator.timings import Timings
from simulator.virtual_time.process import Process

NEVER = 1e9
"""Seconds; as good as never. Heartbeats of idle nodes would be most of what happens in a day, so
kubelets renew no leases: one that falls silent says so with its last one (``NodeSilent``)."""

CLOUD_TIMINGS = Timings(
    instance_launch=150.0,
    node_registration=45.0,
    gpu_registration=40.0,
    instance_termination=60.0,
    lease_renewal=NEVER,
    lease_duration=NEVER,
    image_pull=40.0,
    container_start=1.0,
    simulated_model_load=90.0,
    restart_backoff=10.0,
    restart_backoff_limit=300.0,
    image_error_shown=2.0,
)
"""About what AKS takes for a GPU node (see ``Timings``), and Kubernetes' own limits."""

MACHINE = MachineSize(cpus=8, memory_bytes=32 * 2**30)
NODE_ADDRESS = "10.224.0.4"
BLOCK = 1


class VirtualCluster:
    """``process`` is the cluster's: it never crashes, its parts fail one by one."""

    def __init__(
        self,
        *,
        clock: Clock,
        new_uid: Callable[[], str],
        history: History,
        fate: Fate,
        timings: Timings = CLOUD_TIMINGS,
        azure_fate: AzureFate | None = None,
    ) -> None:
        """With an ``azure_fate`` nodes come from the simulated Azure, else from Karpenter."""
        self.clock = clock
        self._fate = fate
        self.history = history
        self._addresses = PodAddresses(BLOCK)
        self._loop = asyncio.get_running_loop()
        self.timings = timings
        self.process = Process("cluster")
        self.author = Author()
        self.models = Models()
        self.api_server = ApiServer(
            clock=clock,
            new_uid=new_uid,
            database=None,
            service_addresses=ServiceNetwork(f"127.64.{BLOCK}.0/24"),
        )
        self.api_server.follow(self._record)
        self.kubelets = Kubelets(
            self.api_server, make_node=self._node, forget_pod=self._forget_pod, workers={}
        )

        self.azure = None if azure_fate is None else self._new_azure(azure_fate, new_uid)

    def _new_azure(self, fate: AzureFate, new_uid: Callable[[], str]) -> AzureCloud:
        ledger = RecordedLedger(
            self.history,
            self.author,
            now=self._loop.time,
            revision=lambda: self.api_server.resource_version,
        )
        return AzureCloud(
            objects=self.api_server,
            clock=self.clock,
            new_uid=new_uid,
            power=MachinePower(self.api_server, self.clock, self.kubelets, usual_lease=NEVER),
            computer=MACHINE,
            options=AzureOptions(timings=AKS_TIMINGS, fate=fate, ledger=ledger),
        )

    def start(self) -> None:
        objects, clock, timings = self.api_server, self.clock, self.timings
        provisioner: Sequence[Controller] = ()
        if self.azure is None:
            provisioner = karpenter_controllers(objects, clock, timings, MACHINE, self._fate)
        else:
            self._run("azure", self.azure.run())
        controllers = built_in_controllers(objects, clock, timings, provisioner)
        self._run("kubelets", self.kubelets.run())
        self._run("control plane", ControlPlane(objects, controllers).run())

    def _run(self, name: str, part: Coroutine[Any, Any, None]) -> None:
        self._loop.create_task(part, name=name, context=self.process.context())

    def _record(self, commit: store.Commit) -> None:
        self.history.add(
            Commit(
                at=self._loop.time(),
                revision=commit.resource_version,
                type=commit.type,
                actor=self.author.of_next_commit(),
                now=commit.now.object,
                before=None if commit.before is None else commit.before.object,
            )
        )

    def _node(self, node: Object) -> Node:
        name = node["metadata"]["name"]
        return Node(
            name=name,
            address=NODE_ADDRESS,
            objects=self.api_server,
            clock=self.clock,
            timings=self.timings,
            events=EventRecorder(
                objects=self.api_server, clock=self.clock, component="kubelet", host=name
            ),
            runtime=self._runtime(None),
            runtime_for=self._runtime,
            addresses=self._addresses,
        )

    def _runtime(self, pod: Object | None) -> FatedRuntime:
        return FatedRuntime(
            clock=self.clock, timings=self.timings, fate=self._fate, models=self.models, pod=pod
        )

    def _forget_pod(self, uid: str) -> None:
        self.models.running.pop(uid, None)
