"""Taints and tolerations."""

from collections.abc import Iterable, Iterator

from simulator.controllers.conditions import find_condition
from simulator.kubernetes.status import Object

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


def tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def untolerated(pod: Object, taints: Iterable[Object], effects: Iterable[str]) -> Iterator[Object]:
    tolerations = pod["spec"].get("tolerations", [])
    for taint in taints:
        if taint["effect"] in effects and not any(tolerates(t, taint) for t in tolerations):
            yield taint


def condition_taints(node: Object) -> list[Object]:
    """The taints that follow from a node's conditions and from ``spec.unschedulable``.

    The node controller writes them down; the scheduler asks again, since a node that has just
    registered carries none yet (a real API server adds them on creation).
    """
    taints = []
    ready = find_condition(node, "Ready")
    status = "False" if ready is None else ready["status"]
    if status != "True":
        key = NOT_READY if status == "False" else UNREACHABLE
        taints += [{"key": key, "effect": effect} for effect in ("NoSchedule", "NoExecute")]
    if node.get("spec", {}).get("unschedulable"):
        taints.append({"key": UNSCHEDULABLE, "effect": "NoSchedule"})
    for pressure, key in _PRESSURES.items():
        found = find_condition(node, pressure)
        if found is not None and found["status"] == "True":
            taints.append({"key": key, "effect": "NoSchedule"})
    return taints


def is_condition_taint(taint: Object) -> bool:
    return taint["key"] in (NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_PRESSURES.values())


def describe(taint: Object) -> str:
    return f"{{{taint['key']}: {taint.get('value', '')}}}"


_PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
