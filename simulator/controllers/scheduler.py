"""The scheduler: binds each waiting pod to the best node that fits, or says why none does."""

from collections import Counter
from collections.abc import Iterable, Sequence

from simulator.clock import Clock
from simulator.controllers.conditions import condition, save_status, with_conditions
from simulator.controllers.controller import Key, key_of
from simulator.controllers.events import EventRecorder
from simulator.controllers.node_fitness import Candidate, candidate_of, obstacles, preference
from simulator.controllers.ownership import is_terminating
from simulator.controllers.pod_affinity import Surroundings, surroundings
from simulator.controllers.pods import is_finished
from simulator.kubernetes.objects import Change, ChangeType, Objects
from simulator.kubernetes.status import Object

SCHEDULER_NAME = "default-scheduler"


class Scheduler:
    name = SCHEDULER_NAME
    watches = ("Pod", "Node")

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        """Whatever may have made room, a node or a pod that has ended, concerns all who wait."""
        obj = change.object
        if obj["kind"] == "Node":
            return self._waiting()
        if change.type is ChangeType.DELETED or is_finished(obj):
            return self._waiting()
        return [key_of(obj)] if _is_waiting(obj) else []

    def reconcile(self, key: Key) -> float | None:
        pod = self._objects.find("Pod", key.name, key.namespace)
        if pod is None or not _is_waiting(pod):
            return None
        if pod["spec"].get("schedulingGates"):
            self._refuse(pod, "SchedulingGated", "Scheduling is blocked due to non-empty gates")
            return None
        candidates = self._candidates()
        around = surroundings(pod, candidates)
        fitting = [item for item in candidates if not obstacles(pod, item, around)]
        if fitting:
            best = min(fitting, key=lambda item: (preference(pod, item), item.name))
            self._bind(pod, best.name)
        else:
            message = explain(pod, candidates, around)
            if self._refuse(pod, "Unschedulable", message):
                self._events.warning(pod, "FailedScheduling", message)
        return None

    def _waiting(self) -> list[Key]:
        """Oldest first, as kube-scheduler's queue has pods of equal priority."""
        waiting = [pod for pod in self._objects.list("Pod") if _is_waiting(pod)]
        return [key_of(pod) for pod in sorted(waiting, key=_age)]

    def _candidates(self) -> list[Candidate]:
        bound: dict[str, list[Object]] = {}
        for pod in self._objects.list("Pod"):
            node_name = pod["spec"].get("nodeName")
            if node_name and not is_finished(pod):
                bound.setdefault(node_name, []).append(pod)
        return [
            candidate_of(node, bound.get(node["metadata"]["name"], []))
            for node in self._objects.list("Node")
            if not is_terminating(node)
        ]

    def _bind(self, pod: Object, node_name: str) -> None:
        """The condition first: a pod left without a node by a crash is still waiting for one."""
        pod = self._set_scheduled(pod, condition("PodScheduled", "True", "", ""))
        self._objects.update({**pod, "spec": {**pod["spec"], "nodeName": node_name}})
        where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']} to {node_name}"
        self._events.normal(pod, "Scheduled", f"Successfully assigned {where}")

    def _refuse(self, pod: Object, reason: str, message: str) -> bool:
        """Answers whether this is news."""
        refusal = condition("PodScheduled", "False", reason, message)
        return self._set_scheduled(pod, refusal) is not pod

    def _set_scheduled(self, pod: Object, scheduled: Object) -> Object:
        status = pod.get("status", {})
        conditions = with_conditions(status.get("conditions", ()), [scheduled], self._clock.now())
        changed = {"phase": "Pending", **status, "conditions": conditions}
        return save_status(self._objects, pod, changed)


def explain(pod: Object, candidates: Sequence[Candidate], around: Surroundings) -> str:
    """kube-scheduler's FitError, such as ``0/2 nodes are available: 2 Insufficient cpu.``"""
    if not candidates:
        return "no nodes available to schedule pods"
    counts = Counter(reason for item in candidates for reason in obstacles(pod, item, around))
    reasons = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    return f"0/{len(candidates)} nodes are available: {reasons}."


def _is_waiting(pod: Object) -> bool:
    spec = pod["spec"]
    return (
        not spec.get("nodeName")
        and spec.get("schedulerName", SCHEDULER_NAME) == SCHEDULER_NAME
        and not is_terminating(pod)
        and not is_finished(pod)
    )


def _age(pod: Object) -> tuple[str, Key]:
    return (pod["metadata"].get("creationTimestamp", ""), key_of(pod))
