"""Empties a node before its machine goes, as AKS does: cordon, then evict as budgets allow."""

from simulator.controllers.disruption_budgets import forbids_eviction
from simulator.controllers.ownership import is_terminating
from simulator.controllers.pods import pods_to_drain
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object


def cordon(objects: Objects, node: Object) -> None:
    if not node["spec"].get("unschedulable"):
        objects.update({**node, "spec": {**node["spec"], "unschedulable": True}})


def uncordon(objects: Objects, node: Object) -> None:
    spec = {key: value for key, value in node["spec"].items() if key != "unschedulable"}
    objects.update({**node, "spec": spec})


def evict(objects: Objects, node_name: str, *, honours_budgets: bool) -> None:
    """Has every pod deleted that may be."""
    for pod in pods_to_drain(objects, node_name):
        if is_terminating(pod) or (honours_budgets and forbids_eviction(objects, pod)):
            continue
        metadata = pod["metadata"]
        objects.delete("Pod", metadata["name"], metadata["namespace"], uid=metadata["uid"])


def resisting(objects: Objects, node_name: str) -> tuple[str, ...]:
    """The pods that nothing has asked to go."""
    return tuple(
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in pods_to_drain(objects, node_name)
        if not is_terminating(pod)
    )
