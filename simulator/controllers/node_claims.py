"""NodeClaims: stands in for the cloud and its provisioner until the real node engine comes.

A claim is launched, its node registers, the node's GPUs register, and the claim is ready, each
after the delay in ``Timings``.
"""

from collections.abc import Callable, Iterable

from engine.instance_types import InstanceType, find_instance_type
from simulator.clock import Clock
from simulator.controllers.conditions import save_status, seconds_left, with_conditions
from simulator.controllers.controller import Key, key_of
from simulator.controllers.events import EventRecorder
from simulator.controllers.node_claim_conditions import (
    initialized,
    launched,
    node_is_due,
    ready,
    registered,
)
from simulator.controllers.node_claim_nodes import (
    IMAGE_ID,
    build_node,
    node_name,
    placement_labels,
    provider_id,
    requested_instance_type,
)
from simulator.controllers.ownership import is_terminating
from simulator.fate import Fate, LaunchFate
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object
from simulator.node_resources import GPU, MachineSize, allocatable, capacity
from simulator.timings import Timings

FINALIZER = "karpenter.sh/termination"
INITIALIZED_LABEL = "karpenter.sh/initialized"

Claims = Callable[[Object], bool]
"""Which claims a provisioner takes for its own."""


def any_claim(_: Object) -> bool:
    return True


def of_foreign_class(claim: Object) -> bool:
    """Not of the class that gpu-provisioner, and Moorage in its place, makes agent pools for."""
    reference = claim["spec"].get("nodeClassRef", {})
    return (reference.get("group"), reference.get("kind")) != ("kaito.sh", "KaitoNodeClass")


def claims_of_node(node: Object) -> list[Key]:
    owners = node["metadata"].get("ownerReferences", ())
    return [Key("", owner["name"]) for owner in owners if owner["kind"] == "NodeClaim"]


def find_node(objects: Objects, claim: Object) -> Object | None:
    """The node of ``claim``; its name follows from the claim, so that it is found after a crash."""
    instance_type = find_instance_type(requested_instance_type(claim))
    if instance_type is None:
        return None
    return objects.find("Node", node_name(claim, instance_type))


class NodeClaimController:
    name = "nodeclaim-controller"
    watches = ("NodeClaim", "Node")

    def __init__(
        self,
        objects: Objects,
        clock: Clock,
        timings: Timings,
        machine: MachineSize,
        fate: Fate,
        *,
        its_own: Claims = any_claim,
    ) -> None:
        self._objects = objects
        self._its_own = its_own
        self._clock = clock
        self._timings = timings
        self._machine = machine
        self._fate = fate
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        if change.object["kind"] == "NodeClaim":
            return [key_of(change.object)]
        return claims_of_node(change.object)

    def reconcile(self, key: Key) -> float | None:
        claim = self._objects.find("NodeClaim", key.name)
        if claim is None or is_terminating(claim) or not self._its_own(claim):
            return None
        claim = self._with_finalizer(claim)
        instance_type = find_instance_type(requested_instance_type(claim))
        now = self._clock.now()
        due = node_is_due(claim, self._timings, now)
        node = self._node(claim, instance_type, due)
        launch = self._fate.of_launch(claim)
        if launch.fails and self._launch_ended(claim, launch):
            self._give_up(claim)
            return None
        stages = [
            launched(claim, instance_type, self._timings, now, launch),
            registered(claim, node, due),
            initialized(claim, node, instance_type),
        ]
        self._save(claim, instance_type, node, [stage.condition for stage in stages])
        waits = [stage.again_in for stage in stages if stage.again_in is not None]
        if node is not None and instance_type is not None:
            waits += self._gpus_due(node, instance_type)
        return min(waits, default=None)

    def _launch_ended(self, claim: Object, launch: LaunchFate) -> bool:
        seconds = self._timings.instance_launch + launch.delay
        since = claim["metadata"]["creationTimestamp"]
        return seconds_left(since, seconds, self._clock.now()) <= 0

    def _give_up(self, claim: Object) -> None:
        """A failed launch leaves a claim that nobody can use: Karpenter deletes it."""
        name, uid = claim["metadata"]["name"], claim["metadata"]["uid"]
        self._events.warning(claim, "LaunchFailed", f"the launch of {name} failed; deleting it")
        self._objects.delete("NodeClaim", name, uid=uid)

    def _with_finalizer(self, claim: Object) -> Object:
        finalizers = claim["metadata"].get("finalizers", [])
        if FINALIZER in finalizers:
            return claim
        metadata = {**claim["metadata"], "finalizers": [*finalizers, FINALIZER]}
        return self._objects.update({**claim, "metadata": metadata})

    def _node(
        self, claim: Object, instance_type: InstanceType | None, due: float | None
    ) -> Object | None:
        """The claim's node, made when it is due and given what its instance has by now."""
        if instance_type is None:
            return None
        node = find_node(self._objects, claim)
        if node is None and due == 0:
            node = self._objects.create(build_node(claim, instance_type))
            self._events.normal(claim, "Registered", f"Node {node['metadata']['name']} registered")
        return None if node is None else self._equip(node, instance_type)

    def _equip(self, node: Object, instance_type: InstanceType) -> Object:
        """Fills in capacity and allocatable; resources that others added stay.

        So do GPUs once they are registered: how many can be allocated may change since.
        """
        status = node.get("status", {})
        known = GPU in status.get("capacity", {})
        hidden = {GPU} if known or self._gpus_due(node, instance_type) else set()
        amounts = {
            "capacity": capacity(instance_type, self._machine),
            "allocatable": allocatable(instance_type, self._machine),
        }
        resources = {
            field: status.get(field, {}) | {k: v for k, v in given.items() if k not in hidden}
            for field, given in amounts.items()
        }
        return save_status(self._objects, node, {**status, **resources})

    def _gpus_due(self, node: Object, instance_type: InstanceType) -> list[float]:
        """Seconds until the device plugin registers the node's GPUs; empty once it has."""
        if not instance_type.gpus or GPU in node.get("status", {}).get("capacity", {}):
            return []
        created = node["metadata"]["creationTimestamp"]
        seconds = self._timings.gpu_registration + self._fate.of_gpus(node)
        left = seconds_left(created, seconds, self._clock.now())
        return [left] if left > 0 else []

    def _save(
        self,
        claim: Object,
        instance_type: InstanceType | None,
        node: Object | None,
        stages: list[Object],
    ) -> None:
        status = claim.get("status", {})
        if instance_type is not None and stages[0]["status"] == "True":
            status = {**status, **self._instance(claim, instance_type)}
            claim = self._labelled(claim, placement_labels(instance_type))
        if node is not None:
            status = {**status, "nodeName": node["metadata"]["name"]}
        if node is not None and stages[-1]["status"] == "True":
            self._labelled(node, {INITIALIZED_LABEL: "true"})
        present = status.get("conditions", ())
        conditions = with_conditions(present, [*stages, ready(stages)], self._clock.now())
        save_status(self._objects, claim, {**status, "conditions": conditions})

    def _instance(self, claim: Object, instance_type: InstanceType) -> Object:
        return {
            "providerID": provider_id(claim, instance_type),
            "imageID": IMAGE_ID,
            "capacity": capacity(instance_type, self._machine),
            "allocatable": allocatable(instance_type, self._machine),
        }

    def _labelled(self, obj: Object, labels: dict[str, str]) -> Object:
        present = obj["metadata"].get("labels", {})
        if labels.items() <= present.items():
            return obj
        metadata = {**obj["metadata"], "labels": {**present, **labels}}
        return self._objects.update({**obj, "metadata": metadata})
