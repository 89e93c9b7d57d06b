"""What a status says: each property is broken once, and once nearly."""

from typing import Any

import pytest

from simulator.history import Rpc
from tests.simulator.checkers.story import (
    CLUSTER,
    ENGINE,
    USER,
    Story,
    claim_of,
    claim_status,
    node_of,
    pod_of,
    service_of,
    workload_of,
    workspace,
)

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.fixture
def story() -> Story:
    return Story()


# S11: generations.


def test_an_observed_generation_that_falls_is_caught(story) -> None:
    made = story.provisioning()
    story.status(made, observedGeneration=0)
    assert "S11" in story.found()


def test_an_observed_generation_that_runs_ahead_is_caught(story) -> None:
    story.status(story.provisioning(), observedGeneration=2)
    assert "S11" in story.found()


def test_ready_of_a_generation_that_is_not_served_is_caught(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={"generation": 2})
    ready = {"type": "WorkspaceReady", "status": "True", "reason": "x", "observedGeneration": 2}
    story.status(made, conditions=[ready])
    assert "S11" in story.found()


def test_ready_of_the_generation_that_is_still_served_is_honest(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={"generation": 2})
    story.status(made, message="the last change cannot be served")
    assert "S11" not in story.found()


# S12: truthful Ready.


def _loading(story: Story, *, gpus: int = 1, ready: bool = True, service: bool = True) -> Any:
    """On the brink of Ready, with one thing missing perhaps."""
    made = story.provisioning()
    claim = story.put(ENGINE, claim_of(made))
    if service:
        story.put(ENGINE, service_of(made))
    node = story.put(CLUSTER, node_of(claim, made, gpus=gpus))
    story.change(CLUSTER, claim, status=claim_status(node))
    story.moves(made, "Deploying")
    story.put(CLUSTER, pod_of(story.put(ENGINE, workload_of(made)), node, ready=ready))
    story.moves(made, "Loading")
    return made


@pytest.mark.parametrize("lacking", [{"gpus": 0}, {"ready": False}, {"service": False}])
def test_ready_while_something_is_missing_is_a_lie(story, lacking) -> None:
    story.process("started")
    made = _loading(story, **lacking)
    story.later(200).moves(made, "Ready")
    assert "S12" in story.found()


def test_ready_on_another_incarnation_s_node_is_a_lie(story) -> None:
    made = _loading(story)
    foreign = node_of(claim_of(made, name="wsother"), made)
    story.put(CLUSTER, foreign)
    name = foreign["metadata"]["name"]
    story.change(CLUSTER, story.owned("Pod"), spec={"nodeName": name})
    story.later(200).moves(made, "Ready")
    assert "S12" in story.found()


def test_ready_on_what_was_true_a_moment_ago_is_honest(story) -> None:
    made = _loading(story)
    story.later(200).change(CLUSTER, story.owned("Pod"), status={"conditions": []})
    story.later(3).moves(made, "Ready")
    assert "S12" not in story.found()


def test_an_engine_with_a_frozen_watch_may_know_no_better(story) -> None:
    made = _loading(story)
    story.later(200).change(CLUSTER, story.owned("Pod"), status={"conditions": []})
    story.struck("FRZ")
    story.later(60).moves(made, "Ready")
    assert "S12" not in story.found()


def test_ready_that_outlasts_its_node_is_a_lie(story) -> None:
    made = story.ready()
    story.later(600).change(CLUSTER, story.owned("Node"), status={"conditions": []})
    story.later(200).moves(made, "Degraded")
    assert "S12" in story.found()


def test_ready_that_is_never_taken_back_is_a_lie_at_the_end(story) -> None:
    story.ready()
    story.later(600).change(CLUSTER, story.owned("Node"), status={"conditions": []})
    assert "S12" in story.later(200).found()


def test_ready_taken_back_in_time_is_honest(story) -> None:
    made = story.ready()
    story.later(600).change(CLUSTER, story.owned("Node"), status={"conditions": []})
    story.later(100).moves(made, "Degraded")
    assert "S12" not in story.later(5).found()


def test_no_engine_takes_ready_back_while_none_runs(story) -> None:
    story.process("started")
    made = story.ready()
    story.later(600).process("crashed")
    story.change(CLUSTER, story.owned("Node"), status={"conditions": []})
    story.later(900).process("started", "engine-2")
    story.later(100).moves(made, "Degraded")
    assert "S12" not in story.later(5).found()


def test_ready_taken_back_while_everything_is_there_is_a_lie(story) -> None:
    made = story.ready()
    story.later(600).moves(made, "Degraded", reason="ReplicaMissing")
    assert "S12" in story.found()


def test_a_restart_is_no_reason_to_take_ready_back(story) -> None:
    story.process("started")
    made = story.ready()
    story.later(600).process("crashed")
    story.later(5).process("started", "engine-2")
    story.moves(made, "Degraded", reason="ReplicaMissing")
    assert "S12" in story.found()


def test_a_model_that_fell_silent_is_a_reason_that_no_object_shows(story) -> None:
    made = story.ready()
    story.later(600).moves(made, "Degraded", reason="ModelSilent")
    assert "S12" not in story.found()


def test_an_engine_that_reads_an_old_cache_may_take_ready_back(story) -> None:
    made = story.ready()
    story.later(30).struck("CR~tt")
    story.later(5).moves(made, "Degraded", reason="ReplicaMissing")
    assert "S12" not in story.found()


def test_a_silent_model_does_not_serve(story) -> None:
    story.ready()
    story.struck("SILENT", "w0-0")
    story.later(10).healed()
    assert "S12" in story.later(600).found()


# S18: secrets.


def test_a_secret_in_a_status_is_caught(story) -> None:
    story.status(story.created(), message="cannot log in with TAINTED-token")
    assert "S18" in story.found()


def test_a_secret_in_an_event_is_caught(story) -> None:
    metadata = {"namespace": "models", "name": "w0.1", "uid": "e1"}
    story.put(ENGINE, {"kind": "Event", "metadata": metadata, "message": "got TAINTED-token"})
    assert "S18" in story.found()


def test_a_secret_in_an_answer_is_caught(story) -> None:
    answer = {"workspace": {"uid": "u", "etag": "0", "message": "TAINTED-token"}}
    rpc = Rpc(
        at=1, until=2, client="c", method="GetWorkspace", request={}, response=answer, code="OK"
    )
    story.history.add(rpc)
    assert "S18" in story.found()


def test_a_secret_that_a_user_writes_into_the_spec_is_the_user_s(story) -> None:
    story.put(USER, workspace() | {"inference": {"config": "TAINTED-token"}})
    assert "S18" not in story.found()


def test_a_generation_observed_without_planning_it_is_caught(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={"generation": 2})
    story.later(1).status(made, observedGeneration=2)
    assert "S11" in story.found()


def test_a_generation_observed_on_the_way_to_its_plan_is_honest(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={"generation": 2})
    story.later(1).moves(made, "Updating", observedGeneration=2)
    assert "S11" not in story.found()
