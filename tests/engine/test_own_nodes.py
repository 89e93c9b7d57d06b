"""The user's own nodes: chosen first, never shared, given back; the rest is provisioned."""

from dataclasses import replace

import pytest

from engine.action import (
    EnsureNodeClaims,
    Release,
    ReleaseFinalizer,
    ReleaseNodes,
    Resource,
    TakeNodes,
    node_claim_names,
)
from engine.observation import Node, NodeClaim, Observation
from engine.own_nodes import seeking
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.reason import Reason
from engine.step import pending_trigger, step
from engine.workspace import ConditionType, Workspace, WorkspaceSpec
from tests.engine.scenes import NOW, PHI_3, later, nothing, serving, workspace

SIZE = "Standard_NV36ads_A10_v5"
TWO_NODES = replace(
    PHI_3,
    resource=replace(PHI_3.resource, instance_type=SIZE),
    inference=replace(PHI_3.inference, preset=replace(PHI_3.inference.preset, name="phi-4")),
)


def own(name: str, **fields) -> Node:
    return replace(Node(name=name, ready=True, gpus=1, instance_type=SIZE), **fields)


def spare(*nodes: Node, **fields) -> Observation:
    return replace(nothing(), spare_nodes=nodes, **fields)


def observed(of: Workspace, observation: Observation):
    return step(of, pending_trigger(of), observation)


def planned(observation: Observation, spec: WorkspaceSpec = TWO_NODES):
    """The step in which a workspace begins to ask for nodes."""
    return observed(workspace(Phase.PLANNING, spec), observation)


def asked(made) -> dict[type, tuple[str, ...]]:
    return {type(action): action.names for action in made.actions if hasattr(action, "names")}


def on(*names: str, phase: Phase = Phase.PROVISIONING) -> Workspace:
    of = workspace(phase, TWO_NODES)
    return replace(of, machine=replace(of.machine, own_nodes=names))


def test_matching_nodes_are_taken_and_only_the_rest_is_provisioned():
    made = planned(spare(own("a")))
    assert made.next.machine.own_nodes == ("a",)
    assert asked(made)[TakeNodes] == ("a",)
    assert len(asked(made)[EnsureNodeClaims]) == 1


def test_where_there_are_enough_of_them_no_node_is_provisioned():
    made = planned(spare(own("a"), own("b"), own("c")))
    assert made.next.machine.own_nodes == ("a", "b")
    assert EnsureNodeClaims not in asked(made)
    both = replace(nothing(), nodes=(own("a"), own("b")))
    assert observed(made.next, both).next.machine.phase is Phase.DEPLOYING


def test_preferred_nodes_come_first_and_in_the_users_order():
    resource = replace(TWO_NODES.resource, preferred_nodes=("z", "m"))
    made = planned(spare(own("a"), own("m"), own("z")), replace(TWO_NODES, resource=resource))
    assert made.next.machine.own_nodes == ("z", "m")


@pytest.mark.parametrize(
    ("node", "fit"),
    [
        (own("a", instance_type=SIZE.lower()), True),
        (own("a", instance_type=""), True),
        (own("a", instance_type="Standard_NC24ads_A100_v4"), False),
        (own("a", gpus=0), False),
        (own("a", ready=False), False),
    ],
)
def test_a_node_must_be_ready_of_the_type_and_have_the_gpus(node, fit):
    assert (planned(spare(node)).next.machine.own_nodes == ("a",)) == fit


def test_a_node_that_another_workspace_took_first_is_let_go_and_replaced():
    of = on("a", "b")
    lost = replace(nothing(), nodes=(own("b"),), spare_nodes=(own("c"),))
    made = observed(of, lost)
    assert made.next.machine.own_nodes == ("b", "c")
    assert asked(made)[TakeNodes] == ("c",)


