"""Each property is broken once, and once nearly."""

from copy import deepcopy

import pytest

from simulator.checkers.reading import REVISION_ANNOTATION
from tests.simulator.checkers.story import (
    API,
    CLUSTER,
    ENGINE,
    USER,
    Story,
    claim_of,
    service_of,
    workload_of,
    workspace,
)

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.fixture
def story() -> Story:
    return Story()


# S1, S2: orphans.


def test_a_workspace_that_goes_before_its_claims_leaves_an_orphan(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata=DELETED)
    story.later(1).remove(ENGINE, made)
    assert "S1" in story.found()


def test_what_a_second_engine_made_a_moment_ago_could_not_be_seen_by_the_first(story) -> None:
    made = story.provisioning()
    story.change(USER, made, metadata=DELETED)
    story.later(10).put("engine-2", claim_of(made))
    story.later(1).remove(ENGINE, made)
    assert "S1" not in story.found()


def test_what_an_engine_made_itself_a_moment_ago_it_has_to_know_of(story) -> None:
    made = story.provisioning()
    story.change(USER, made, metadata=DELETED)
    story.later(10).put(ENGINE, claim_of(made))
    story.later(1).remove(ENGINE, made)
    assert "S1" in story.found()


def test_orphans_of_a_workspace_whose_finalizer_a_user_took_are_not_death_s_fault(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={**DELETED, "finalizers": []})
    story.remove(USER, made)
    assert "S1" not in story.found()


def test_what_belongs_to_nobody_for_long_after_faults_end_is_leaked(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={**DELETED, "finalizers": []})
    story.remove(USER, made)
    story.later(100).healed()
    assert "S2" in story.later(601).found()


def test_an_orphan_may_live_while_it_can_still_be_collected(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={**DELETED, "finalizers": []})
    story.remove(USER, made)
    story.later(100).healed()
    assert "S2" not in story.later(599).found()


# S3: ownership.


def test_an_engine_that_takes_over_another_workspace_s_object_is_caught(story) -> None:
    first, second = story.ready("w0"), story.created("w1")
    taken = deepcopy(story.owned("Service"))
    taken["metadata"]["ownerReferences"] = service_of(second)["metadata"]["ownerReferences"]
    assert first["metadata"]["uid"] not in str(taken["metadata"]["ownerReferences"])
    story.put(ENGINE, taken)
    assert "S3" in story.found()


def test_two_controllers_of_one_object_are_caught(story) -> None:
    story.ready("w0")
    second = story.created("w1")
    owners = [
        *story.owned("Service")["metadata"]["ownerReferences"],
        *service_of(second)["metadata"]["ownerReferences"],
    ]
    story.change(ENGINE, story.owned("Service"), metadata={"ownerReferences": owners})
    assert "S3" in story.found()


def test_a_node_that_two_workspaces_count_on_is_caught(story) -> None:
    story.ready("w0")
    story.status(story.ready("w1"), workerNodes=[story.owned("Node")["metadata"]["name"]])
    assert "S3" in story.found()


def test_another_owner_that_does_not_control_is_nobody_s_harm(story) -> None:
    story.ready("w0")
    watcher = {"kind": "ConfigMap", "name": "other", "uid": "uid-other", "controller": False}
    owners = [*story.owned("Service")["metadata"]["ownerReferences"], watcher]
    story.change(USER, story.owned("Service"), metadata={"ownerReferences": owners})
    assert "S3" not in story.found()


# S4: the provisioning cap.


def test_a_claim_beyond_the_plan_is_caught(story) -> None:
    made = story.ready()
    story.status(made, attempt=2)
    story.put(ENGINE, claim_of(made, name="ws2"))
    assert "S4" in story.found()


def test_a_claim_that_replaces_one_on_its_way_out_is_none_too_many(story) -> None:
    made = story.ready()
    story.change(CLUSTER, story.owned("NodeClaim"), metadata=DELETED)
    story.put(ENGINE, claim_of(made, name="ws2"))
    assert "S4" not in story.found()


# S5: one operation a claim.


def test_two_changes_of_a_claim_under_way_at_once_are_caught(story) -> None:
    story.ready()
    claim = story.owned("NodeClaim")
    story.call("create", claim, at=10.0, until=12.0)
    story.call("delete", claim, at=11.0, until=13.0)
    assert "S5" in story.found()


