from datetime import UTC, datetime

import pytest

from simulator.kubernetes.built_in_resources import BUILT_IN
from simulator.kubernetes.deletion import DeleteOptions, deleted, is_gone
from simulator.kubernetes.status import Object

PODS = next(each for each in BUILT_IN if each.plural == "pods")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(*, node: str = "n", phase: str = "Running", **metadata: object) -> Object:
    spec = {"nodeName": node, "terminationGracePeriodSeconds": 20}
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("example", "asked", "grace"),
    [
        (pod(), None, 20),
        (pod(), 5, 5),
        (pod(), 0, 0),
        (pod(node=""), None, 0),
        (pod(node=""), 60, 0),
        (pod(phase="Succeeded"), None, 0),
        (pod(phase="Failed"), 60, 0),
    ],
)
def test_only_a_pod_that_may_run_is_given_time(example: Object, asked: int, grace: int) -> None:
    left = deleted(PODS, example, DeleteOptions(grace_period_seconds=asked), NOW)
    assert left["metadata"]["deletionGracePeriodSeconds"] == grace
    assert left["metadata"]["deletionTimestamp"] == f"2026-01-01T00:00:{grace:02}Z"
    assert is_gone(left) is (grace == 0)


def test_a_second_deletion_may_shorten_but_not_prolong() -> None:
    first = deleted(PODS, pod(), DeleteOptions(), NOW)
    longer = deleted(PODS, first, DeleteOptions(grace_period_seconds=60), NOW)
    assert longer == first
    shorter = deleted(PODS, first, DeleteOptions(grace_period_seconds=5), NOW)
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 5
    assert shorter["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:05Z"


def test_a_deletion_counts_as_a_generation() -> None:
    assert deleted(PODS, pod(generation=1), DeleteOptions(), NOW)["metadata"]["generation"] == 2


def test_finalizers_hold_what_has_no_time_left() -> None:
    held = pod(finalizers=["example.org/hold"])
    left = deleted(PODS, held, DeleteOptions(grace_period_seconds=0), NOW)
    assert not is_gone(left)
