"""The conditions that KAITO's users read, in the provisioner's own words where it has any."""

from dataclasses import replace

from engine.nodes.reason import NodeReason
from engine.observation import Observation
from engine.phase import Phase
from engine.step import pending_trigger, step
from engine.workspace import Condition, ConditionType, Workspace
from tests.engine.scenes import PHI_3, claims, later, nodes, nothing, serving, workspace

OF = workspace(Phase.PROVISIONING, PHI_3)


def told(of: Workspace, observation: Observation) -> dict[ConditionType, Condition]:
    made = step(of, pending_trigger(of), observation)
    return {condition.type: condition for condition in made.next.machine.conditions}


def refused() -> Observation:
    (claim,) = claims(OF)
    quota = replace(
        claim,
        ready=False,
        refused=True,
        reason=NodeReason.QUOTA_EXCEEDED,
        message="0 of 24 cores left",
    )
    return replace(nothing(), claims=(quota,))


def test_why_a_claim_is_not_ready_is_told_in_the_provisioners_words_of_the_resource_too():
    found = told(OF, refused())
    for kind in (ConditionType.NODE_CLAIM_READY, ConditionType.RESOURCE_READY):
        assert (found[kind].status, found[kind].reason, found[kind].message) == (
            False,
            NodeReason.QUOTA_EXCEEDED,
            "0 of 24 cores left",
        )


def test_a_failure_keeps_the_provisioners_reason_when_its_claim_is_gone():
    failed = step(OF, pending_trigger(OF), refused()).next
    found = told(failed, later(nothing(), minutes=5))
    assert found[ConditionType.NODE_CLAIM_READY].reason == NodeReason.QUOTA_EXCEEDED
    assert "0 of 24 cores left" in found[ConditionType.NODE_CLAIM_READY].message


def test_claims_are_ready_only_when_all_of_them_are():
    two = replace(OF, machine=replace(OF.machine, plan=replace(OF.machine.plan, node_count=2)))
    one_of_two = replace(nothing(), claims=claims(two)[:1])
    assert not told(two, one_of_two)[ConditionType.NODE_CLAIM_READY].status
    both = replace(nothing(), claims=claims(two))
    assert told(two, both)[ConditionType.NODE_CLAIM_READY].reason == "NodeClaimsReady"


def test_a_node_without_its_gpus_is_told_by_the_plugin():
    bare = tuple(replace(node, gpus=0) for node in nodes(OF))
    found = told(OF, replace(nothing(), claims=claims(OF), nodes=bare))
    assert found[ConditionType.NODE_CLAIM_READY].status
    for kind in (ConditionType.NODES_READY, ConditionType.RESOURCE_READY):
        assert (found[kind].status, found[kind].reason) == (False, "NodePluginsNotReady")


def test_what_a_node_runs_short_of_is_a_warning_and_changes_no_status():
    of = workspace(Phase.READY, PHI_3)
    pressed = tuple(replace(node, pressures=("DiskPressure",)) for node in nodes(of))
    found = told(of, replace(serving(of), nodes=pressed))[ConditionType.NODES_READY]
    assert found.status
    assert f"warning: {pressed[0].name}: DiskPressure" in found.message
