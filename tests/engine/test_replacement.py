"""Claims that were there and are there no more: successors, in time, one for one."""

from dataclasses import replace

import pytest

from engine.action import EnsureNodeClaims, Release, Resource, node_claim_names
from engine.nodes.reason import LOST, WORTH_ANOTHER_TRY, NodeReason
from engine.observation import NodeClaim, Observation
from engine.phase import CLAIMING, Phase
from engine.reason import Reason
from engine.replacement import REPLACE_AFTER, vanished
from engine.step import pending_trigger, step
from engine.workspace import Workspace
from tests.engine.scenes import PHI_3, claims, later, nodes, nothing, serving, workspace


def observed(of: Workspace, observation: Observation):
    return step(of, pending_trigger(of), observation)


def names(of: Workspace) -> tuple[str, ...]:
    assert of.machine.plan is not None
    return node_claim_names(of, of.machine.plan)


def asked(made) -> tuple[str, ...]:
    return tuple(
        name
        for action in made.actions
        if isinstance(action, EnsureNodeClaims)
        for name in action.names
    )


def of_nodes(phase: Phase, count: int) -> Workspace:
    of = workspace(phase, PHI_3)
    return replace(of, machine=replace(of.machine, plan=replace(of.machine.plan, node_count=count)))


def seen(phase: Phase, count: int = 1) -> Workspace:
    """A workspace whose claims have all been observed."""
    of = of_nodes(phase, count)
    return replace(of, machine=replace(of.machine, claims_seen=names(of)))


def refused(claim: NodeClaim, reason: str) -> NodeClaim:
    return replace(claim, ready=False, refused=True, reason=reason, message="its provider says so")


def without(observation: Observation, *lost: str) -> Observation:
    kept = tuple(claim for claim in observation.claims if claim.name not in lost)
    return replace(observation, claims=kept)


def test_a_claim_is_remembered_once_it_was_seen():
    of = of_nodes(Phase.PROVISIONING, 2)
    first, _ = claims(of)
    made = observed(of, replace(nothing(), claims=(first,)))
    assert made.next.machine.claims_seen == (first.name,)


def test_a_claim_never_seen_is_asked_for_again_under_its_own_name():
    of = workspace(Phase.PROVISIONING)
    made = observed(of, later(nothing(), minutes=5))
    assert asked(made) == names(of)
    assert made.next.machine.replacements == ()


@pytest.mark.parametrize("phase", sorted(CLAIMING))
def test_a_claim_that_is_gone_is_replaced_under_a_new_name(phase):
    of = seen(phase, 2)
    lost, kept = names(of)
    made = observed(of, without(serving(of), lost))
    assert made.next.machine.replacements == (1, 0)
    assert names(made.next)[1] == kept
    assert asked(made) == (names(made.next)[0],)
    assert lost not in asked(made)


def test_the_loss_is_saved_before_the_successor_is_made():
    of = seen(Phase.READY)
    made = observed(of, without(serving(of), *names(of)))
    assert made.next.machine != of.machine
    assert asked(made) == names(made.next)


def test_a_successor_that_never_came_is_asked_for_again_and_not_replaced():
    of = seen(Phase.READY)
    once = observed(of, nothing()).next
    again = observed(once, later(nothing(), minutes=10))
    assert again.next.machine.replacements == once.machine.replacements == (1,)
    assert asked(again) == names(once)


def test_two_replacements_have_time_between_them():
    once = observed(seen(Phase.PROVISIONING), nothing()).next
    there = replace(nothing(), claims=claims(once))
    once = observed(once, there).next
    soon = observed(once, nothing())
    assert soon.next.machine.replacements == (1,)
    assert asked(soon) == ()
    due = replace(nothing(), at=nothing().at + REPLACE_AFTER)
    assert observed(soon.next, due).next.machine.replacements == (2,)


def test_claims_lost_together_are_replaced_together():
    of = seen(Phase.READY, 3)
    made = observed(of, nothing())
    assert made.next.machine.replacements == (1, 1, 1)
    assert len(asked(made)) == 3


