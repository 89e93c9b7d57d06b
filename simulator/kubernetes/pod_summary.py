"""A pod in a few words, as the READY, STATUS and RESTARTS columns tell it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.kubernetes.durations import age
from simulator.kubernetes.status import Object


def _statuses(pod: Object, group: str) -> list[Object]:
    return (pod.get("status") or {}).get(group) or []


def ready_containers(pod: Object) -> str:
    ready = sum(bool(each.get("ready")) for each in _statuses(pod, "containerStatuses"))
    return f"{ready}/{len((pod.get('spec') or {}).get('containers') or ())}"


def pod_status(pod: Object) -> str:
    """The reason why the pod is not simply running, else its phase."""
    status = pod.get("status") or {}
    word = status.get("reason") or status.get("phase") or "Unknown"
    word = _init_status(pod) or _container_status(pod) or word
    if "deletionTimestamp" in pod["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(word)


def _init_status(pod: Object) -> str | None:
    """Of the first init container that has not done its work; None when all have."""
    statuses = _statuses(pod, "initContainerStatuses")
    total = len((pod.get("spec") or {}).get("initContainers") or ())
    for index, each in enumerate(statuses):
        state = each.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated is not None and terminated.get("exitCode") == 0:
            continue
        if terminated is not None:
            return f"Init:{_end_of(terminated)}"
        if waiting and waiting.get("reason") not in {None, "", "PodInitializing"}:
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{total}"
    return None


def _end_of(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _container_status(pod: Object) -> str | None:
    """Of the first container that waits or has ended, where none runs and is ready beside it."""
    statuses = _statuses(pod, "containerStatuses")
    found = None
    for each in reversed(statuses):
        state = each.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            found = str(waiting["reason"])
        elif terminated is not None:
            found = _end_of(terminated)
    running = any("running" in (each.get("state") or {}) and each.get("ready") for each in statuses)
    if found == "Completed" and running:
        return "Running" if _is_ready(pod) else "NotReady"
    return found


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def pod_restarts(pod: Object, now: datetime) -> str:
    """How often containers were restarted, and how long ago the last time was."""
    statuses = _statuses(pod, "containerStatuses")
    restarts = sum(each.get("restartCount", 0) for each in statuses)
    ends = [
        ended
        for each in statuses
        if (ended := ((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt"))
    ]
    return f"{restarts} ({age(max(ends), now)} ago)" if restarts and ends else str(restarts)


def names(pod_spec: Object) -> str:
    return _joined(each.get("name") for each in pod_spec.get("containers") or ())


def images(pod_spec: Object) -> str:
    return _joined(each.get("image") for each in pod_spec.get("containers") or ())


def _joined(values: Iterable[Any]) -> str:
    return ",".join(str(value) for value in values)
