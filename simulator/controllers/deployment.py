"""Deployments: roll a ReplicaSet of the newest template out and the older ones back."""

from collections.abc import Iterable, Sequence

from simulator.clock import Clock
from simulator.controllers.conditions import save_status
from simulator.controllers.controller import Key, key_of, owner_keys
from simulator.controllers.deployment_plan import (
    Scale,
    desired_replicas,
    max_surge,
    plan,
    spec_replicas,
    status_count,
)
from simulator.controllers.deployment_status import deadline_in, status
from simulator.controllers.events import EventRecorder
from simulator.controllers.ownership import claim, is_terminating, owner_reference
from simulator.controllers.template_hash import template_hash
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
_OWN_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
)


class DeploymentController:
    name = "deployment-controller"
    watches = ("Deployment", "ReplicaSet")

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        if change.object["kind"] == "Deployment":
            return [key_of(change.object)]
        return owner_keys(change.object, "Deployment")

    def reconcile(self, key: Key) -> float | None:
        deployment = self._objects.find("Deployment", key.name, key.namespace)
        if deployment is None or is_terminating(deployment):
            return None
        owned = sorted(claim(self._objects, deployment, "ReplicaSet"), key=revision_number)
        new = self._ensure_new(deployment, owned)
        deployment = self._with_revision(deployment, new)
        old = [item for item in owned if item["metadata"]["uid"] != new["metadata"]["uid"]]
        for scale in plan(deployment, new, old):
            self._scale(deployment, scale)
        self._prune(deployment, old)
        now = self._clock.now()
        deployment = save_status(self._objects, deployment, status(deployment, new, old, now))
        return deadline_in(deployment, now)

    def _ensure_new(self, deployment: Object, owned: Sequence[Object]) -> Object:
        """The set of the present template, under the highest revision number."""
        latest = max(map(revision_number, owned), default=0)
        present = next((item for item in owned if _has_template(item, deployment)), None)
        if present is None:
            return self._objects.create(_build_replica_set(deployment, latest + 1))
        if revision_number(present) == latest:
            return present
        annotations = present["metadata"]["annotations"]
        history = [annotations.get(REVISION_HISTORY, ""), annotations[REVISION]]
        renewed = {
            **annotations,
            REVISION: str(latest + 1),
            REVISION_HISTORY: ",".join(filter(None, history)),
        }
        metadata = {**present["metadata"], "annotations": renewed}
        return self._objects.update({**present, "metadata": metadata})

    def _with_revision(self, deployment: Object, new: Object) -> Object:
        annotations = deployment["metadata"].get("annotations", {})
        wanted = {REVISION: str(revision_number(new))}
        if wanted.items() <= annotations.items():
            return deployment
        metadata = {**deployment["metadata"], "annotations": {**annotations, **wanted}}
        return self._objects.update({**deployment, "metadata": metadata})

    def _scale(self, deployment: Object, scale: Scale) -> None:
        before = spec_replicas(scale.replica_set)
        metadata = scale.replica_set["metadata"]
        annotations = {**metadata.get("annotations", {}), **_size_annotations(deployment)}
        self._objects.update(
            {
                **scale.replica_set,
                "metadata": {**metadata, "annotations": annotations},
                "spec": {**scale.replica_set["spec"], "replicas": scale.replicas},
            }
        )
        direction = "up" if scale.replicas > before else "down"
        self._events.normal(
            deployment,
            "ScalingReplicaSet",
            f"Scaled {direction} replica set {metadata['name']} from {before} to {scale.replicas}",
        )

    def _prune(self, deployment: Object, old: Sequence[Object]) -> None:
        idle = [
            item
            for item in old
            if not spec_replicas(item)
            and not status_count(item, "replicas")
            and not is_terminating(item)
        ]
        surplus = len(idle) - deployment["spec"].get("revisionHistoryLimit", 10)
        for item in idle[: max(0, surplus)]:
            metadata = item["metadata"]
            self._objects.delete("ReplicaSet", metadata["name"], metadata["namespace"])


def revision_number(replica_set: Object) -> int:
    return int(replica_set["metadata"].get("annotations", {}).get(REVISION, 0))


def _has_template(replica_set: Object, deployment: Object) -> bool:
    """Equal but for the hash label that the set's template carries."""
    template = replica_set["spec"]["template"]
    labels = dict(template["metadata"]["labels"])
    labels.pop(HASH_LABEL, None)
    bare = {**template, "metadata": {**template["metadata"], "labels": labels}}
    return bool(bare == deployment["spec"]["template"])


def _build_replica_set(deployment: Object, revision: int) -> Object:
    """It starts empty; the plan decides how far it may grow."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    template, selector = spec["template"], spec["selector"]
    collisions = deployment.get("status", {}).get("collisionCount", 0)
    hash_label = {HASH_LABEL: template_hash(template, collisions)}
    labels = {**template["metadata"]["labels"], **hash_label}
    match_labels = {**selector.get("matchLabels", {}), **hash_label}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{hash_label[HASH_LABEL]}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": _inherited_annotations(deployment) | {REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": 0,
            "minReadySeconds": spec.get("minReadySeconds", 0),
            "selector": {**selector, "matchLabels": match_labels},
            "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
        },
    }


def _inherited_annotations(deployment: Object) -> dict[str, str]:
    """The deployment's, such as the cause of a change, but for those of its own bookkeeping."""
    annotations = deployment["metadata"].get("annotations", {})
    kept = {key: value for key, value in annotations.items() if key not in _OWN_ANNOTATIONS}
    return kept | _size_annotations(deployment)


def _size_annotations(deployment: Object) -> dict[str, str]:
    desired = desired_replicas(deployment)
    return {
        DESIRED_REPLICAS: str(desired),
        MAX_REPLICAS: str(desired + max_surge(deployment)),
    }