def test_a_claim_on_its_way_out_is_replaced_only_once_it_is_gone():
    of = seen(Phase.READY)
    (claim,) = claims(of)
    leaving = replace(serving(of), claims=(replace(claim, releasing=True),))
    made = observed(of, leaving)
    assert made.next.machine.phase is Phase.DEGRADED
    assert made.next.machine.replacements == ()
    assert asked(made) == ()
    assert observed(made.next, nothing()).next.machine.replacements == (1,)


@pytest.mark.parametrize("phase", sorted(CLAIMING - {Phase.PROVISIONING}))
def test_a_claim_given_up_after_its_workspace_had_nodes_goes_before_its_successor_comes(phase):
    of = seen(phase)
    (claim,) = claims(of)
    failed = replace(serving(of), claims=(refused(claim, NodeReason.CLOUD_FAILED),))
    made = observed(of, failed)
    assert made.next.machine.replacements == (1,)
    assert asked(made) == ()
    assert Release(resource=Resource.NODE_CLAIMS, names=(claim.name,)) in made.actions
    leaving = replace(failed, claims=(replace(failed.claims[0], releasing=True),))
    assert asked(observed(made.next, leaving)) == names(made.next)


@pytest.mark.parametrize("reason", sorted(LOST))
def test_a_node_lost_while_others_are_still_provisioned_fails_nobody(reason):
    of = seen(Phase.PROVISIONING, 2)
    first, second = claims(of)
    made = observed(of, replace(nothing(), claims=(refused(first, reason), second)))
    assert made.next.machine.phase is Phase.PROVISIONING
    assert made.next.machine.replacements == (1, 0)


@pytest.mark.parametrize("reason", sorted(WORTH_ANOTHER_TRY))
def test_a_machine_that_may_have_been_a_bad_one_has_one_successor_and_no_second(reason):
    of = seen(Phase.PROVISIONING)
    (claim,) = claims(of)
    first = observed(of, replace(nothing(), claims=(refused(claim, reason),))).next
    assert first.machine.phase is Phase.PROVISIONING
    assert names(first) != names(of)
    (again,) = claims(first)
    late = replace(later(nothing(), minutes=2), claims=(refused(again, reason),))
    assert observed(first, late).next.machine.phase is Phase.FAILED


def test_successors_that_never_last_end_at_the_phases_deadline():
    of = seen(Phase.PROVISIONING)
    made = observed(of, later(nothing(), hours=1))
    assert made.next.machine.phase is Phase.FAILED
    assert made.next.machine.reason is Reason.PROVISIONING_DEADLINE


def test_how_often_claims_were_lost_is_told():
    of = seen(Phase.PROVISIONING)
    assert "1 lost and replaced so far" in observed(of, nothing()).next.machine.message


def test_a_retry_counts_from_nothing():
    of = seen(Phase.FAILED)
    lossy = replace(of, generation=2, machine=replace(of.machine, replacements=(4,)))
    made = observed(lossy, nothing())
    assert made.next.machine.phase is Phase.PLANNING
    assert (made.next.machine.replacements, made.next.machine.claims_seen) == ((), ())


def test_a_ready_workspace_comes_back_after_its_node_was_replaced():
    of = seen(Phase.READY)
    degraded = observed(of, replace(serving(of), claims=(), nodes=())).next
    assert degraded.machine.phase is Phase.DEGRADED
    assert observed(degraded, serving(degraded)).next.machine.phase is Phase.READY
    assert nodes(degraded) != nodes(of)


def test_only_what_was_seen_and_is_still_wanted_is_looked_for_past_a_copy():
    of = seen(Phase.READY, 2)
    first, second = names(of)
    assert vanished(of, {first}) == (second,)
    assert vanished(of_nodes(Phase.READY, 2), set()) == ()
    assert vanished(seen(Phase.DELETING), set()) == ()
