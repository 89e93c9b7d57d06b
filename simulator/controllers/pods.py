"""Facts about pods that several controllers ask for."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.controllers.conditions import find_condition, is_true, seconds_left
from simulator.controllers.ownership import controller_of, is_terminating, owner_reference
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object


def phase(pod: Object) -> str:
    return str(pod.get("status", {}).get("phase", "Pending"))


def is_finished(pod: Object) -> bool:
    return phase(pod) in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    return not is_finished(pod) and not is_terminating(pod)


def is_ready(pod: Object) -> bool:
    return is_true(pod, "Ready")


def is_running_and_ready(pod: Object) -> bool:
    return phase(pod) == "Running" and is_ready(pod)


def pods_to_drain(objects: Objects, node_name: str) -> list[Object]:
    """The pods that must leave a node before its machine may go: all but those of DaemonSets."""
    return [
        pod
        for pod in objects.list("Pod")
        if pod["spec"].get("nodeName") == node_name
        and not is_finished(pod)
        and (controller_of(pod) or {}).get("kind") != "DaemonSet"
    ]


def availability_delay(pod: Object, min_ready_seconds: int, now: datetime) -> float | None:
    """Seconds until ``pod`` counts as available, 0 if it does; None while it is not ready."""
    ready = find_condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return None
    if not min_ready_seconds:
        return 0.0
    return max(0.0, seconds_left(ready["lastTransitionTime"], min_ready_seconds, now))


def is_available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    return availability_delay(pod, min_ready_seconds, now) == 0


def next_availability(
    pods: Iterable[Object], min_ready_seconds: int, now: datetime
) -> float | None:
    """Seconds until the next of ``pods`` becomes available by the mere passing of time."""
    delays = (availability_delay(pod, min_ready_seconds, now) for pod in pods)
    return min((delay for delay in delays if delay), default=None)


def pod_from_template(template: Object, owner: Object, metadata: dict[str, Any]) -> Object:
    """A pod of ``owner`` made from ``template``; ``metadata`` has its name and more labels."""
    inherited = template.get("metadata", {})
    labels = {**inherited.get("labels", {}), **metadata.get("labels", {})}
    annotations = {**inherited.get("annotations", {}), **metadata.get("annotations", {})}
    finalizers = [*inherited.get("finalizers", ()), *metadata.get("finalizers", ())]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **metadata,
            "namespace": owner["metadata"]["namespace"],
            "labels": labels,
            **({"annotations": annotations} if annotations else {}),
            **({"finalizers": finalizers} if finalizers else {}),
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": template["spec"],
    }
