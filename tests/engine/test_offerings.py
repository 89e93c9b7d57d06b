"""What is accepted to run on, tried in order."""

from dataclasses import replace

import pytest

from engine.action import EnsureNodeClaims, Release, Resource, node_claim_names
from engine.capacity_type import CapacityType
from engine.nodes.reason import ANOTHER_OFFERING_MAY_HELP, NodeReason
from engine.observation import NodeClaim, Observation
from engine.offerings import choose, offerings, unfit
from engine.phase import Phase
from engine.reason import Reason
from engine.step import pending_trigger, step
from engine.workspace import RETRY_ANNOTATION, Offering, Workspace, WorkspaceSpec
from tests.engine.scenes import PHI_3, SMALL, claims, later, nothing, serving, workspace

A100, T4, V100 = "Standard_NC24ads_A100_v4", "Standard_NC4as_T4_v3", "Standard_NC6s_v3"
QUOTA = NodeReason.QUOTA_EXCEEDED


def accepting(*fallbacks: str, capacity: tuple[str, ...] = ()) -> WorkspaceSpec:
    resource = replace(PHI_3.resource, fallback_instance_types=fallbacks, capacity_types=capacity)
    return replace(PHI_3, resource=resource)


def refusing(of: Workspace, reason: str = QUOTA) -> Observation:
    refused = tuple(
        replace(claim, ready=False, refused=True, reason=reason, message="says the provisioner")
        for claim in claims(of)
    )
    return replace(nothing(), claims=refused)


def observed(of: Workspace, observation: Observation):
    return step(of, pending_trigger(of), observation)


def fallen_back(of: Workspace, reason: str = QUOTA):
    """The step in which the next offering is asked for, after the present one was refused."""
    refused = refusing(of, reason)
    return observed(observed(of, refused).next, refused)


def on(of: Workspace) -> Offering:
    assert of.machine.plan is not None
    return of.machine.plan.offering


def test_every_way_to_pay_comes_before_the_next_instance_type():
    wanted = offerings(accepting(A100, capacity=("spot", "on-demand")).resource)
    assert [str(one) for one in wanted] == [
        f"{V100} (spot)",
        f"{V100} (on-demand)",
        f"{A100} (spot)",
        f"{A100} (on-demand)",
    ]


def test_on_demand_is_what_is_meant_where_nothing_is_said():
    (only,) = offerings(PHI_3.resource)
    assert only.capacity_type is CapacityType.ON_DEMAND


def test_an_instance_type_named_twice_is_asked_for_once_whatever_its_case():
    assert len(offerings(accepting(V100.lower(), V100.upper()).resource)) == 1


@pytest.mark.parametrize("reason", sorted(ANOTHER_OFFERING_MAY_HELP))
def test_what_cannot_be_had_leads_to_the_next_and_the_history_says_why(reason):
    of = workspace(Phase.PROVISIONING, accepting(A100))
    planning = observed(of, refusing(of, reason)).next
    assert planning.machine.phase is Phase.PLANNING
    passage = planning.machine.history[-1]
    assert passage.reason is Reason.OFFERING_REFUSED
    assert V100 in passage.message
    assert reason in passage.message
    next_one = observed(planning, refusing(of, reason)).next
    assert next_one.machine.phase is Phase.PROVISIONING
    assert on(next_one).instance_type == A100
    assert next_one.machine.attempt == of.machine.attempt
    assert A100 in next_one.machine.waiting_for


def test_the_next_is_asked_for_under_new_names_after_what_was_refused_is_released():
    of = workspace(Phase.PROVISIONING, accepting(A100))
    made = fallen_back(of)
    (refused,) = claims(of)
    assert Release(resource=Resource.NODE_CLAIMS, names=(refused.name,)) in made.actions
    assert not any(isinstance(action, EnsureNodeClaims) for action in made.actions)
    leaving = NodeClaim(name=refused.name, ready=False, releasing=True)
    (ensure,) = [
        action
        for action in observed(made.next, replace(nothing(), claims=(leaving,))).actions
        if isinstance(action, EnsureNodeClaims)
    ]
    assert ensure.names == node_claim_names(made.next, ensure.plan)
    assert refused.name not in ensure.names
    assert ensure.plan.instance_type == A100


def test_spot_comes_before_on_demand_where_it_is_said_so():
    of = workspace(Phase.PROVISIONING, accepting(capacity=("spot", "on-demand")))
    assert on(of).capacity_type is CapacityType.SPOT
    made = fallen_back(of, NodeReason.SPOT_QUOTA_EXCEEDED)
    assert on(made.next).capacity_type is CapacityType.ON_DEMAND


