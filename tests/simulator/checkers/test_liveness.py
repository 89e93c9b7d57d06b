"""What must come about: each property is broken once, and once nearly."""

from copy import deepcopy
from typing import Any

import pytest

from simulator.checkers.end_state import normalised_end_state
from simulator.checkers.liveness import same_end_state, slowed
from simulator.history import History
from tests.simulator.checkers.story import (
    CLUSTER,
    ENGINE,
    USER,
    Story,
    claim_of,
    service_of,
    workspace,
)

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
HOUR = 3600.0


@pytest.fixture
def story() -> Story:
    return Story()


# L1.


def test_a_workspace_that_is_not_ready_in_the_end_is_caught(story) -> None:
    story.provisioning()
    story.healed()
    assert "L1" in story.later(2 * HOUR).found()


def test_a_ready_workspace_with_a_claim_too_many_is_caught(story) -> None:
    made = story.ready()
    story.put(CLUSTER, claim_of(made, name="wsextra"))
    story.healed()
    assert "L1" in story.later(2 * HOUR).found()


def test_a_ready_workspace_of_an_earlier_generation_is_caught(story) -> None:
    story.change(USER, story.ready(), metadata={"generation": 2})
    story.healed()
    assert "L1" in story.later(2 * HOUR).found()


def test_a_ready_workspace_at_the_wrong_scale_is_caught(story) -> None:
    story.ready()
    story.change(USER, story.owned("StatefulSet"), spec={"replicas": 0})
    story.healed()
    assert "L1" in story.later(2 * HOUR).found()


def test_a_failure_that_the_spec_does_not_explain_is_caught(story) -> None:
    story.moves(story.provisioning(), "Failed", reason="ProvisioningDeadlineExceeded")
    story.healed()
    assert "L1" in story.later(2 * HOUR).found()


def test_a_failure_that_blames_a_spec_that_is_good_is_caught(story) -> None:
    story.moves(story.provisioning(), "Failed", reason="SpecInvalid")
    story.healed()
    assert "L1" in story.later(2 * HOUR).found()


def test_a_spec_that_cannot_be_served_fails_in_the_end(story) -> None:
    made = story.created()
    story.change(USER, made, inference={"preset": {"name": "no-such-preset"}})
    story.moves(made, "Planning")
    story.moves(made, "Failed", reason="SpecInvalid")
    story.healed()
    assert "L1" not in story.later(2 * HOUR).found()


def test_a_change_that_came_late_may_still_be_under_way(story) -> None:
    made = story.ready()
    story.healed()
    story.later(2 * HOUR).change(USER, made, metadata={"generation": 2})
    story.moves(made, "Updating")
    assert "L1" not in story.later(600).found()


# L2.


def test_a_deletion_that_never_ends_is_caught(story) -> None:
    story.change(USER, story.created(), metadata=DELETED)
    story.healed()
    assert "L2" in story.later(HOUR).found()


def test_a_deletion_that_somebody_else_s_finalizer_holds_is_not_ours_to_end(story) -> None:
    story.change(USER, story.created(), metadata={**DELETED, "finalizers": ["other"]})
    story.healed()
    assert "L2" not in story.later(HOUR).found()


def test_a_deletion_may_take_a_while_after_faults_end(story) -> None:
    story.change(USER, story.created(), metadata=DELETED)
    story.later(HOUR).healed()
    assert "L2" not in story.later(600).found()


# L3, L9, L10, L11.


def test_ends_that_differ_in_a_phase_are_told_apart() -> None:
    good, other = Story(), Story()
    good.ready()
    other.moves(other.ready(), "Degraded")
    assert any("phase" in breach.found for breach in same_end_state(good.history, other.history))


def test_ends_that_differ_in_what_is_left_over_are_told_apart() -> None:
    good, other = Story(), Story()
    good.ready()
    other.put(CLUSTER, claim_of(other.ready(), name="wsextra"))
    assert list(same_end_state(good.history, other.history))


def test_ends_that_differ_in_orphans_are_told_apart() -> None:
    good, other = Story(), Story()
    other.put(CLUSTER, service_of(workspace("gone")))
    assert list(same_end_state(good.history, other.history))


