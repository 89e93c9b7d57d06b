"""ReplicaSets: so many pods of one template, no matter which."""

from collections.abc import Iterable, Sequence

from simulator.clock import Clock
from simulator.controllers.conditions import save_status
from simulator.controllers.controller import Key, key_of, owner_keys
from simulator.controllers.events import EventRecorder
from simulator.controllers.label_selector import matches
from simulator.controllers.ownership import claim, is_terminating
from simulator.controllers.pods import (
    is_active,
    is_available,
    is_finished,
    is_ready,
    next_availability,
    phase,
    pod_from_template,
)
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object


class ReplicaSetController:
    name = "replicaset-controller"
    watches = ("ReplicaSet", "Pod")

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        if change.object["kind"] == "ReplicaSet":
            return [key_of(change.object)]
        return owner_keys(change.object, "ReplicaSet")

    def reconcile(self, key: Key) -> float | None:
        replica_set = self._objects.find("ReplicaSet", key.name, key.namespace)
        if replica_set is None:
            return None
        owned = claim(self._objects, replica_set, "Pod")
        pods = [pod for pod in owned if is_active(pod)]
        if not is_terminating(replica_set):
            self._scale(replica_set, pods)
        leaving = sum(is_terminating(pod) and not is_finished(pod) for pod in owned)
        status = {**self._status(replica_set, pods), "terminatingReplicas": leaving}
        save_status(self._objects, replica_set, status)
        min_ready_seconds = replica_set["spec"].get("minReadySeconds", 0)
        return next_availability(pods, min_ready_seconds, self._clock.now())

    def _scale(self, replica_set: Object, pods: Sequence[Object]) -> None:
        missing = replica_set["spec"].get("replicas", 1) - len(pods)
        for _ in range(missing):
            self._create(replica_set)
        for pod in sorted(pods, key=_expendability)[: max(0, -missing)]:
            self._delete(replica_set, pod)

    def _create(self, replica_set: Object) -> None:
        metadata = {"generateName": f"{replica_set['metadata']['name']}-"}
        template = replica_set["spec"]["template"]
        pod = self._objects.create(pod_from_template(template, replica_set, metadata))
        message = f"Created pod: {pod['metadata']['name']}"
        self._events.normal(replica_set, "SuccessfulCreate", message)

    def _delete(self, replica_set: Object, pod: Object) -> None:
        metadata = pod["metadata"]
        self._objects.delete("Pod", metadata["name"], metadata["namespace"], uid=metadata["uid"])
        message = f"Deleted pod: {metadata['name']}"
        self._events.normal(replica_set, "SuccessfulDelete", message)

    def _status(self, replica_set: Object, pods: Sequence[Object]) -> Object:
        now = self._clock.now()
        min_ready_seconds = replica_set["spec"].get("minReadySeconds", 0)
        wanted = replica_set["spec"]["template"].get("metadata", {}).get("labels", {})
        labelled = [p for p in pods if matches({"matchLabels": wanted}, p["metadata"]["labels"])]
        return {
            **replica_set.get("status", {}),
            "observedGeneration": replica_set["metadata"].get("generation", 0),
            "replicas": len(pods),
            "fullyLabeledReplicas": len(labelled),
            "readyReplicas": sum(map(is_ready, pods)),
            "availableReplicas": sum(is_available(pod, min_ready_seconds, now) for pod in pods),
        }


def _expendability(pod: Object) -> tuple[bool, bool, bool, str, str]:
    """Who goes first: the unassigned, the pending, the unready, the youngest."""
    metadata = pod["metadata"]
    youth = "".join(chr(255 - ord(letter)) for letter in metadata.get("creationTimestamp", ""))
    return (
        bool(pod["spec"].get("nodeName")),
        phase(pod) == "Running",
        is_ready(pod),
        youth,
        metadata["name"],
    )
