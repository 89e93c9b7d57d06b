"""NodePools as Karpenter reads them, and whose they and their claims are."""

from dataclasses import replace

import pytest

from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import NODE_CLAIM
from adapters.kubernetes.labels import owner_labels
from adapters.kubernetes.manifests import Images, node_claim
from adapters.kubernetes.node_pools import NodeClass, NodePools, node_pool, observed, pooled
from adapters.kubernetes.performing import Performer
from engine.action import EnsureNodePool, Release, Resource
from engine.capacity_type import CapacityType
from engine.errors import ActionFailed
from engine.observation import HoldingKind
from engine.phase import Phase
from engine.workspace import WorkspaceRef
from tests.engine.scenes import PHI_3, workspace

OF = workspace(Phase.PROVISIONING, PHI_3)
PLAN = OF.machine.plan


def template(plan=PLAN, node_class: NodeClass | None = None) -> dict:
    return node_pool(OF, plan, 1, node_class)["spec"]["template"]


def claim_of_pool(pool: dict) -> dict:
    owner = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": pool["metadata"]["name"]}
    claim = node_claim(OF, "default-demo-x", PLAN)
    claim["metadata"]["ownerReferences"] = [{**owner, "uid": pool["metadata"]["uid"]}]
    return claim


def test_nodes_bear_the_workspaces_labels_and_the_users():
    labels = template()["metadata"]["labels"]
    assert labels.items() >= owner_labels(OF).items()
    assert labels["apps"] == "phi-3"
    assert labels["karpenter.kaito.sh/workspace-name"] == "demo"
    assert labels["karpenter.kaito.sh/workspace-namespace"] == "default"


def test_spot_machines_are_asked_for_only_where_the_plan_says_so():
    spot = replace(PLAN, capacity_type=CapacityType.SPOT)
    wanted = {it["key"]: it["values"] for it in template(spot)["spec"]["requirements"]}
    assert wanted["karpenter.sh/capacity-type"] == ["spot"]
    keys = {it["key"] for it in template()["spec"]["requirements"]}
    assert "karpenter.sh/capacity-type" not in keys


def test_local_machines_have_neither_a_scope_nor_a_taint():
    local = workspace(Phase.PROVISIONING).machine.plan
    spec = template(local)["spec"]
    assert [it["key"] for it in spec["requirements"]] == ["node.kubernetes.io/instance-type"]
    assert spec["taints"] == []


def test_another_node_class_can_be_referred_to():
    other = NodeClass(group="karpenter.k8s.aws", kind="EC2NodeClass", name="gpu")
    assert template(node_class=other)["spec"]["nodeClassRef"] == {
        "group": "karpenter.k8s.aws",
        "kind": "EC2NodeClass",
        "name": "gpu",
    }


@pytest.mark.parametrize("capacity_type", CapacityType)
def test_what_was_asked_for_is_what_is_observed(capacity_type):
    plan = replace(PLAN, capacity_type=capacity_type)
    seen = observed(node_pool(OF, plan, 3))
    assert (seen.name, seen.offering, seen.replicas) == ("default-demo", plan.offering, 3)


async def test_a_pool_is_made_once_and_changed_only_at_the_version_seen(objects):
    pools = NodePools(objects)
    await pools.ensure(OF, EnsureNodePool(plan=PLAN, replicas=1))
    await pools.ensure(OF, EnsureNodePool(plan=PLAN, replicas=1))
    (held,) = await pools.all()
    version = held["metadata"]["resourceVersion"]
    await pools.ensure(OF, EnsureNodePool(plan=PLAN, replicas=2, version=version))
    (held,) = await pools.all()
    assert held["spec"]["replicas"] == 2
    with pytest.raises(KubernetesRefusal) as refusal:
        await pools.ensure(OF, EnsureNodePool(plan=PLAN, replicas=5, version=version))
    assert refusal.value.conflict


async def test_two_workspaces_whose_pools_have_one_name_never_share_it(objects):
    pools = NodePools(objects)
    first = replace(OF, ref=WorkspaceRef(namespace="a-b", name="c"), uid="1")
    second = replace(OF, ref=WorkspaceRef(namespace="a", name="b-c"), uid="2")
    await pools.ensure(first, EnsureNodePool(plan=PLAN, replicas=1))
    with pytest.raises(ActionFailed) as failure:
        await pools.ensure(second, EnsureNodePool(plan=PLAN, replicas=1))
    assert failure.value.code == "NodePoolTaken"


async def test_karpenters_claims_are_never_deleted_but_by_their_pool(objects):
    pools = NodePools(objects)
    performer = Performer(objects, Images(), pools=pools)
    await performer.perform(OF, EnsureNodePool(plan=PLAN, replicas=1))
    (pool,) = await pools.all()
    claim = await objects.create(NODE_CLAIM, claim_of_pool(pool))
    assert pooled(claim)
    await performer.perform(OF, Release(resource=Resource.NODE_CLAIMS))
    await objects.get(NODE_CLAIM, "default-demo-x")
    (holding,) = await performer.inventory()
    assert (holding.kind, holding.name) == (HoldingKind.NODE_POOL, "default-demo")
    await performer.release(holding)
    assert await pools.all() == []


async def test_an_engine_without_karpenter_says_what_the_plan_was_made_for(objects):
    with pytest.raises(ActionFailed, match="--provisioner nodepool"):
        await Performer(objects, Images()).perform(OF, EnsureNodePool(plan=PLAN, replicas=1))