def test_what_chance_decides_makes_no_difference() -> None:
    good, other = Story(), Story()
    good.ready()
    other.later(500)
    made = other.ready()
    renamed = deepcopy(other.history)
    for obj in renamed.objects.values():
        obj["metadata"]["uid"] += "-other"
        obj["metadata"]["resourceVersion"] += "0"
    assert made["metadata"]["uid"] == "uid-w0"
    assert normalised_end_state(renamed) == normalised_end_state(good.history)


# L4.


def idle(story: Story) -> Any:
    made = story.ready()
    story.healed()
    story.later(3 * HOUR)
    return made


def test_a_write_when_nothing_is_left_to_do_is_caught(story) -> None:
    story.status(idle(story), message="the same, differently")
    assert "L4" in story.later(60).found()


def test_a_write_that_changes_nothing_is_caught_too(story) -> None:
    story.call("apply", service_of(idle(story)))
    assert "L4" in story.later(60).found()


def test_a_heartbeat_and_a_look_are_no_writes_that_matter(story) -> None:
    made = idle(story)
    lease = {"kind": "Lease", "metadata": {"namespace": "moorage", "name": "engine"}}
    story.call("update", lease)
    story.call("get", made)
    assert "L4" not in story.later(60).found()


def test_a_write_in_answer_to_a_user_is_work(story) -> None:
    made = story.ready()
    story.healed()
    story.later(600).status(made, message="changed")
    assert "L4" not in story.later(3 * HOUR).found()


# L5.


def test_a_write_every_second_is_a_hot_loop(story) -> None:
    made = story.ready()
    for _ in range(601):
        story.later(1).call("patch", made, subresource="status", body={"metadata": {}})
    assert "L5" in story.found()


def test_writes_while_it_converges_are_work(story) -> None:
    made = story.ready()
    for _ in range(300):
        story.later(7).call("patch", made, subresource="status", body={"metadata": {}})
    assert "L5" not in story.found()


def test_a_watch_that_is_asked_for_anew_each_second_is_a_hot_loop(story) -> None:
    services = service_of(workspace())
    for _ in range(601):
        story.later(1).call("watch", services, name="", status=503, carried_out=0)
    assert "L5" in story.found()


def test_watches_that_end_every_few_minutes_are_not(story) -> None:
    services = service_of(workspace())
    for _ in range(30):
        story.later(240).call("watch", services, name="")
    assert "L5" not in story.found()


@pytest.mark.parametrize(("page", "caught"), [("", True), ("&continue=abc", False)])
def test_a_list_is_counted_once_however_many_pages_it_has(story, page, caught) -> None:
    services = service_of(workspace())
    story.ready()
    story.healed()
    story.later(2 * HOUR)
    for _ in range(400):
        story.call("list", services, name="", target=f"/services?limit=1{page}")
        story.later(10)
    assert ("L5" in story.found()) is caught


def test_looks_at_every_heartbeat_are_a_hot_loop(story) -> None:
    made = story.ready()
    story.healed()
    story.later(2 * HOUR)
    for _ in range(400):
        story.later(4.5).call("get", made)
    assert "L5" in story.found()


def test_a_look_a_minute_is_none(story) -> None:
    made = story.ready()
    story.healed()
    for _ in range(150):
        story.later(60).call("get", made)
    assert "L5" not in story.found()


def test_a_client_that_does_not_wait_as_told_is_caught(story) -> None:
    made = story.ready()
    story.call("get", made, status=429, carried_out=0, retry_after=10)
    story.later(2).call("get", made)
    assert "L5" in story.found()


def test_a_client_that_waits_as_told_is_right(story) -> None:
    made = story.ready()
    story.call("get", made, status=429, carried_out=0, retry_after=10)
    story.later(10.5).call("get", made)
    assert "L5" not in story.found()


# L6.


