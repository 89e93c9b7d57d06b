"""Where Karpenter makes the nodes: one NodePool for each workspace, as large as planned."""

from dataclasses import replace

import pytest

from engine.action import EnsureNodeClaims, EnsureNodePool, Release, ReleaseFinalizer, Resource
from engine.action import node_pool_name as name_of
from engine.observation import Node, NodeClaim, NodePool, Observation
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.step import pending_trigger, step
from engine.workspace import ConditionType, Workspace, WorkspaceRef
from tests.engine.scenes import PHI_3, nothing, serving, workspace

TWO_NODES = replace(
    PHI_3,
    resource=replace(PHI_3.resource, instance_type="Standard_NV36ads_A10_v5"),
    inference=replace(PHI_3.inference, preset=replace(PHI_3.inference.preset, name="phi-4")),
)
POOL = "default-demo"


def in_karpenters_cluster(**fields) -> Observation:
    return replace(nothing(), provisioner=Provisioner.NODE_POOL, **fields)


def of_pool(phase: Phase, **fields) -> Workspace:
    of = workspace(phase, TWO_NODES)
    plan = replace(of.machine.plan, provisioner=Provisioner.NODE_POOL)
    return replace(of, machine=replace(of.machine, plan=plan, **fields))


def pool(of: Workspace, **fields) -> NodePool:
    made = NodePool(name=POOL, offering=of.machine.plan.offering, replicas=2, version="3")
    return replace(made, **fields)


def node(name: str, **fields) -> Node:
    size = "Standard_NV36ads_A10_v5"
    return replace(Node(name=name, ready=True, gpus=1, instance_type=size, pool=POOL), **fields)


def observed(of: Workspace, observation: Observation):
    return step(of, pending_trigger(of), observation)


def asked(made, kind: type) -> list:
    return [action for action in made.actions if isinstance(action, kind)]


def test_a_pool_of_as_many_nodes_as_planned_is_asked_for_and_no_claim():
    made = observed(workspace(Phase.PLANNING, TWO_NODES), in_karpenters_cluster())
    plan = made.next.machine.plan
    assert plan.provisioner is Provisioner.NODE_POOL
    assert asked(made, EnsureNodePool) == [EnsureNodePool(plan=plan, replicas=2)]
    assert not asked(made, EnsureNodeClaims)


def test_the_pool_is_smaller_by_the_users_own_nodes():
    own = node("mine", pool="")
    made = observed(workspace(Phase.PLANNING, TWO_NODES), in_karpenters_cluster(spare_nodes=(own,)))
    assert [one.replicas for one in asked(made, EnsureNodePool)] == [1]


def test_a_pool_as_planned_is_left_alone():
    of = of_pool(Phase.PROVISIONING)
    assert not asked(observed(of, in_karpenters_cluster(node_pool=pool(of))), EnsureNodePool)


@pytest.mark.parametrize("changed", ["replicas", "offering"])
def test_a_pool_that_is_not_as_planned_is_changed_at_the_version_seen(changed):
    of = of_pool(Phase.PROVISIONING)
    other = replace(of.machine.plan.offering, instance_type="Standard_NC24ads_A100_v4")
    found = pool(of, **{changed: {"replicas": 5, "offering": other}[changed]})
    (action,) = asked(observed(of, in_karpenters_cluster(node_pool=found)), EnsureNodePool)
    assert (action.replicas, action.version) == (2, "3")


def test_a_pool_on_its_way_out_is_waited_for():
    of = of_pool(Phase.PROVISIONING)
    found = pool(of, replicas=1, releasing=True)
    assert not asked(observed(of, in_karpenters_cluster(node_pool=found)), EnsureNodePool)


def test_nodes_of_the_pool_that_are_ready_with_their_gpus_are_enough():
    of = of_pool(Phase.PROVISIONING)
    world = in_karpenters_cluster(node_pool=pool(of), nodes=(node("a"), node("b", gpus=0)))
    assert observed(of, world).next.machine.phase is Phase.PROVISIONING
    world = replace(world, nodes=(node("a"), node("b")))
    assert observed(of, world).next.machine.phase is Phase.DEPLOYING


def test_nodes_of_another_pool_are_not_counted():
    of = of_pool(Phase.PROVISIONING)
    world = in_karpenters_cluster(nodes=(node("a"), node("b", pool="another")))
    assert observed(of, world).next.machine.phase is Phase.PROVISIONING


def test_one_node_more_while_karpenter_exchanges_another_harms_nothing():
    of = of_pool(Phase.READY)
    world = replace(
        serving(of),
        provisioner=Provisioner.NODE_POOL,
        node_pool=pool(of),
        nodes=(node("a", ready=False), node("b"), node("c")),
    )
    assert observed(of, world).next.machine.phase is Phase.READY


def test_what_karpenter_says_of_its_claims_is_told_and_none_of_them_is_deleted():
    of = of_pool(Phase.PROVISIONING)
    claim = NodeClaim(name="default-demo-x", ready=False, reason="Launching", message="on its way")
    world = in_karpenters_cluster(node_pool=pool(of), pooled_claims=(claim,))
    made = observed(of, world)
    assert "0 of 2 node claims ready (default-demo-x: on its way)" in made.next.machine.message
    told = {one.type: one for one in made.next.machine.conditions}
    assert told[ConditionType.NODE_CLAIM_READY].reason == "Launching"
    assert not asked(made, Release)


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.DELETING])
def test_the_pool_is_released_after_the_pods(phase):
    of = of_pool(phase)
    world = in_karpenters_cluster(node_pool=pool(of))
    assert Release(resource=Resource.NODE_POOL) in observed(of, world).actions
    while_pods_end = replace(serving(of), node_pool=pool(of))
    assert Release(resource=Resource.NODE_POOL) not in observed(of, while_pods_end).actions


def test_the_finalizer_stays_until_pool_and_claims_are_gone():
    of = of_pool(Phase.DELETING)
    claim = NodeClaim(name="default-demo-x", ready=False, releasing=True)
    for left in ({"node_pool": pool(of, releasing=True)}, {"pooled_claims": (claim,)}):
        assert not asked(observed(of, in_karpenters_cluster(**left)), ReleaseFinalizer)
    assert asked(observed(of, in_karpenters_cluster()), ReleaseFinalizer)


def test_a_pool_of_an_earlier_plan_is_released_where_claims_are_asked_for_now():
    of = workspace(Phase.PROVISIONING, TWO_NODES)
    made = observed(of, replace(nothing(), node_pool=pool(of)))
    assert Release(resource=Resource.NODE_POOL) in made.actions


def test_the_name_is_namespace_and_name_and_never_longer_than_a_label():
    assert name_of(WorkspaceRef(namespace="ns", name="a")) == "ns-a"
    longest = WorkspaceRef(namespace="n" * 20, name="w" * 42)
    assert name_of(longest) == "n" * 20 + "-" + "w" * 42
    names = {name_of(WorkspaceRef(namespace="n" * 20, name="w" * 48 + end)) for end in "ab"}
    assert len(names) == 2
    assert {len(name) for name in names} == {63}
