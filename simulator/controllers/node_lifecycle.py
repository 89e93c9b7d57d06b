"""Nodes: notices that a kubelet has fallen silent, and keeps taints in step with conditions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.clock import Clock, rfc3339
from simulator.controllers.conditions import condition, find_condition, save_status, with_conditions
from simulator.controllers.controller import Key, key_of
from simulator.controllers.events import EventRecorder
from simulator.controllers.pods import is_ready
from simulator.controllers.taints import condition_taints, is_condition_taint
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object

LEASE_NAMESPACE = "kube-node-lease"
_SILENT = "Kubelet stopped posting node status."
_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A lease's renewal and when this controller first saw it, by its own clock."""

    renewal: str
    seen: datetime


class NodeLifecycleController:
    """Counts silence from what it saw itself, so a restart gives every kubelet its full time."""

    name = "node-controller"
    watches = ("Node", "Lease")

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock
        self._heartbeats: dict[str, Heartbeat] = {}
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        if change.object["kind"] == "Node":
            return [key_of(change.object)]
        metadata = change.object["metadata"]
        return [Key("", metadata["name"])] if metadata["namespace"] == LEASE_NAMESPACE else []

    def reconcile(self, key: Key) -> float | None:
        node = self._objects.find("Node", key.name)
        if node is None:
            self._heartbeats.pop(key.name, None)
            return None
        silent_in = self._silent_in(key.name)
        if silent_in is not None and silent_in <= 0:
            node = self._mark_silent(node)
        self._taint(node)
        if not _is_ready(node):
            self._mark_pods_unready(node)
        return silent_in if silent_in is not None and silent_in > 0 else None

    def _silent_in(self, name: str) -> float | None:
        """Seconds until the kubelet counts as gone; None where it keeps no lease."""
        lease = self._objects.find("Lease", name, LEASE_NAMESPACE)
        renewal = (lease or {}).get("spec", {}).get("renewTime")
        if lease is None or renewal is None:
            return None
        now = self._clock.now()
        known = self._heartbeats.get(name)
        if known is None or known.renewal != renewal:
            known = self._heartbeats[name] = Heartbeat(renewal, now)
        limit = timedelta(seconds=lease["spec"]["leaseDurationSeconds"])
        return (known.seen + limit - now).total_seconds()

    def _mark_silent(self, node: Object) -> Object:
        """Its kubelet says otherwise as soon as it is back."""
        ready = find_condition(node, "Ready")
        if ready is not None and ready["status"] == "Unknown":
            return node
        status = node.get("status", {})
        unknown = [
            condition(type_, "Unknown", "NodeStatusUnknown", _SILENT) for type_ in _CONDITIONS
        ]
        conditions = with_conditions(status.get("conditions", ()), unknown, self._clock.now())
        name = node["metadata"]["name"]
        self._events.normal(node, "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        return save_status(self._objects, node, {**status, "conditions": conditions})

    def _taint(self, node: Object) -> None:
        present = node["spec"].get("taints", [])
        wanted = {(taint["key"], taint["effect"]): taint for taint in condition_taints(node)}
        kept = [
            taint
            for taint in present
            if not is_condition_taint(taint) or (taint["key"], taint["effect"]) in wanted
        ]
        held = {(taint["key"], taint["effect"]) for taint in kept}
        since = {"timeAdded": rfc3339(self._clock.now())}
        added = [{**taint, **since} for place, taint in wanted.items() if place not in held]
        if added or len(kept) != len(present):
            spec = {**node["spec"], "taints": [*kept, *added]}
            self._objects.update({**node, "spec": spec})

    def _mark_pods_unready(self, node: Object) -> None:
        """Services must not send anyone to a node that nobody vouches for."""
        for pod in self._objects.list("Pod"):
            if pod["spec"].get("nodeName") != node["metadata"]["name"] or not is_ready(pod):
                continue
            status = pod["status"]
            unready = condition("Ready", "False", "NodeNotReady", "the pod's node is not ready")
            conditions = with_conditions(status["conditions"], [unready], self._clock.now())
            save_status(self._objects, pod, {**status, "conditions": conditions})
            self._events.warning(pod, "NodeNotReady", "Node is not ready")


def _is_ready(node: Object) -> bool:
    """A node that has not reported yet has nothing to unsay."""
    ready = find_condition(node, "Ready")
    return ready is None or ready["status"] == "True"