def test_what_an_engine_deletes_and_makes_again_is_caught(story) -> None:
    made = story.ready()
    claim = story.owned("NodeClaim")
    story.change(ENGINE, claim, metadata=DELETED)
    story.remove(CLUSTER, claim)
    story.put(ENGINE, claim_of(made))
    assert "L6" in story.found()


def test_what_somebody_else_deletes_is_made_again(story) -> None:
    made = story.ready()
    story.remove(USER, story.owned("NodeClaim"))
    story.put(ENGINE, claim_of(made))
    assert "L6" not in story.found()


# L7.


def answered(story: Story, seconds: float) -> History:
    made = story.ready()
    for generation in range(2, 6):
        story.later(60).change(USER, made, metadata={"generation": generation})
        story.later(seconds).status(made, message=f"saw {generation}")
    return story.history


def test_an_engine_that_a_hopeless_workspace_holds_up_is_caught() -> None:
    assert list(slowed(answered(Story(), 0.5), answered(Story(), 5.0)))


def test_an_engine_that_is_a_little_slower_is_not() -> None:
    assert not list(slowed(answered(Story(), 0.5), answered(Story(), 1.2)))


# L8.


def test_a_started_engine_that_never_looks_is_caught(story) -> None:
    story.process("started")
    story.ready()
    story.process("crashed")
    story.later(5).process("started", "engine-2")
    assert "L8" in story.later(HOUR).found()


def test_a_started_engine_that_looks_in_time_has_taken_over(story) -> None:
    made = story.ready()
    story.process("started", "engine-2")
    story.later(30).call("get", made, actor="engine-2")
    assert "L8" not in story.later(HOUR).found()


def test_a_started_engine_has_nothing_to_look_at_without_workspaces(story) -> None:
    story.process("started")
    assert "L8" not in story.later(HOUR).found()


# L12.


@pytest.mark.parametrize("field", ["waitingFor", "deadline", "message", "reason"])
def test_a_waiting_phase_that_does_not_say_is_caught(story, field) -> None:
    story.moves(story.created(), "Planning", **{field: None})
    assert "L12" in story.found()


def test_a_failure_without_a_remedy_is_caught(story) -> None:
    story.moves(story.provisioning(), "Failed", remedy=None)
    assert "L12" in story.found()


def test_a_phase_that_outlives_its_deadline_is_caught(story) -> None:
    made = story.provisioning()
    story.later(1400).moves(made, "Failed")
    assert "L12" in story.found()


def test_a_phase_that_is_overdue_at_the_end_is_caught(story) -> None:
    story.provisioning()
    assert "L12" in story.later(1400).found()


def test_a_phase_that_ends_at_its_deadline_keeps_to_it(story) -> None:
    made = story.provisioning()
    story.later(1210).moves(made, "Failed")
    assert "L12" not in story.found()


def test_a_deadline_that_passes_while_no_engine_runs_is_nobody_s_fault(story) -> None:
    story.process("started")
    made = story.provisioning()
    story.later(600).process("crashed")
    story.later(1800).process("started", "engine-2")
    story.later(20).moves(made, "Failed")
    assert "L12" not in story.found()


def refused(story: Story, message: str) -> set[str]:
    made = story.provisioning()
    claim = story.put(ENGINE, claim_of(made))
    quota = {"type": "Launched", "status": "False", "reason": "Quota", "message": "quota exceeded"}
    story.change(CLUSTER, claim, status={"conditions": [quota]})
    story.later(1201).moves(made, "Failed", message=message)
    return story.found()


def test_a_failure_that_hides_its_cause_is_caught(story) -> None:
    assert "L12" in refused(story, "something went wrong")


def test_a_failure_that_names_its_cause_explains_itself(story) -> None:
    assert "L12" not in refused(story, "gave up: 0 of 1 node claims ready (quota exceeded)")


def test_a_deletion_taken_up_late_is_caught(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    story.later(200).goes(made)
    assert "L2" in story.found()


def test_a_deletion_that_is_taken_up_and_left_at_that_is_caught(story) -> None:
    made = story.ready()
    story.change(USER, made, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    story.moves(made, "Deleting")
    story.later(200).remove(ENGINE, story.owned("Service"))
    assert "L2" in story.found()