def test_one_change_after_the_other_is_as_it_should_be(story) -> None:
    story.ready()
    claim = story.owned("NodeClaim")
    story.call("create", claim, at=10.0, until=12.0)
    story.call("delete", claim, at=12.0, until=13.0, body={"preconditions": {"uid": "u"}})
    assert "S5" not in story.found()


def test_two_engines_may_ask_for_the_same_deletion(story) -> None:
    story.ready()
    claim = story.owned("NodeClaim")
    for actor in ("engine-1", "engine-2"):
        story.call("delete", claim, actor=actor, body={"preconditions": {"uid": "u"}})
    assert "S5" not in story.found()


def test_a_deletion_that_is_asked_for_at_every_turn_is_caught(story) -> None:
    story.ready()
    for _ in range(4):
        story.later(1).call("delete", story.owned("NodeClaim"))
    assert "S5" in story.found()


# S6: transitions.


def test_a_passage_that_the_table_does_not_have_is_caught(story) -> None:
    story.moves(story.created(), "Ready")
    assert "S6" in story.found()


def test_a_passage_without_its_line_of_history_is_caught(story) -> None:
    made = story.created()
    story.moves(made, "Planning", history=[])
    assert "S6" in story.found()


def test_a_history_that_forgets_is_caught(story) -> None:
    made = story.provisioning()
    latest = {"from": "Provisioning", "to": "Deploying", "at": "", "reason": "x"}
    story.moves(made, "Deploying", history=[latest])
    assert "S6" in story.found()


def test_a_phase_that_a_user_writes_is_caught(story) -> None:
    made = story.created()
    passage = {"from": "Pending", "to": "Planning", "at": "", "reason": "x"}
    story.status(made, USER, phase="Planning", history=[passage])
    assert "S6" in story.found()


def test_a_status_that_changes_within_a_phase_is_no_passage(story) -> None:
    story.status(story.provisioning(), message="1 of 2")
    assert "S6" not in story.found()


def test_a_long_history_may_lose_its_oldest_line(story) -> None:
    made = story.ready()
    for turn in range(40):
        story.later(60).moves(made, "Ready" if turn % 2 else "Degraded")
    assert "S6" not in story.found()


# S7: saved before acted.


def test_a_claim_that_no_stored_phase_asked_for_is_caught(story) -> None:
    made = story.created()
    story.moves(made, "Planning", attempt=1)
    story.put(ENGINE, claim_of(made, name="wsrandom"))
    assert "S7" in story.found()


def test_a_workload_of_a_revision_that_was_never_stored_is_caught(story) -> None:
    made = story.provisioning()
    story.moves(made, "Deploying")
    story.put(ENGINE, workload_of(made, revision="r2"))
    assert "S7" in story.found()


def test_a_claim_of_an_earlier_attempt_was_asked_for_too(story) -> None:
    made = story.provisioning()
    story.status(made, attempt=2)
    story.put(ENGINE, claim_of(made, attempt=1))
    assert "S7" not in story.found()


def test_what_others_make_needs_no_record(story) -> None:
    story.put(USER, claim_of(story.created(), name="byhand"))
    assert "S7" not in story.found()


# S8, S9: identity and guards.


def test_a_delete_by_name_alone_is_caught(story) -> None:
    story.call("delete", service_of(workspace()))
    assert "S8" in story.found()


def test_a_finalizer_written_without_a_version_is_caught(story) -> None:
    story.call("patch", workspace(), body={"metadata": {"finalizers": []}})
    assert "S8" in story.found()


@pytest.mark.parametrize(
    ("verb", "obj", "body"),
    [
        ("delete", service_of(workspace()), {"preconditions": {"uid": "u"}}),
        ("patch", workspace(), {"metadata": {"resourceVersion": "7", "finalizers": []}}),
        ("apply", service_of(workspace()), {"metadata": {}}),
    ],
)
def test_writes_that_name_what_they_mean_are_right(story, verb, obj, body) -> None:
    story.call(verb, obj, body=body)
    assert "S8" not in story.found()


def test_a_delete_that_was_refused_did_no_harm(story) -> None:
    story.call("delete", service_of(workspace()), status=409, carried_out=409)
    assert "S8" not in story.found()


