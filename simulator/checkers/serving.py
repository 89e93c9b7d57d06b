"""Whether a workspace truly serves, by the cluster's own objects."""

from collections.abc import Iterable, Mapping

from simulator.checkers.reading import (
    GPU,
    REVISION_ANNOTATION,
    annotation,
    is_deleting,
    is_true,
    name,
    status,
    uid,
)
from simulator.kubernetes.status import Object


def unserved(
    workspace: Object, owned: Iterable[Object], silent: Mapping[str, int] | None = None
) -> str:
    """The first thing that is missing, in words; "" where requests would be answered.

    ``owned`` is what exists of the workspace's own, by uid: nothing of another incarnation.
    ``silent`` are the pods known to answer nothing, by uid, until restarted more often than so.
    """
    told, by_kind = status(workspace), _by_kind(owned)
    plan = told.get("plan")
    if plan is None:
        return "there is no plan"
    nodes = _usable(by_kind, plan["gpusPerNode"])
    if len(nodes) < plan["nodeCount"]:
        return f"{len(nodes)} of {plan['nodeCount']} nodes are ready with their GPUs"
    pods = [
        pod
        for pod in by_kind.get("Pod", ())
        if is_true(pod, "Ready")
        and not is_deleting(pod)
        and annotation(pod, REVISION_ANNOTATION) == told.get("revision")
        and pod["spec"].get("nodeName") in nodes
        and restarts(pod) > (silent or {}).get(uid(pod), -1)
    ]
    if len(pods) < plan["nodeCount"]:
        return f"{len(pods)} of {plan['nodeCount']} pods of this revision are ready on its nodes"
    if name(workspace) not in {name(service) for service in by_kind.get("Service", ())}:
        return "there is no Service"
    return ""


def _by_kind(owned: Iterable[Object]) -> dict[str, list[Object]]:
    kinds: dict[str, list[Object]] = {}
    for obj in owned:
        kinds.setdefault(obj["kind"], []).append(obj)
    return kinds


def usable_nodes(owned: Iterable[Object], *, gpus: int) -> set[str]:
    """The names of the nodes that are ready, claimed, and have their GPUs."""
    return _usable(_by_kind(owned), gpus)


def restarts(pod: Object) -> int:
    containers = status(pod).get("containerStatuses") or ()
    return max((int(item.get("restartCount", 0)) for item in containers), default=0)


def _usable(by_kind: dict[str, list[Object]], gpus: int) -> set[str]:
    claimed = {
        status(claim).get("nodeName")
        for claim in by_kind.get("NodeClaim", ())
        if is_true(claim, "Ready") and not is_deleting(claim)
    }
    return {
        name(node)
        for node in by_kind.get("Node", ())
        if name(node) in claimed
        and is_true(node, "Ready")
        and not is_deleting(node)
        and int((status(node).get("allocatable") or {}).get(GPU, "0")) >= gpus
    }
