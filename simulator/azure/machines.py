"""The virtual machines of agent pools as the Kubernetes cluster sees them: Nodes come and go.

``advance`` is level-triggered: it reads a machine's record and the present Node, so that repeated
calls and restarts do no harm.
"""

from dataclasses import replace
from datetime import datetime

from simulator.azure.draining import cordon, evict, resisting, uncordon
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.nodes import (
    GPU_MISSING,
    build_node,
    identified,
    relabelled,
    with_gpus,
    with_resources,
)
from simulator.azure.records import NEVER, Machine, Pool, Stage, after
from simulator.azure.state import AzureState
from simulator.azure.timings import AzureTimings
from simulator.clock import Clock
from simulator.controllers.conditions import with_conditions
from simulator.controllers.pods import pods_to_drain
from simulator.kubelet.silence import MachinePower
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object
from simulator.node_resources import GPU, MachineSize

DRAIN_LOOK_SECONDS = 5.0
"""How often a drain tries again what budgets forbade."""


class Machines:
    def __init__(
        self,
        *,
        state: AzureState,
        objects: Objects,
        clock: Clock,
        cluster: ManagedCluster,
        timings: AzureTimings,
        power: MachinePower,
        computer: MachineSize,
    ) -> None:
        """``computer`` is what local nodes have to give."""
        self._state = state
        self._objects = objects
        self._clock = clock
        self._cluster = cluster
        self._timings = timings
        self._power = power
        self._computer = computer

    def advance(self, machine: Machine, pool: Pool | None, *, honours_budgets: bool) -> None:
        """Does what is due; ``pool`` is None once the machine's Node has outlived it."""
        now = self._clock.now()
        match machine.stage:
            case Stage.BOOTING if pool is not None and now >= machine.joins_at:
                self._join(machine, pool)
            case Stage.RUNNING if pool is not None:
                self._equip(machine, pool, now)
            case Stage.DRAINING:
                self._drain(machine, honours_budgets=honours_budgets)
            case Stage.EVICTING:
                self._evict(machine, pool, now)
            case Stage.REMOVING if now >= machine.until:
                self.remove_node(machine.node)
                self._state.machines.remove(machine.key)
            case Stage.STOPPED:
                self._power.off(machine.node)
            case Stage.GONE:
                self._lose(machine, now)

    def due(self, machine: Machine) -> list[datetime]:
        """When it may have to be advanced by the mere passing of time."""
        match machine.stage:
            case Stage.BOOTING:
                return [machine.joins_at]
            case Stage.RUNNING:
                return [self._identified_at(machine), machine.gpus_at]
            case Stage.DRAINING:
                return [after(self._clock.now(), DRAIN_LOOK_SECONDS), machine.until]
        return [machine.until]

    # Coming.

    def _join(self, machine: Machine, pool: Pool) -> None:
        """A Node of that name is one whose machine is no more: this one takes its place."""
        self.remove_node(machine.node)
        node = self._objects.create(build_node(self._cluster, pool, machine))
        status = with_resources(node.get("status", {}), pool.size, self._computer)
        self._objects.update_status({**node, "status": status})
        joined = replace(machine, stage=Stage.RUNNING)
        self._state.put_machine(joined)
        self._equip(joined, pool, self._clock.now())

    def _identified_at(self, machine: Machine) -> datetime:
        return after(machine.joins_at, self._timings.identification)

    def _equip(self, machine: Machine, pool: Pool, now: datetime) -> None:
        """What comes a little after the Node. GPUs that were told of once may be lost since."""
        node = self._objects.find("Node", machine.node)
        if node is None:
            return
        if now >= self._identified_at(machine) and not node["spec"].get("providerID"):
            node = self._objects.update(identified(node, self._cluster, machine))
        told = GPU in node.get("status", {}).get("capacity", {})
        if pool.size.gpus and now >= machine.gpus_at and not told:
            self._tell_gpus(node, machine, pool, now)

    def _tell_gpus(self, node: Object, machine: Machine, pool: Pool, now: datetime) -> None:
        status = with_gpus(node.get("status", {}), machine.gpus, healthy=machine.gpus)
        if machine.gpus < pool.size.gpus:
            conditions = with_conditions(status.get("conditions", ()), [GPU_MISSING], now)
            status = {**status, "conditions": conditions}
        self._objects.update_status({**node, "status": status})

    def relabel(self, before: Pool, now: Pool) -> None:
        """Brings the labels and taints of the pool's Nodes up to date."""
        for machine in self._state.machines_of(now.name):
            node = self._objects.find("Node", machine.node)
            if node is not None:
                self._objects.update(relabelled(node, before, now))

    # Going.

    def _drain(self, machine: Machine, *, honours_budgets: bool) -> None:
        """Pods that were asked to go are waited for until the limit, and no longer."""
        node = self._objects.find("Node", machine.node)
        if node is not None:
            cordon(self._objects, node)
            evict(self._objects, machine.node, honours_budgets=honours_budgets)
            overdue = self._clock.now() >= machine.until
            left = (resisting if overdue else pods_to_drain)(self._objects, machine.node)
            if left:
                return
        until = after(self._clock.now(), self._timings.machine_removal)
        self._state.put_machine(replace(machine, stage=Stage.REMOVING, until=until))

    def resisting(self, machine: Machine) -> tuple[str, ...]:
        """The pods for whose sake a drain that is over its limit did not end."""
        overdue = machine.stage is Stage.DRAINING and self._clock.now() >= machine.until
        return resisting(self._objects, machine.node) if overdue else ()

    def keep(self, machine: Machine) -> None:
        """Its drain was in vain: it stays, cordoned."""
        self._state.put_machine(replace(machine, stage=Stage.RUNNING, until=NEVER))

    def _evict(self, machine: Machine, pool: Pool | None, now: datetime) -> None:
        """A spot machine is drained on notice, and taken away whatever is left on it."""
        node = self._objects.find("Node", machine.node)
        if node is not None:
            cordon(self._objects, node)
            evict(self._objects, machine.node, honours_budgets=False)
        if now >= machine.until and pool is not None and pool.keeps_evicted:
            self._power.off(machine.node)
            self._state.put_machine(replace(machine, stage=Stage.STOPPED, until=NEVER))
        elif now >= machine.until:
            self.take_away(machine)

    def take_away(self, machine: Machine) -> None:
        """The machine is no more; its Node is not told, and goes once that is noticed."""
        until = after(self._clock.now(), self._timings.lost_node)
        self._state.put_machine(replace(machine, stage=Stage.GONE, until=until))
        self._power.off(machine.node)

    def _lose(self, machine: Machine, now: datetime) -> None:
        self._power.off(machine.node)
        if now >= machine.until:
            self.remove_node(machine.node)
            self._state.machines.remove(machine.key)

    def stop(self, machine: Machine) -> None:
        """Deallocated: it keeps its place, and its Node goes."""
        self.remove_node(machine.node)
        self._state.put_machine(replace(machine, stage=Stage.STOPPED, until=NEVER))

    def remove_node(self, name: str) -> None:
        node = self._objects.find("Node", name)
        if node is not None:
            self._objects.delete("Node", name, uid=node["metadata"]["uid"])

    # What befalls running machines.

    def power_off(self, machine: Machine) -> None:
        self._power.off(machine.node)

    def power_on(self, machine: Machine) -> None:
        self._power.on(machine.node)

    def uncordon(self, machine: Machine) -> None:
        node = self._objects.find("Node", machine.node)
        if node is not None:
            uncordon(self._objects, node)

    def report(self, machine: Machine, problem: Object) -> None:
        """A condition that the node problem detector has found; True is bad."""
        node = self._objects.find("Node", machine.node)
        if node is not None:
            status = node.get("status", {})
            conditions = with_conditions(status.get("conditions", ()), [problem], self._clock.now())
            self._objects.update_status({**node, "status": {**status, "conditions": conditions}})

    def set_healthy_gpus(self, machine: Machine, healthy: int) -> None:
        """How many can be allocated; how many were found once stays."""
        node = self._objects.find("Node", machine.node)
        if node is not None and GPU in node.get("status", {}).get("capacity", {}):
            status = with_gpus(node["status"], machine.gpus, healthy=healthy)
            self._objects.update_status({**node, "status": status})
