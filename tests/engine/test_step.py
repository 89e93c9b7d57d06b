"""What one step decides, from values alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.action import (
    EnsureNodeClaims,
    EnsureServices,
    EnsureWorkload,
    HoldFinalizer,
    Release,
    ReleaseFinalizer,
    ReplaceReplica,
    Resource,
    ScaleWorkload,
)
from engine.deadlines import PATIENCE
from engine.duties import SILENCE_BORNE
from engine.observation import Answer, Observation, Setback, Trouble, Workload
from engine.phase import Phase
from engine.reason import Reason
from engine.step import HISTORY_LENGTH, pending_trigger, step
from engine.trigger import Trigger
from engine.workspace import (
    RETRY_ANNOTATION,
    Adapter,
    ConditionType,
    DataSource,
    MachineState,
    Workspace,
)
from tests.engine.scenes import (
    NOW,
    PHI_3,
    SMALL,
    claims,
    later,
    nodes,
    nothing,
    pod,
    serving,
    workspace,
)


def observed(of: Workspace, observation: Observation):
    return step(of, pending_trigger(of), observation)


def kinds(made) -> list[type]:
    return [type(action) for action in made.actions]


def test_nothing_is_created_before_the_finalizer_is_held():
    made = observed(workspace(Phase.PENDING), nothing())
    assert made.next.machine.phase is Phase.PENDING
    assert kinds(made) == [HoldFinalizer]


def test_the_plan_is_saved_before_a_node_is_asked_for():
    planning = observed(replace(workspace(Phase.PENDING), finalizer_held=True), nothing())
    assert planning.next.machine.phase is Phase.PLANNING
    assert planning.actions == ()
    provisioning = observed(planning.next, nothing())
    assert provisioning.next.machine.plan is not None
    assert kinds(provisioning) == [EnsureNodeClaims, EnsureServices]


def test_all_node_claims_are_asked_for_in_one_pass():
    spec = replace(
        PHI_3,
        resource=replace(PHI_3.resource, instance_type="Standard_NV36ads_A10_v5"),
        inference=replace(PHI_3.inference, preset=replace(PHI_3.inference.preset, name="phi-4")),
    )
    made = observed(workspace(Phase.PROVISIONING, spec), nothing())
    (ensure,) = [a for a in made.actions if isinstance(a, EnsureNodeClaims)]
    assert len(ensure.names) == len(set(ensure.names)) == 2


def test_asking_again_asks_for_the_same_names():
    of = workspace(Phase.PROVISIONING)
    assert observed(of, nothing()).actions == observed(of, later(nothing(), minutes=5)).actions


def test_a_claim_that_exists_is_not_asked_for_again():
    of = workspace(Phase.PROVISIONING)
    present = tuple(replace(claim, ready=False) for claim in claims(of))
    assert EnsureNodeClaims not in kinds(observed(of, replace(nothing(), claims=present)))


def test_ready_nodes_lead_to_deploying():
    of = workspace(Phase.PROVISIONING)
    seen = replace(nothing(), claims=claims(of), nodes=nodes(of))
    made = observed(of, seen)
    assert made.next.machine.phase is Phase.DEPLOYING
    assert EnsureWorkload in kinds(made)


def test_a_node_without_its_gpu_is_waited_for_by_name():
    of = workspace(Phase.PROVISIONING, PHI_3)
    without = tuple(replace(node, gpus=0) for node in nodes(of))
    made = observed(of, replace(nothing(), claims=claims(of), nodes=without))
    assert made.next.machine.phase is Phase.PROVISIONING
    assert made.next.machine.reason is Reason.GPU_NOT_ALLOCATABLE
    assert without[0].name in made.next.machine.message


def test_loading_waits_until_the_model_itself_answers():
    of = workspace(Phase.LOADING)
    deaf = replace(serving(of), replicas=(replace(pod(of), answer=Answer.SILENT, silence="dead"),))
    assert observed(of, deaf).next.machine.phase is Phase.LOADING
    assert observed(of, serving(of)).next.machine.phase is Phase.READY


def test_a_simulated_workload_is_ready_and_says_that_it_is_simulated():
    of = workspace(Phase.LOADING, PHI_3)
    simulated = replace(
        serving(of),
        replicas=(replace(pod(of), answer=Answer.NOT_ASKED, simulated="no weights here"),),
    )
    state = observed(of, simulated).next.machine
    assert state.phase is Phase.READY
    assert state.reason is Reason.SERVING_SIMULATED
    assert "no model runs here" in state.message


def test_ready_rests_without_a_deadline_and_sets_kaitos_conditions():
    made = observed(workspace(Phase.LOADING), serving(workspace(Phase.LOADING)))
    state = made.next.machine
    assert state.deadline is None
    assert state.waiting_for == ""
    told = {condition.type: (condition.status, condition.reason) for condition in state.conditions}
    assert told[ConditionType.RESOURCE_READY] == (True, "workspaceResourceStatusSuccess")
    assert told[ConditionType.INFERENCE_READY] == (True, "WorkspaceInferenceStatusSuccess")
    assert told[ConditionType.WORKSPACE_READY] == (True, "workspaceSucceeded")
    assert told[ConditionType.WORKSPACE_SUCCEEDED] == (True, "workspaceSucceeded")
    assert ConditionType.JOB_STARTED not in told


def test_a_lost_replica_degrades_and_says_why():
    of = workspace(Phase.READY)
    crashed = replace(
        pod(of),
        ready=False,
        answer=Answer.NOT_ASKED,
        trouble=Trouble(reason=Reason.CONTAINER_CRASHED, message="triton ended with exit code 137"),
    )
    state = observed(of, replace(serving(of), replicas=(crashed,))).next.machine
    assert state.phase is Phase.DEGRADED
    assert state.reason is Reason.CONTAINER_CRASHED
    assert "137" in state.message
    assert state.deadline is not None


@pytest.mark.parametrize(("restarts", "phase"), [(4, Phase.LOADING), (5, Phase.FAILED)])
def test_a_crash_loop_is_given_up_after_enough_restarts(restarts, phase):
    of = workspace(Phase.LOADING)
    trouble = Trouble(reason=Reason.CRASH_LOOP, message="ended with exit code 1")
    looping = replace(pod(of), ready=False, started=False, restarts=restarts, trouble=trouble)
    made = observed(of, replace(serving(of), replicas=(looping,)))
    assert made.next.machine.phase is phase
    assert made.next.machine.reason is Reason.CRASH_LOOP


def test_a_silent_replica_is_replaced_only_after_its_time():
    of = workspace(Phase.DEGRADED)
    mute = replace(
        serving(of), replicas=(replace(pod(of), answer=Answer.SILENT, silence="stub is dead"),)
    )
    first = observed(of, mute)
    assert ReplaceReplica not in kinds(first)
    assert first.next.machine.silent_since == mute.at
    patience = replace(mute, at=mute.at + SILENCE_BORNE)
    second = observed(first.next, patience)
    assert [a.uid for a in second.actions if isinstance(a, ReplaceReplica)] == ["pod-0"]


def test_a_refused_claim_fails_with_the_providers_words_and_releases_what_it_took():
    of = workspace(Phase.PROVISIONING, PHI_3)
    refused = tuple(
        replace(c, ready=False, refused=True, reason="InvalidInstanceType", message="no such size")
        for c in claims(of)
    )
    made = observed(of, replace(nothing(), claims=refused))
    assert made.next.machine.phase is Phase.FAILED
    assert made.next.machine.reason is Reason.NODE_CLAIM_REFUSED
    assert "no such size" in made.next.machine.message
    assert made.actions == (Release(resource=Resource.NODE_CLAIMS),)


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (Phase.PENDING, Reason.PENDING_DEADLINE),
        (Phase.PROVISIONING, Reason.PROVISIONING_DEADLINE),
        (Phase.DEPLOYING, Reason.DEPLOYING_DEADLINE),
        (Phase.LOADING, Reason.LOADING_DEADLINE),
        (Phase.DEGRADED, Reason.DEGRADED_DEADLINE),
        (Phase.UPDATING, Reason.UPDATING_DEADLINE),
    ],
)
def test_no_phase_waits_for_ever(phase, reason):
    state = observed(workspace(phase), later(nothing(), hours=1)).next.machine
    assert (state.phase, state.reason) == (Phase.FAILED, reason)
    assert state.remedy


def test_a_new_workspace_has_a_deadline_from_its_first_step():
    fresh = replace(workspace(Phase.PENDING), machine=MachineState(since=NOW))
    waiting = observed(fresh, nothing()).next.machine
    assert waiting.deadline == nothing().at + PATIENCE[Phase.PENDING].limit
    late = observed(workspace(Phase.PENDING), later(nothing(), hours=1)).next.machine
    assert (late.phase, late.reason) == (Phase.FAILED, Reason.PENDING_DEADLINE)


def test_a_workspace_that_came_while_no_engine_was_there_is_not_given_up_at_once():
    fresh = replace(workspace(Phase.PENDING), machine=MachineState(since=NOW))
    late = later(nothing(), hours=1)
    waiting = observed(fresh, late).next.machine
    assert waiting.phase is Phase.PENDING
    assert waiting.deadline == late.at + PATIENCE[Phase.PENDING].limit


def test_a_deletion_that_is_overdue_is_told_and_never_given_up():
    of = workspace(Phase.DELETING)
    stuck = later(replace(nothing(), services=("demo",)), hours=1)
    made = observed(of, stuck)
    assert made.next.machine.phase is Phase.DELETING
    assert made.next.machine.reason is Reason.DELETION_OVERDUE
    assert "service demo" in made.next.machine.message


def test_nodes_are_released_only_after_the_pods_are_gone():
    of = replace(workspace(Phase.READY), deletion_requested=NOW)
    first = observed(of, serving(of))
    assert first.next.machine.phase is Phase.DELETING
    assert Release(resource=Resource.WORKLOAD) in first.actions
    assert Release(resource=Resource.NODE_CLAIMS) not in first.actions
    podless = replace(nothing(), claims=claims(of), nodes=nodes(of))
    assert Release(resource=Resource.NODE_CLAIMS) in observed(first.next, podless).actions


def test_the_finalizer_goes_last():
    of = workspace(Phase.DELETING)
    assert ReleaseFinalizer not in kinds(observed(of, replace(nothing(), nodes=nodes(SMALL_READY))))
    assert kinds(observed(of, nothing())) == [ReleaseFinalizer]


SMALL_READY = workspace(Phase.READY)


def test_a_failure_is_kept_until_the_spec_changes():
    failed = workspace(Phase.FAILED)
    assert observed(failed, later(nothing(), hours=9)).next.machine.phase is Phase.FAILED
    changed = replace(failed, generation=2)
    assert observed(changed, nothing()).next.machine.phase is Phase.PLANNING


def test_retry_starts_again_under_new_names_and_is_handled_once():
    failed = replace(workspace(Phase.FAILED), annotations={RETRY_ANNOTATION: "r1"})
    before = observed(workspace(Phase.PROVISIONING), nothing()).actions
    made = observed(failed, nothing())
    assert made.next.machine.phase is Phase.PLANNING
    assert made.next.machine.handled_retry == "r1"
    assert pending_trigger(made.next) is Trigger.OBSERVE
    again = observed(made.next, nothing()).actions
    assert isinstance(again[0], EnsureNodeClaims)
    assert again[0].names != before[0].names


def test_a_retry_asked_of_a_healthy_workspace_changes_nothing():
    of = replace(workspace(Phase.READY), annotations={RETRY_ANNOTATION: "r1"})
    made = observed(of, serving(of))
    assert made.next.machine.phase is Phase.READY
    assert made.next.machine.handled_retry == "r1"


def adapted(image: str) -> Workspace:
    adapter = Adapter(source=DataSource(name="polite", image=image))
    spec = replace(SMALL, inference=replace(SMALL.inference, adapters=(adapter,)))
    return replace(workspace(Phase.READY), spec=spec, generation=2)


def test_a_foreign_scale_is_set_right():
    of = workspace(Phase.READY)
    scaled = Workload(revision=of.machine.revision, replicas=3)
    made = observed(of, replace(serving(of), workload=scaled))
    assert kinds(made) == [EnsureWorkload]


def test_beside_a_change_that_cannot_be_served_just_the_scale_is_set_right():
    of = replace(adapted("not an image"), generation=2)
    scaled = Workload(revision=of.machine.revision, replicas=3, version="7")
    made = observed(of, replace(serving(workspace(Phase.READY)), workload=scaled))
    assert made.actions == (ScaleWorkload(replicas=1, version="7"),)


def test_a_workload_is_changed_as_it_was_seen():
    of = workspace(Phase.READY)
    scaled = Workload(revision=of.machine.revision, replicas=3, version="7")
    (ensure,) = observed(of, replace(serving(of), workload=scaled)).actions
    assert ensure.version == "7"


def test_a_changed_adapter_is_rolled_out():
    changed = adapted("example.org/polite:1")
    made = observed(changed, serving(workspace(Phase.READY)))
    assert made.next.machine.phase is Phase.UPDATING
    (ensure,) = [a for a in made.actions if isinstance(a, EnsureWorkload)]
    assert ensure.revision == made.next.machine.revision != changed.machine.revision


def test_a_change_that_cannot_be_served_leaves_what_is_served_alone():
    changed = adapted("NOT_AN_IMAGE")
    made = observed(changed, serving(workspace(Phase.READY)))
    assert made.next.machine.phase is Phase.READY
    assert made.next.machine.reason is Reason.IMAGE_NAME_INVALID
    assert made.actions == ()


def test_what_is_gone_beside_a_change_that_cannot_be_served_is_told_by_that_cause():
    of = replace(adapted("NOT_AN_IMAGE"), machine=workspace(Phase.DEGRADED).machine)
    gone = replace(serving(workspace(Phase.READY)), workload=None, replicas=())
    waiting = observed(of, gone).next.machine
    assert (waiting.phase, waiting.reason) == (Phase.DEGRADED, Reason.IMAGE_NAME_INVALID)
    late = replace(gone, at=of.machine.deadline)
    given_up = observed(of, late).next.machine
    assert (given_up.phase, given_up.reason) == (Phase.FAILED, Reason.IMAGE_NAME_INVALID)


def test_a_malformed_image_is_told_before_any_node_is_paid_for():
    of = replace(adapted("NOT_AN_IMAGE"), machine=workspace(Phase.PLANNING).machine)
    made = observed(of, nothing())
    assert made.next.machine.phase is Phase.FAILED
    assert "NOT_AN_IMAGE" in made.next.machine.message
    assert made.actions == ()


def test_a_setback_is_told_beside_what_is_waited_for():
    setback = Setback(action="EnsureNodeClaims", code="Forbidden", message="not allowed")
    made = observed(workspace(Phase.PROVISIONING), replace(nothing(), setbacks=(setback,)))
    assert "not allowed" in made.next.machine.message


def test_history_keeps_the_last_passages():
    of = workspace(Phase.READY)
    lost = replace(nothing(), workload=Workload(revision=of.machine.revision, replicas=1))
    for turn in range(HISTORY_LENGTH):
        of = observed(of, later(lost if turn % 2 == 0 else serving(of), seconds=turn)).next
    assert len(of.machine.history) == HISTORY_LENGTH
    assert of.machine.history[-1].at == NOW + timedelta(seconds=HISTORY_LENGTH - 1)


def test_a_condition_that_stays_keeps_its_instant():
    of = workspace(Phase.LOADING)
    first = observed(of, serving(of)).next
    second = observed(first, later(serving(of), minutes=1)).next
    assert first.machine.conditions == second.machine.conditions


def test_a_plan_made_anew_on_nodes_that_are_there_already_is_told_too():
    changed = replace(workspace(Phase.LOADING), generation=2)
    planning = observed(changed, serving(changed)).next
    provisioning = observed(planning, serving(changed)).next
    assert provisioning.machine.phase is Phase.PROVISIONING
    assert provisioning.machine.message
