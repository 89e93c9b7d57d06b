"""StatefulSets: pods with stable names, made, replaced and removed in order."""

from collections import Counter
from collections.abc import Iterable

from simulator.clock import Clock
from simulator.controllers.conditions import save_status
from simulator.controllers.controller import Key, key_of, owner_keys
from simulator.controllers.events import EventRecorder
from simulator.controllers.ownership import claim, is_terminating
from simulator.controllers.pods import (
    is_available,
    is_running_and_ready,
    next_availability,
)
from simulator.controllers.revisions import (
    Revisions,
    ensure_revisions,
    prune_history,
    template_in,
)
from simulator.controllers.stateful_set_plan import Create, partition, plan, revision_for
from simulator.controllers.stateful_set_pods import (
    build_claims,
    build_pod,
    claim_name,
    claim_templates,
    ordinal_of,
    ordinals,
    revision_of,
)
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import ApiError, Object


class StatefulSetController:
    name = "statefulset-controller"
    watches = ("StatefulSet", "Pod")

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        if change.object["kind"] == "StatefulSet":
            return [key_of(change.object)]
        return owner_keys(change.object, "StatefulSet")

    def reconcile(self, key: Key) -> float | None:
        stateful_set = self._objects.find("StatefulSet", key.name, key.namespace)
        if stateful_set is None:
            return None
        pods = self._pods(stateful_set)
        revisions = ensure_revisions(self._objects, stateful_set)
        if not is_terminating(stateful_set):
            self._carry_out(stateful_set, pods, revisions)
            prune_history(self._objects, stateful_set, revisions, list(pods.values()))
        save_status(self._objects, stateful_set, self._status(stateful_set, pods, revisions))
        min_ready_seconds = stateful_set["spec"].get("minReadySeconds", 0)
        return next_availability(pods.values(), min_ready_seconds, self._clock.now())

    def _pods(self, stateful_set: Object) -> dict[int, Object]:
        def belongs(pod: Object) -> bool:
            return ordinal_of(stateful_set, pod["metadata"]["name"]) is not None

        pods = claim(self._objects, stateful_set, "Pod", adoptable=belongs)
        numbered = ((ordinal_of(stateful_set, pod["metadata"]["name"]), pod) for pod in pods)
        return {ordinal: pod for ordinal, pod in numbered if ordinal is not None}

    def _carry_out(
        self, stateful_set: Object, pods: dict[int, Object], revisions: Revisions
    ) -> None:
        for step in plan(stateful_set, pods, revisions, self._clock.now()):
            if isinstance(step, Create):
                self._create(stateful_set, step.ordinal, revisions)
            else:
                self._delete(stateful_set, step.pod)
        self._delete_scaled_claims(stateful_set, pods)

    def _create(self, stateful_set: Object, ordinal: int, revisions: Revisions) -> None:
        revision = revision_for(stateful_set, ordinal, revisions)
        for volume_claim in build_claims(stateful_set, ordinal):
            metadata = volume_claim["metadata"]
            if not self._objects.find(
                volume_claim["kind"], metadata["name"], metadata["namespace"]
            ):
                self._objects.create(volume_claim)
        pod = build_pod(stateful_set, template_in(revision), ordinal, revision["metadata"]["name"])
        where = f"Pod {pod['metadata']['name']} in StatefulSet {stateful_set['metadata']['name']}"
        try:
            self._objects.create(pod)
        except ApiError as error:
            message = f"create {where} failed error: {error.message}"
            self._events.warning(stateful_set, "FailedCreate", message)
            raise
        self._events.normal(stateful_set, "SuccessfulCreate", f"create {where} successful")

    def _delete(self, stateful_set: Object, pod: Object) -> None:
        metadata = pod["metadata"]
        self._objects.delete("Pod", metadata["name"], metadata["namespace"], uid=metadata["uid"])
        where = f"Pod {metadata['name']} in StatefulSet {stateful_set['metadata']['name']}"
        self._events.normal(stateful_set, "SuccessfulDelete", f"delete {where} successful")

    def _delete_scaled_claims(self, stateful_set: Object, pods: dict[int, Object]) -> None:
        """Under ``whenScaled: Delete`` a claim goes once its pod has gone for good."""
        policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy", {})
        if policy.get("whenScaled") != "Delete":
            return
        kind, namespace = "PersistentVolumeClaim", stateful_set["metadata"]["namespace"]
        kept = {*ordinals(stateful_set), *pods}
        for template in claim_templates(stateful_set):
            keep = {claim_name(template, stateful_set, ordinal) for ordinal in kept}
            prefix = f"{template['metadata']['name']}-{stateful_set['metadata']['name']}-"
            for item in self._objects.list(kind, namespace):
                name = item["metadata"]["name"]
                surplus = name.startswith(prefix) and name.removeprefix(prefix).isdecimal()
                if surplus and name not in keep and not is_terminating(item):
                    self._objects.delete(kind, name, namespace)

    def _status(
        self, stateful_set: Object, pods: dict[int, Object], revisions: Revisions
    ) -> Object:
        now = self._clock.now()
        min_ready_seconds = stateful_set["spec"].get("minReadySeconds", 0)
        ready = [pod for pod in pods.values() if is_running_and_ready(pod)]
        staying = Counter(revision_of(p) for p in pods.values() if not is_terminating(p))
        updated = staying[revisions.update_name]
        rolling = partition(stateful_set) is not None
        complete = rolling and updated == len(ready) == len(pods) == len(ordinals(stateful_set))
        current = revisions.update_name if complete else revisions.current_name
        return {
            **stateful_set.get("status", {}),
            "observedGeneration": stateful_set["metadata"].get("generation", 0),
            "replicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": sum(is_available(pod, min_ready_seconds, now) for pod in ready),
            "currentReplicas": staying[current],
            "updatedReplicas": updated,
            "currentRevision": current,
            "updateRevision": revisions.update_name,
            "collisionCount": stateful_set.get("status", {}).get("collisionCount", 0),
        }
