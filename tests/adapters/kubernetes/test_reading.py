"""What the engine makes of pods, claims and Services, in the shapes Kubernetes gives them."""

import pytest

from adapters.kubernetes.reading import endpoints, node, node_claim, replica
from engine.nodes.reason import TERMINAL, NodeReason
from engine.observation import Answer
from engine.reason import Reason


def pod(status: dict, annotations: dict | None = None) -> dict:
    return {
        "metadata": {"name": "demo-0", "uid": "u", "annotations": annotations or {}},
        "spec": {"containers": [{"name": "triton"}, {"name": "gateway"}]},
        "status": status,
    }


def container(name: str, state: dict, **more) -> dict:
    return {"name": name, "state": state, "ready": False, "restartCount": 0, **more}


RUNNING = {"running": {"startedAt": "2026-01-01T12:00:00Z"}}


def waiting(reason: str, message: str = "") -> dict:
    return {"waiting": {"reason": reason, "message": message}}


def test_a_pod_has_started_when_each_container_runs():
    one = [container("triton", RUNNING)]
    both = [*one, container("gateway", RUNNING)]
    assert not replica(pod({"containerStatuses": one})).started
    assert replica(pod({"containerStatuses": both})).started


def test_a_pod_is_serving_only_when_its_model_spoke():
    ready = pod({"conditions": [{"type": "Ready", "status": "True"}]})
    assert not replica(ready).serving
    assert not replica(ready, Answer.SILENT, "stub").serving
    assert replica(ready, Answer.SPOKE).serving


@pytest.mark.parametrize(
    ("state", "reason", "final"),
    [
        (waiting("ErrImagePull", "no such image"), Reason.IMAGE_PULL_ERROR, False),
        (waiting("ImagePullBackOff"), Reason.IMAGE_PULL_ERROR, False),
        (waiting("InvalidImageName"), Reason.IMAGE_NAME_INVALID, True),
        (waiting("CreateContainerConfigError"), Reason.CONTAINER_START_ERROR, False),
        (waiting("CrashLoopBackOff"), Reason.CRASH_LOOP, False),
        ({"terminated": {"exitCode": 3, "reason": "Error"}}, Reason.CONTAINER_CRASHED, False),
        (
            {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            Reason.CONTAINER_OOM_KILLED,
            False,
        ),
    ],
)
def test_a_troubled_container_tells_its_reason(state, reason, final):
    trouble = replica(pod({"containerStatuses": [container("triton", state)]})).trouble
    assert trouble is not None
    assert (trouble.reason, trouble.final) == (reason, final)
    assert "triton" in trouble.message


def test_a_crash_is_told_until_the_container_is_ready_again():
    killed = {"terminated": {"exitCode": 137, "reason": "Error"}}
    restarted = container("triton", RUNNING, lastState=killed, restartCount=1)
    told = replica(pod({"containerStatuses": [restarted]}))
    assert told.trouble is not None
    assert "137" in told.trouble.message
    recovered = {**restarted, "ready": True}
    assert replica(pod({"containerStatuses": [recovered]})).trouble is None


def test_of_a_log_in_place_of_a_message_the_last_line_is_told():
    state = {"terminated": {"exitCode": 1, "message": "starting\nno such model\n\n"}}
    trouble = replica(pod({"containerStatuses": [container("triton", state)]})).trouble
    assert trouble is not None
    assert trouble.message == "container triton ended with exit code 1: no such model"


def test_an_init_container_that_is_done_is_no_trouble():
    done = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    assert replica(pod({"initContainerStatuses": [container("weights", done)]})).trouble is None


def test_an_unschedulable_pod_tells_the_schedulers_words():
    status = {
        "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}
        ]
    }
    trouble = replica(pod(status)).trouble
    assert trouble is not None
    assert trouble.reason is Reason.UNSCHEDULABLE
    assert "0/1 nodes" in trouble.message


def claim(*conditions: dict) -> dict:
    return {"metadata": {"name": "ws1"}, "status": {"conditions": list(conditions)}}


def test_a_claim_tells_its_first_unmet_condition():
    told = node_claim(
        claim(
            {"type": "Launched", "status": "True"},
            {"type": "Registered", "status": "Unknown", "reason": "NodeNotFound", "message": "m"},
            {"type": "Initialized", "status": "Unknown", "reason": "Later"},
            {"type": "Ready", "status": "False", "reason": "ReconcilingDependents"},
        )
    )
    assert (told.ready, told.reason, told.message, told.refused) == (
        False,
        "NodeNotFound",
        "m",
        False,
    )


def test_a_claim_for_a_machine_that_does_not_exist_is_refused():
    told = node_claim(
        claim({"type": "Launched", "status": "False", "reason": "InvalidInstanceType"})
    )
    assert told.refused


@pytest.mark.parametrize("kind", ["Launched", "Registered", "Initialized", "Ready"])
@pytest.mark.parametrize("reason", sorted(TERMINAL))
def test_a_claim_that_is_given_up_for_good_is_refused_with_that_reason(kind, reason):
    told = node_claim(
        claim(
            {"type": "Launched", "status": "Unknown", "reason": "AwaitingReconciliation"},
            {"type": kind, "status": "False", "reason": reason, "message": "m"},
        )
    )
    assert (told.refused, told.reason, told.message) == (True, reason, "m")


@pytest.mark.parametrize("reason", sorted(set(NodeReason) - TERMINAL))
def test_a_claim_that_may_still_come_up_is_not_refused(reason):
    told = node_claim(claim({"type": "Launched", "status": "False", "reason": reason}))
    assert not told.refused


def test_a_node_tells_what_it_runs_short_of_and_stays_ready():
    conditions = [
        {"type": "MemoryPressure", "status": "False"},
        {"type": "DiskPressure", "status": "True"},
        {"type": "Ready", "status": "True"},
    ]
    told = node({"metadata": {"name": "n"}, "status": {"conditions": conditions}})
    assert (told.ready, told.pressures) == (True, ("DiskPressure",))


def test_a_node_counts_the_gpus_that_pods_may_have():
    item = {
        "metadata": {"name": "n"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "capacity": {"nvidia.com/gpu": "4"},
            "allocatable": {"nvidia.com/gpu": "2"},
        },
    }
    assert (node(item).ready, node(item).gpus) == (True, 2)


def test_substitute_ports_are_told_where_80_may_not_be_bound():
    service = {
        "metadata": {"annotations": {"moorage.sh/substitute-ports": '{"80": 18080}'}},
        "spec": {
            "clusterIP": "127.64.3.2",
            "ports": [{"name": "http", "port": 80}, {"name": "triton-grpc", "port": 8001}],
        },
    }
    assert endpoints(service).http == "http://127.64.3.2:18080"
    assert endpoints(service).triton_grpc == "127.64.3.2:8001"
    service["metadata"]["annotations"] = {}
    assert endpoints(service).http == "http://127.64.3.2"
