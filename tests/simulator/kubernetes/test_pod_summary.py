from datetime import UTC, datetime

import pytest

from simulator.kubernetes.pod_summary import pod_restarts, pod_status, ready_containers
from simulator.kubernetes.status import Object

RUNNING = {"running": {}}


def pod(status: Object, *, initial: int = 0, **metadata: object) -> Object:
    spec = {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{}] * initial}
    return {"metadata": metadata, "spec": spec, "status": status}


def containers(*states: Object) -> Object:
    return {"phase": "Running", "containerStatuses": [{"state": state} for state in states]}


def initial(*states: Object) -> Object:
    return {"phase": "Pending", "initContainerStatuses": [{"state": state} for state in states]}


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (pod({"phase": "Pending"}), "Pending"),
        (pod({"phase": "Failed", "reason": "Evicted"}), "Evicted"),
        (pod(containers({"waiting": {"reason": "CrashLoopBackOff"}})), "CrashLoopBackOff"),
        (pod(containers({"terminated": {"reason": "OOMKilled", "exitCode": 137}})), "OOMKilled"),
        (pod(containers({"terminated": {"exitCode": 3}})), "ExitCode:3"),
        (pod(containers({"terminated": {"signal": 9}})), "Signal:9"),
        (pod(containers(RUNNING)), "Running"),
        (pod(initial(RUNNING), initial=2), "Init:0/2"),
        (pod(initial({"terminated": {"exitCode": 0}}, RUNNING), initial=2), "Init:1/2"),
        (pod(initial({"terminated": {"reason": "Error", "exitCode": 1}}), initial=1), "Init:Error"),
        (pod(containers(RUNNING), deletionTimestamp="2026-01-01T00:00:00Z"), "Terminating"),
    ],
)
def test_status_in_a_word(example: Object, expected: str) -> None:
    assert pod_status(example) == expected


def test_ready_and_restarts() -> None:
    ended = {"terminated": {"finishedAt": "2026-01-01T00:00:00Z"}}
    statuses = [
        {"ready": True, "restartCount": 2, "lastState": ended},
        {"ready": False, "restartCount": 1},
    ]
    example = pod({"containerStatuses": statuses})
    assert ready_containers(example) == "1/2"
    now = datetime(2026, 1, 1, 0, 3, tzinfo=UTC)
    assert pod_restarts(example, now) == "3 (3m ago)"
    assert pod_restarts(pod({}), now) == "0"