def test_a_status_write_without_a_version_is_caught(story) -> None:
    story.call("patch", workspace(), subresource="status", body={"status": {}})
    assert "S9" in story.found()


def test_a_status_write_on_a_version_that_is_long_replaced_is_caught(story) -> None:
    made = story.created()
    old = story.history.objects["Workspace", "models", "w0"]["metadata"]["resourceVersion"]
    story.status(made, USER, message="changed")
    body = {"metadata": {"resourceVersion": old}, "status": {}}
    story.later(5).call("patch", made, subresource="status", body=body)
    assert "S9" in story.found()


def test_a_status_write_that_replaces_the_version_it_names_is_fenced(story) -> None:
    made = story.created()
    old = story.history.objects["Workspace", "models", "w0"]["metadata"]["resourceVersion"]
    story.later(1).status(made, message="changed")
    body = {"metadata": {"resourceVersion": old}, "status": {}}
    story.call("patch", made, subresource="status", body=body, at=story.at - 0.01)
    assert "S9" not in story.found()


# S10: destruction.


@pytest.mark.parametrize("kind", ["Service", "StatefulSet", "NodeClaim", "Pod"])
def test_what_a_ready_workspace_needs_is_not_for_an_engine_to_delete(story, kind) -> None:
    story.ready()
    story.change(ENGINE, story.owned(kind), metadata=DELETED)
    assert "S10" in story.found()


def test_a_finalizer_that_nobody_asked_to_release_is_caught(story) -> None:
    story.change(ENGINE, story.created(), metadata={"finalizers": []})
    assert "S10" in story.found()


@pytest.mark.parametrize("kind", ["StatefulSet", "NodeClaim"])
def test_a_failed_workspace_gives_up_what_costs(story, kind) -> None:
    story.moves(story.provisioning(), "Failed")
    made = story.history.objects["Workspace", "models", "w0"]
    obj = {"StatefulSet": workload_of, "NodeClaim": claim_of}[kind](made)
    story.put(CLUSTER, obj)
    story.change(ENGINE, obj, metadata=DELETED)
    assert "S10" not in story.found()


def test_a_release_decided_on_long_before_the_retry_is_caught(story) -> None:
    made = story.provisioning()
    claim = story.put(ENGINE, claim_of(made))
    story.moves(made, "Failed")
    story.later(1).moves(made, "Planning")
    story.later(60).change(ENGINE, claim, metadata=DELETED)
    assert "S10" in story.found()


def test_a_release_that_was_under_way_at_the_retry_is_not(story) -> None:
    made = story.provisioning()
    claim = story.put(ENGINE, claim_of(made))
    story.moves(made, "Failed")
    story.later(1).moves(made, "Planning")
    story.later(0.5).change(ENGINE, claim, metadata=DELETED)
    assert "S10" not in story.found()


def test_a_silent_replica_is_replaced(story) -> None:
    made = story.ready()
    story.status(made, silentSince="2026-01-01T00:00:00Z")
    story.later(10).change(ENGINE, story.owned("Pod"), metadata=DELETED)
    assert "S10" not in story.found()


def test_a_replica_replaced_as_soon_as_it_is_silent_is_caught(story) -> None:
    made = story.ready()
    story.status(made, silentSince="2026-01-01T00:00:00Z")
    story.later(1).change(ENGINE, story.owned("Pod"), metadata=DELETED)
    assert "S10" in story.found()


def test_an_engine_that_turns_a_rollout_back_is_caught(story) -> None:
    made = story.ready()
    workload = story.owned("StatefulSet")
    story.moves(made, "Updating", revision="another")
    newer = story.change(ENGINE, workload, metadata=_at_revision("another"))
    story.later(10).change(ENGINE, newer, metadata=workload["metadata"])
    assert "S10" in story.found()


def test_a_rollout_decided_on_a_moment_ago_may_still_arrive(story) -> None:
    made = story.ready()
    workload = story.owned("StatefulSet")
    story.moves(made, "Updating", revision="another")
    story.change(ENGINE, workload, metadata=_at_revision("another"))
    story.later(10).moves(made, "Planning", revision="a third")
    story.later(0.5).change(ENGINE, workload, metadata=_at_revision("one before"))
    assert "S10" not in story.found()