def test_where_no_other_matches_a_lost_node_is_provisioned_for():
    made = observed(on("a", "b", phase=Phase.READY), replace(nothing(), nodes=(own("b"),)))
    assert made.next.machine.own_nodes == ("b",)
    assert asked(made)[EnsureNodeClaims] == node_claim_names(made.next, made.next.machine.plan)
    assert len(asked(made)[EnsureNodeClaims]) == 1


def test_a_node_that_is_not_ready_for_a_while_is_kept():
    of = on("a", "b", phase=Phase.READY)
    made = observed(of, replace(nothing(), nodes=(own("a", ready=False), own("b"))))
    assert made.next.machine.own_nodes == ("a", "b")
    assert EnsureNodeClaims not in asked(made)


def test_a_claim_is_not_exchanged_for_a_node_that_turns_up_later():
    of = workspace(Phase.READY, TWO_NODES)
    made = observed(of, replace(serving(of), spare_nodes=(own("a"), own("b"))))
    assert made.next.machine.own_nodes == ()
    assert not asked(made)


def test_another_plan_of_a_running_workspace_keeps_its_claims():
    of = workspace(Phase.LOADING, TWO_NODES)
    seen = replace(serving(of), spare_nodes=(own("a"), own("b")))
    planning = observed(replace(of, generation=2), seen).next
    assert observed(planning, seen).next.machine.own_nodes == ()


def test_nodes_are_given_back_after_the_pods_and_before_the_finalizer():
    of = replace(on("a", "b", phase=Phase.DELETING), finalizer_held=True)
    marked = replace(nothing(), nodes=(own("a"), own("b")))
    busy = replace(marked, replicas=serving(workspace(Phase.READY)).replicas)
    assert ReleaseNodes not in asked(observed(of, busy))
    made = observed(of, marked)
    assert asked(made)[ReleaseNodes] == ("a", "b")
    assert ReleaseFinalizer() not in made.actions
    assert ReleaseFinalizer() in observed(of, nothing()).actions


def test_a_provisioned_node_is_never_unmarked():
    of = workspace(Phase.DELETING, TWO_NODES)
    provisioned = own("p", pool="kaito")
    unlabelled = own("q")
    claim = NodeClaim(name="ws1", ready=True, node="q")
    made = observed(of, replace(nothing(), nodes=(provisioned, unlabelled), claims=(claim,)))
    assert ReleaseNodes not in asked(made)
    assert Release(resource=Resource.NODE_CLAIMS) in made.actions


def test_a_node_that_bears_marks_it_should_not_have_loses_them():
    made = observed(on("a"), replace(nothing(), nodes=(own("a"), own("stray"))))
    assert asked(made)[ReleaseNodes] == ("stray",)


def test_without_a_provisioner_nothing_is_provisioned_and_every_match_is_waited_for():
    alone = spare(provisioner=Provisioner.NONE)
    waiting = planned(alone)
    assert not asked(waiting)
    assert seeking(waiting.next)
    told = {one.type: one for one in waiting.next.machine.conditions}
    assert ConditionType.NODE_CLAIM_READY not in told
    assert not told[ConditionType.NODES_READY].status
    assert waiting.next.machine.reason is Reason.NODE_NOT_READY
    assert "apps=phi-3" in waiting.next.machine.waiting_for
    labelled = replace(alone, spare_nodes=(own("a"), own("b")))
    taken = observed(waiting.next, labelled)
    assert asked(taken) == {TakeNodes: ("a", "b")}
    marked = replace(alone, nodes=(own("a"), own("b")))
    assert observed(taken.next, marked).next.machine.phase is Phase.DEPLOYING


def test_without_a_provisioner_too_no_phase_waits_for_ever():
    waiting = planned(spare(provisioner=Provisioner.NONE)).next
    late = later(replace(nothing(), provisioner=Provisioner.NONE), hours=1)
    assert observed(waiting, late).next.machine.phase is Phase.FAILED
    assert late.at > NOW
