"""The end of a NodeClaim: drain its node, terminate the instance, release the claim.

The finalizer goes last, so that a claim which is gone leaves no node behind.
"""

from collections.abc import Iterable

from simulator.clock import Clock
from simulator.controllers.conditions import (
    condition,
    find_condition,
    save_status,
    seconds_left,
    with_conditions,
)
from simulator.controllers.controller import Key, key_of
from simulator.controllers.events import EventRecorder
from simulator.controllers.node_claims import (
    FINALIZER,
    Claims,
    any_claim,
    claims_of_node,
    find_node,
)
from simulator.controllers.ownership import is_terminating
from simulator.controllers.pods import pods_to_drain
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object
from simulator.timings import Timings

DISRUPTED = {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}


class NodeClaimTermination:
    name = "nodeclaim-termination"
    watches = ("NodeClaim", "Node", "Pod")

    def __init__(
        self, objects: Objects, clock: Clock, timings: Timings, *, its_own: Claims = any_claim
    ) -> None:
        self._objects = objects
        self._its_own = its_own
        self._clock = clock
        self._timings = timings
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        obj = change.object
        if obj["kind"] == "NodeClaim":
            return [key_of(obj)] if is_terminating(obj) else []
        if obj["kind"] == "Node":
            return claims_of_node(obj)
        node_name = obj["spec"].get("nodeName")
        node = self._objects.find("Node", node_name) if node_name else None
        return claims_of_node(node) if node is not None and _is_disrupted(node) else []

    def reconcile(self, key: Key) -> float | None:
        claim = self._objects.find("NodeClaim", key.name)
        if claim is None or not is_terminating(claim) or not self._its_own(claim):
            return None
        if FINALIZER not in claim["metadata"].get("finalizers", ()):
            return None
        node = find_node(self._objects, claim)
        if node is not None and (wait := self._drain(claim, node)) is not None:
            return wait
        if (wait := self._terminate(claim)) is not None:
            return wait
        if node is not None:
            self._objects.delete("Node", node["metadata"]["name"], uid=node["metadata"]["uid"])
        self._release(claim)
        return None

    def _drain(self, claim: Object, node: Object) -> float | None:
        """Seconds that draining may still take; None once the node is empty or time is up."""
        if not _is_disrupted(node):
            taints = [*node["spec"].get("taints", ()), DISRUPTED]
            node = self._objects.update({**node, "spec": {**node["spec"], "taints": taints}})
        pods = pods_to_drain(self._objects, node["metadata"]["name"])
        for pod in pods:
            if not is_terminating(pod):
                metadata = pod["metadata"]
                self._events.normal(pod, "Evicted", f"Node claim {claim['metadata']['name']} ends")
                self._objects.delete("Pod", metadata["name"], metadata["namespace"])
        since = claim["metadata"]["deletionTimestamp"]
        left = seconds_left(since, self._timings.node_drain_limit, self._clock.now())
        if not pods_to_drain(self._objects, node["metadata"]["name"]) or left <= 0:
            return None
        message = f"{len(pods)} pods are still on node {node['metadata']['name']}"
        self._note(claim, condition("Drained", "False", "Draining", message))
        return left

    def _terminate(self, claim: Object) -> float | None:
        """Seconds until the instance is gone; None once it is, or where there never was one."""
        if "providerID" not in claim.get("status", {}):
            return None
        terminating = find_condition(claim, "InstanceTerminating")
        if terminating is None:
            claim = self._note(
                claim,
                condition("Drained", "True", "Drained"),
                condition("InstanceTerminating", "True", "InstanceTerminating"),
            )
            terminating = find_condition(claim, "InstanceTerminating") or {}
        since = terminating["lastTransitionTime"]
        left = seconds_left(since, self._timings.instance_termination, self._clock.now())
        return left if left > 0 else None

    def _note(self, claim: Object, *changed: Object) -> Object:
        status = claim.get("status", {})
        conditions = with_conditions(status.get("conditions", ()), changed, self._clock.now())
        return save_status(self._objects, claim, {**status, "conditions": conditions})

    def _release(self, claim: Object) -> None:
        claim = self._objects.get("NodeClaim", claim["metadata"]["name"])
        finalizers = [item for item in claim["metadata"]["finalizers"] if item != FINALIZER]
        metadata = {**claim["metadata"], "finalizers": finalizers}
        self._objects.update({**claim, "metadata": metadata})


def _is_disrupted(node: Object) -> bool:
    return DISRUPTED["key"] in {taint["key"] for taint in node["spec"].get("taints", ())}
