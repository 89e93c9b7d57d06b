"""Evicts pods from nodes with NoExecute taints, each after the time that it tolerates them."""

from collections.abc import Iterable

from simulator.clock import Clock
from simulator.controllers.conditions import (
    condition,
    save_status,
    seconds_left,
    with_conditions,
)
from simulator.controllers.controller import Key, node_keys
from simulator.controllers.events import EventRecorder
from simulator.controllers.ownership import is_terminating
from simulator.controllers.pods import is_finished
from simulator.controllers.taints import NOT_READY, UNREACHABLE, tolerates
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object
from simulator.timings import Timings


class TaintEvictionController:
    """Reconciles nodes: a node's pods wait for the same taints."""

    name = "taint-eviction-controller"
    watches = ("Node", "Pod")

    def __init__(self, objects: Objects, clock: Clock, timings: Timings) -> None:
        self._objects = objects
        self._clock = clock
        self._timings = timings
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        return node_keys(change.object)

    def reconcile(self, key: Key) -> float | None:
        node = self._objects.find("Node", key.name)
        taints = [] if node is None else _no_execute(node)
        if not taints:
            return None
        waits = []
        for pod in self._objects.list("Pod"):
            if pod["spec"].get("nodeName") != key.name or is_terminating(pod) or is_finished(pod):
                continue
            delays = (self._tolerated_for(pod, taint) for taint in taints)
            left = min((delay for delay in delays if delay is not None), default=None)
            if left is not None and left <= 0:
                self._evict(pod)
            elif left is not None:
                waits.append(left)
        return min(waits, default=None)

    def _tolerated_for(self, pod: Object, taint: Object) -> float | None:
        """Seconds that are left; None where it is tolerated for ever."""
        matching = [t for t in pod["spec"].get("tolerations", ()) if tolerates(t, taint)]
        limits = [t.get("tolerationSeconds") for t in matching]
        if not matching and taint["key"] in (NOT_READY, UNREACHABLE):
            # What the DefaultTolerationSeconds admission plugin writes into every pod.
            limits = [self._timings.default_toleration]
        elif not matching:
            return 0.0
        finite = [float(limit) for limit in limits if limit is not None]
        if not finite:
            return None
        since = taint.get("timeAdded")
        if since is None:
            return min(finite)
        return seconds_left(since, min(finite), self._clock.now())

    def _evict(self, pod: Object) -> None:
        """The condition tells whoever replaces the pod that it was not the pod's own fault."""
        metadata, status = pod["metadata"], pod.get("status", {})
        message = "Taint manager: deleting due to NoExecute taint"
        target = condition("DisruptionTarget", "True", "DeletionByTaintManager", message)
        conditions = with_conditions(status.get("conditions", ()), [target], self._clock.now())
        save_status(self._objects, pod, {**status, "conditions": conditions})
        where = f"{metadata['namespace']}/{metadata['name']}"
        self._events.normal(pod, "TaintManagerEviction", f"Marking for deletion Pod {where}")
        self._objects.delete("Pod", metadata["name"], metadata["namespace"], uid=metadata["uid"])


def _no_execute(node: Object) -> list[Object]:
    return [t for t in node["spec"].get("taints", ()) if t["effect"] == "NoExecute"]
