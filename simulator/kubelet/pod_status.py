"""A pod's ``status``, computed from where its containers stand.

The rules are those of Kubernetes' pod lifecycle ("Pod Lifecycle" in its documentation).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from simulator.clock import rfc3339
from simulator.controllers.conditions import with_conditions
from simulator.kubelet.container_record import (
    ContainerRecord,
    Terminated,
    Waiting,
    as_status,
)
from simulator.kubelet.resources import qos_class
from simulator.kubernetes.status import Object


class Phase(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """What a kubelet knows of a pod; ``sandboxed`` once it has its address and volumes."""

    host_ip: str
    pod_ip: str
    sandboxed: bool
    records: Mapping[str, ContainerRecord]
    failure: Waiting | None = None


def pod_status(pod: Object, facts: PodFacts, now: datetime) -> Object:
    """``facts.failure`` ends the pod as Failed, whatever its containers say."""
    spec, before = pod["spec"], pod.get("status", {})
    phase = Phase.FAILED if facts.failure else pod_phase(spec, facts.records)
    status = {
        **before,
        "phase": str(phase),
        "conditions": _without_empty_texts(
            with_conditions(before.get("conditions", ()), _conditions(pod, facts, phase), now)
        ),
        "hostIP": facts.host_ip,
        "hostIPs": [{"ip": facts.host_ip}],
        "startTime": before.get("startTime") or rfc3339(now),
        "qosClass": qos_class(spec),
        "containerStatuses": _statuses(spec["containers"], facts.records),
    }
    if facts.pod_ip:
        status |= {"podIP": facts.pod_ip, "podIPs": [{"ip": facts.pod_ip}]}
    if spec.get("initContainers"):
        status["initContainerStatuses"] = _init_statuses(spec["initContainers"], facts.records)
    if facts.failure:
        status |= {"reason": facts.failure.reason, "message": facts.failure.message}
    return status


def pod_phase(spec: Object, records: Mapping[str, ContainerRecord]) -> Phase:
    policy = restart_policy(spec)
    for container in spec.get("initContainers") or ():
        state = records[container["name"]].state
        if isinstance(state, Terminated) and state.succeeded:
            continue
        failed = isinstance(state, Terminated) and policy == "Never"
        return Phase.FAILED if failed else Phase.PENDING
    of_pod = [records[container["name"]] for container in spec["containers"]]
    if any(isinstance(one.state, Waiting) and one.last is None for one in of_pod):
        return Phase.PENDING
    if not all(isinstance(one.state, Terminated) for one in of_pod) or policy == "Always":
        return Phase.RUNNING
    if all(isinstance(one.state, Terminated) and one.state.succeeded for one in of_pod):
        return Phase.SUCCEEDED
    return Phase.FAILED if policy == "Never" else Phase.RUNNING


def restart_policy(spec: Object) -> str:
    return str(spec.get("restartPolicy") or "Always")


def restart_wanted(policy: str, *, exit_code: int) -> bool:
    """``policy`` of an application container; an init container's Always means OnFailure."""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _statuses(containers: Iterable[Object], records: Mapping[str, ContainerRecord]) -> list[Object]:
    return [as_status(records[container["name"]], container) for container in containers]


def _init_statuses(
    containers: Iterable[Object], records: Mapping[str, ContainerRecord]
) -> list[Object]:
    """An init container counts as ready once it has done its work."""
    done = {name: replace(record, ready=_completed(record)) for name, record in records.items()}
    return _statuses(containers, done)


def _completed(record: ContainerRecord) -> bool:
    return isinstance(record.state, Terminated) and record.state.succeeded


def _conditions(pod: Object, facts: PodFacts, phase: Phase) -> list[Object]:
    ready = _containers_ready(pod["spec"], facts.records, phase)
    return [
        _condition("PodReadyToStartContainers", held=facts.sandboxed and phase not in TERMINAL),
        _initialized(pod["spec"], facts),
        {"type": "Ready", **(_unready_gates(pod) or ready if ready["status"] == "True" else ready)},
        {"type": "ContainersReady", **ready},
        _condition("PodScheduled", held=True),
    ]


def _without_empty_texts(conditions: Iterable[Object]) -> list[Object]:
    """An empty reason or message only served to replace an older one."""
    return [{key: value for key, value in one.items() if value != ""} for one in conditions]


def _condition(type_: str, *, held: bool) -> Object:
    return {"type": type_, "status": "True" if held else "False"}


def _initialized(spec: Object, facts: PodFacts) -> Object:
    incomplete = [
        container["name"]
        for container in spec.get("initContainers") or ()
        if not _completed(facts.records[container["name"]])
    ]
    if not incomplete:
        return {"type": "Initialized", "status": "True", "reason": "", "message": ""}
    return {
        "type": "Initialized",
        "status": "False",
        "reason": "ContainersNotInitialized",
        "message": f"containers with incomplete status: {_listed(incomplete)}",
    }


def _containers_ready(spec: Object, records: Mapping[str, ContainerRecord], phase: Phase) -> Object:
    if phase in TERMINAL:
        completed = phase is Phase.SUCCEEDED
        return {
            "status": "False",
            "reason": "PodCompleted" if completed else "PodFailed",
            "message": "",
        }
    names = [container["name"] for container in spec["containers"]]
    unready = [name for name in names if not records[name].ready]
    if unready:
        message = f"containers with unready status: {_listed(unready)}"
        return {"status": "False", "reason": "ContainersNotReady", "message": message}
    return {"status": "True", "reason": "", "message": ""}


def _unready_gates(pod: Object) -> Object | None:
    """What of ``spec.readinessGates`` still holds the pod back."""
    held = {
        condition["type"]
        for condition in pod.get("status", {}).get("conditions", ())
        if condition["status"] == "True"
    }
    missing = [
        gate["conditionType"]
        for gate in pod["spec"].get("readinessGates") or ()
        if gate["conditionType"] not in held
    ]
    if not missing:
        return None
    message = f"the status of pod readiness gates is not True: {_listed(missing)}"
    return {"status": "False", "reason": "ReadinessGatesNotReady", "message": message}


def _listed(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"