def test_one_that_is_too_small_is_passed_over_and_told():
    spec = replace(
        accepting("local-cpu", A100),
        inference=replace(PHI_3.inference, preset=replace(PHI_3.inference.preset, name="phi-4")),
    )
    of = workspace(Phase.PROVISIONING, spec)
    next_one = fallen_back(of).next
    assert on(next_one).instance_type == A100
    assert next_one.machine.candidate == 2
    passed_over = next_one.machine.refused[1]
    assert passed_over.offering.instance_type == "local-cpu"
    assert passed_over.reason == Reason.PRESET_TOO_LARGE
    assert "local-cpu" in next_one.machine.message


def test_where_none_is_left_the_failure_lists_each_with_its_reason():
    of = workspace(Phase.PROVISIONING, accepting(A100))
    next_one = fallen_back(of).next
    failed = observed(next_one, refusing(next_one, NodeReason.NO_CAPACITY)).next.machine
    assert (failed.phase, failed.reason) == (Phase.FAILED, Reason.NODE_CLAIM_REFUSED)
    assert f"{V100} (on-demand): {QUOTA}: says the provisioner" in failed.message
    assert NodeReason.NO_CAPACITY in failed.message


@pytest.mark.parametrize("reason", [NodeReason.NOT_AUTHORIZED, NodeReason.POLICY_DENIED])
def test_what_no_other_machine_can_mend_fails_at_once(reason):
    of = workspace(Phase.PROVISIONING, accepting(A100))
    assert observed(of, refusing(of, reason)).next.machine.phase is Phase.FAILED


def test_a_retry_begins_with_the_first_again():
    of = workspace(Phase.PROVISIONING, accepting(A100))
    next_one = fallen_back(of).next
    failed = observed(next_one, refusing(next_one)).next
    again = observed(replace(failed, annotations={RETRY_ANNOTATION: "r"}), nothing()).next
    made = observed(again, nothing()).next
    assert on(made).instance_type == V100
    assert (made.machine.candidate, made.machine.refused, made.machine.attempt) == (0, (), 2)


def test_a_change_of_the_spec_keeps_the_machines_that_it_has():
    of = fallen_back(workspace(Phase.PROVISIONING, accepting(A100))).next
    loading = replace(of, generation=2, machine=replace(of.machine, phase=Phase.LOADING))
    planning = observed(loading, serving(loading)).next
    made = observed(planning, serving(loading)).next
    assert on(made) == on(of)
    assert made.machine.claims_seen == node_claim_names(of, of.machine.plan)


def test_an_update_of_what_is_served_keeps_the_machines_that_it_has():
    of = fallen_back(workspace(Phase.PROVISIONING, accepting(A100))).next
    changed = replace(of, generation=2, machine=replace(of.machine, phase=Phase.READY))
    made = observed(changed, serving(changed)).next
    assert made.machine.phase is Phase.UPDATING
    assert on(made) == on(of)


def test_an_exchanged_list_never_gives_a_claim_another_instance_type_under_its_old_name():
    of = fallen_back(workspace(Phase.PROVISIONING, accepting(A100))).next
    exchanged = replace(of, spec=accepting(T4), generation=2)
    made = observed(observed(exchanged, nothing()).next, nothing()).next
    assert on(made).instance_type == T4
    names = node_claim_names(made, made.machine.plan)
    assert set(names).isdisjoint(node_claim_names(of, of.machine.plan))


def test_a_list_that_was_shortened_under_way_fails_with_words():
    of = fallen_back(workspace(Phase.PROVISIONING, accepting(A100))).next
    shortened = replace(of, spec=PHI_3, generation=2)
    failed = observed(observed(shortened, nothing()).next, nothing()).next.machine
    assert (failed.phase, failed.reason) == (Phase.FAILED, Reason.OFFERING_REFUSED)
    assert V100 in failed.message


@pytest.mark.parametrize(
    ("spec", "annotation"),
    [
        (accepting("Standard_Nonesuch"), "moorage.sh/fallback-instance-types"),
        (accepting(capacity=("spotty",)), "moorage.sh/capacity-types"),
    ],
)
def test_an_annotation_that_names_nothing_known_is_told_by_name(spec, annotation):
    failed = observed(workspace(Phase.PLANNING, spec), later(nothing(), seconds=1)).next.machine
    assert (failed.phase, failed.reason) == (Phase.FAILED, Reason.SPEC_INVALID)
    assert annotation in failed.message


def test_the_first_that_serves_is_chosen_and_the_others_say_why_not():
    gpu_only = replace(
        SMALL,
        resource=replace(SMALL.resource, fallback_instance_types=(A100,)),
        inference=PHI_3.inference,
    )
    chosen = choose(gpu_only)
    assert chosen is not None
    assert (chosen[0], chosen[1].instance_type) == (1, A100)
    (passed_over,) = unfit(gpu_only, 0)
    assert passed_over.offering.instance_type == "local-cpu"
