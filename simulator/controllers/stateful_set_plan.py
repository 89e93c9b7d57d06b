"""What a StatefulSet does next: pure decisions over its pods.

After kube-controller-manager's stateful_set_control: fill the gaps, then drop the surplus, then
roll out. Under OrderedReady each step waits until every earlier pod is healthy; under Parallel
only the roll-out waits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from simulator.controllers.int_or_percent import rounded_up
from simulator.controllers.ownership import is_terminating
from simulator.controllers.pods import is_available, is_finished, is_running_and_ready
from simulator.controllers.revisions import Revisions
from simulator.controllers.stateful_set_pods import ordinals, revision_of
from simulator.kubernetes.status import Object


@dataclass(frozen=True, slots=True)
class Create:
    ordinal: int


@dataclass(frozen=True, slots=True)
class Delete:
    pod: Object


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing further until this ordinal's pod is there and healthy, or gone."""

    ordinal: int


Step = Create | Delete | Wait


def plan(
    stateful_set: Object, pods: Mapping[int, Object], revisions: Revisions, now: datetime
) -> list[Create | Delete]:
    """The writes due now; ``pods`` are the set's pods by ordinal."""
    parallel = stateful_set["spec"].get("podManagementPolicy") == "Parallel"
    due: list[Create | Delete] = []
    for step in _scaling(stateful_set, pods, now):
        if not isinstance(step, Wait):
            due.append(step)
        if not parallel:
            return due
    return due + [Delete(pod) for pod in _outdated(stateful_set, pods, revisions, now)]


def partition(stateful_set: Object) -> int | None:
    """The first ordinal that is rolled out; None where pods are updated only when deleted."""
    strategy = stateful_set["spec"].get("updateStrategy", {})
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return None
    offset: int = strategy.get("rollingUpdate", {}).get("partition", 0)
    return ordinals(stateful_set).start + offset


def revision_for(stateful_set: Object, ordinal: int, revisions: Revisions) -> Object:
    first = partition(stateful_set)
    held_back = first is not None and ordinal < first
    return revisions.current if held_back else revisions.update


def is_healthy(stateful_set: Object, pod: Object, now: datetime) -> bool:
    min_ready_seconds = stateful_set["spec"].get("minReadySeconds", 0)
    return (
        is_running_and_ready(pod)
        and not is_terminating(pod)
        and is_available(pod, min_ready_seconds, now)
    )


def _scaling(stateful_set: Object, pods: Mapping[int, Object], now: datetime) -> Iterator[Step]:
    wanted = ordinals(stateful_set)
    for ordinal in wanted:
        pod = pods.get(ordinal)
        if pod is None:
            yield Create(ordinal)
        elif is_finished(pod) and not is_terminating(pod):
            yield Delete(pod)
        elif not is_healthy(stateful_set, pod, now):
            yield Wait(ordinal)
    for ordinal in sorted(set(pods).difference(wanted), reverse=True):
        yield Wait(ordinal) if is_terminating(pods[ordinal]) else Delete(pods[ordinal])


def _outdated(
    stateful_set: Object, pods: Mapping[int, Object], revisions: Revisions, now: datetime
) -> Iterator[Object]:
    """Pods to replace, from the highest ordinal down, at most ``maxUnavailable`` away at once."""
    first = partition(stateful_set)
    if first is None:
        return
    away = 0
    for ordinal in reversed([item for item in ordinals(stateful_set) if item >= first]):
        if away >= _max_unavailable(stateful_set):
            return
        pod = pods.get(ordinal)
        if pod is None or is_terminating(pod) or is_finished(pod):
            away += 1
        elif revision_of(pod) != revisions.update_name:
            away += 1
            yield pod
        elif not is_healthy(stateful_set, pod, now):
            away += 1


def _max_unavailable(stateful_set: Object) -> int:
    strategy = stateful_set["spec"].get("updateStrategy", {}).get("rollingUpdate", {})
    replicas = len(ordinals(stateful_set))
    return max(1, rounded_up(strategy.get("maxUnavailable", 1), replicas))