def _at_revision(revision: str) -> dict:
    return {"annotations": {REVISION_ANNOTATION: revision}}


def test_an_earlier_attempt_s_claim_may_go(story) -> None:
    made = story.provisioning()
    claim = story.put(ENGINE, claim_of(made))
    story.status(made, attempt=2)
    story.change(ENGINE, claim, metadata=DELETED)
    assert "S10" not in story.found()


# S16, S17.


def test_a_write_that_the_api_s_rules_forbid_is_caught(story) -> None:
    story.ready()
    body = workload_of(workspace())
    story.call("apply", body, status=422, carried_out=422, reason="Invalid", body=body)
    assert "S16" in story.found()


def test_an_injected_422_is_no_fault_of_ours(story) -> None:
    story.call("apply", workload_of(workspace()), status=422, carried_out=0)
    assert "S16" not in story.found()


def test_what_an_earlier_incarnation_left_may_be_in_the_way(story) -> None:
    story.ready()
    body = workload_of(workspace(uid="uid-again"))
    story.call("apply", body, status=422, carried_out=422, body=body)
    assert "S16" not in story.found()


def test_a_claim_made_after_deletion_was_recorded_is_caught(story) -> None:
    made = story.provisioning()
    story.change(USER, made, metadata=DELETED)
    story.moves(made, "Deleting")
    story.later(60).put(ENGINE, claim_of(made))
    assert "S17" in story.found()


def test_a_workload_scaled_up_after_deletion_was_recorded_is_caught(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata=DELETED)
    story.moves(made, "Deleting")
    story.later(60).change(ENGINE, story.owned("StatefulSet"), spec={"replicas": 2})
    assert "S17" in story.found()


def test_a_claim_that_was_under_way_when_deletion_was_recorded_is_not(story) -> None:
    made = story.provisioning()
    story.change(USER, made, metadata=DELETED)
    story.moves(made, "Deleting")
    story.later(1).put(ENGINE, claim_of(made))
    assert "S17" not in story.found()


# S20.


@pytest.mark.parametrize("name", ["Ws1", "ws-1", "ws1234567890a", "1ws"])
def test_a_pool_name_that_aks_refuses_is_caught(story, name) -> None:
    story.put(ENGINE, claim_of(story.provisioning(), name=name))
    assert "S20" in story.found()


def test_a_name_given_to_two_incarnations_is_caught(story) -> None:
    made = story.provisioning()
    claim = story.put(ENGINE, claim_of(made))
    story.remove(CLUSTER, claim)
    story.remove(USER, made)
    again = story.put(API, workspace(uid="uid-again"))
    story.put(ENGINE, claim_of(again, name=claim["metadata"]["name"]))
    assert "S20" in story.found()


def test_a_claim_that_is_made_again_keeps_its_name(story) -> None:
    made = story.provisioning()
    for _ in range(2):
        claim = story.put(ENGINE, claim_of(made))
        story.remove(CLUSTER, claim)
    assert "S20" not in story.found()


@pytest.mark.parametrize(("before", "found"), [(1, False), (10, True)])
def test_a_node_that_rises_again_as_its_workspace_goes_is_nobody_s_fault(
    story, before, found
) -> None:
    made = story.ready()
    node = story.owned("Node")
    for kind in ("Service", "StatefulSet", "Pod", "Node", "NodeClaim"):
        story.remove(CLUSTER, story.owned(kind))
    story.put(CLUSTER, node)
    story.later(before).remove(ENGINE, made)
    assert ("S1" in story.found()) is found


def test_what_an_engine_was_about_to_do_when_it_was_paused_it_may_do_on_waking(
    story,
) -> None:
    made = story.provisioning()
    story.process("paused")
    story.later(60).change(USER, made, metadata=DELETED)
    story.moves(made, "Deleting")
    story.later(60).process("resumed")
    story.put(ENGINE, claim_of(made))
    assert "S17" not in story.found()


def test_what_it_makes_long_after_it_woke_is_not(story) -> None:
    made = story.provisioning()
    story.process("paused")
    story.later(60).change(USER, made, metadata=DELETED)
    story.moves(made, "Deleting")
    story.later(60).process("resumed")
    story.later(60).put(ENGINE, claim_of(made))
    assert "S17" in story.found()
