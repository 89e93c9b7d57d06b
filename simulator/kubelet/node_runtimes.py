"""Decides which pods really run on this machine, and why the others do not."""

from dataclasses import dataclass

from engine.instance_types import INSTANCE_TYPES
from simulator.clock import Clock
from simulator.controllers.events import EventRecorder
from simulator.kubelet import local_runtime, triton_installation
from simulator.kubelet.local_runtime import LocalRuntime
from simulator.kubelet.pod_addresses import PodAddresses
from simulator.kubelet.pod_worker import Node
from simulator.kubelet.runtime import ContainerRuntime
from simulator.kubelet.simulated_runtime import SimulatedRuntime
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object
from simulator.node_resources import INSTANCE_TYPE, RUNTIME
from simulator.timings import Timings

NODE_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRuntimes:
    """Makes what a kubelet works with; all local nodes share the one ``local`` runtime."""

    objects: Objects
    clock: Clock
    timings: Timings
    addresses: PodAddresses
    local: LocalRuntime

    def node(self, node: Object) -> Node:
        name = node["metadata"]["name"]
        runtime = self._runtime(node)
        return Node(
            name=name,
            address=NODE_ADDRESS,
            objects=self.objects,
            clock=self.clock,
            timings=self.timings,
            events=EventRecorder(
                objects=self.objects, clock=self.clock, component="kubelet", host=name
            ),
            runtime=runtime,
            runtime_for=lambda pod: self._runtime_for(pod, runtime),
            addresses=self.addresses,
        )

    def _runtime(self, node: Object) -> ContainerRuntime:
        reason = why_simulated(node)
        return self.local if reason is None else self._simulated(reason)

    def _runtime_for(self, pod: Object, of_node: ContainerRuntime) -> ContainerRuntime:
        """A pod runs for real as a whole or not at all."""
        stranger = self.local.stranger(pod) if of_node is self.local else None
        if stranger is None:
            return of_node
        return self._simulated(f"image {stranger} is none of those that this machine runs for real")

    def _simulated(self, reason: str) -> SimulatedRuntime:
        return SimulatedRuntime(self.clock, self.timings, reason)


def why_simulated(node: Object) -> str | None:
    """For people: why nothing really runs on ``node``; None where it does."""
    name, labels = node["metadata"]["name"], node["metadata"].get("labels") or {}
    type_ = labels.get(INSTANCE_TYPE, "")
    if labels.get(RUNTIME) != "local":
        machine = f"a {type_} machine" if type_ else "a machine"
        return f"node {name} stands for {machine} that exists in the simulator only"
    if (reason := local_runtime.unsupported_reason()) is not None:
        return reason
    known = INSTANCE_TYPES.get(type_)
    serves_models = known is not None and known.local
    return triton_installation.unsupported_reason() if serves_models else None
