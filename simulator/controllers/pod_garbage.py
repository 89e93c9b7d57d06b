"""Removes pods that no kubelet will ever end, because their node is gone."""

from collections.abc import Iterable

from simulator.clock import Clock
from simulator.controllers.conditions import condition, save_status, with_conditions
from simulator.controllers.controller import Key, node_keys
from simulator.controllers.pods import is_finished
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object

_ORPHANED = condition("DisruptionTarget", "True", "DeletionByPodGC", "PodGC: node no longer exists")


class PodGarbageCollector:
    """Reconciles the names of nodes."""

    name = "pod-garbage-collector"
    watches = ("Node", "Pod")

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock

    def affected(self, change: Change) -> Iterable[Key]:
        return node_keys(change.object)

    def reconcile(self, key: Key) -> float | None:
        if self._objects.find("Node", key.name) is None:
            for pod in self._objects.list("Pod"):
                if pod["spec"].get("nodeName") == key.name:
                    self._remove(pod)
        return None

    def _remove(self, pod: Object) -> None:
        """Marked as failed first, so that jobs and watchers learn how it ended."""
        metadata, status = pod["metadata"], pod.get("status", {})
        if not is_finished(pod):
            conditions = with_conditions(
                status.get("conditions", ()), [_ORPHANED], self._clock.now()
            )
            ended = {**status, "phase": "Failed", "conditions": conditions}
            save_status(self._objects, pod, ended)
        name, namespace = metadata["name"], metadata["namespace"]
        self._objects.delete("Pod", name, namespace, uid=metadata["uid"], grace_period_seconds=0)
