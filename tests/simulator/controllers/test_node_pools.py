"""Static NodePools: as many claims as replicas, exchanged one at a time, gone with their pool."""

from pathlib import Path

import pytest
import yaml

from simulator.controllers.node_claims import of_foreign_class

CRD = Path(__file__).parents[3] / "deploy/crds/karpenter.sh_nodepools.yaml"

POOL = """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: pool}
spec:
  replicas: 2
  disruption: {consolidateAfter: 0s, budgets: [{nodes: "1", reasons: [Drifted]}]}
  template:
    metadata: {labels: {team: red}}
    spec:
      expireAfter: Never
      nodeClassRef: {group: karpenter.azure.com, kind: AKSNodeClass, name: default}
      taints: [{key: sku, value: gpu, effect: NoSchedule}]
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [Standard_NC6s_v3]}
"""


@pytest.fixture
def pooled(world):
    world.objects.create(yaml.safe_load(CRD.read_text()))
    world.advance()
    world.create(POOL)
    return world


def settle(world) -> None:
    """Long enough for machines to come and go; a kubelet would make their nodes ready."""
    for _ in range(20):
        world.advance(60)
        for name in world.names("Node"):
            world.set_condition("Node", name, "Ready", "True", "")


def instance_types(world) -> list[str]:
    claims = world.objects.list("NodeClaim")
    return [claim["spec"]["requirements"][0]["values"][0] for claim in claims]


def test_there_are_as_many_claims_as_replicas_and_nodes_as_the_template_says(pooled):
    settle(pooled)
    claims, nodes = pooled.objects.list("NodeClaim"), pooled.objects.list("Node")
    assert len(claims) == len(nodes) == 2
    for node in nodes:
        assert node["metadata"]["labels"]["karpenter.sh/nodepool"] == "pool"
        assert node["metadata"]["labels"]["team"] == "red"
        assert {"key": "sku", "value": "gpu", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert {claim["spec"]["nodeClassRef"]["kind"] for claim in claims} == {"AKSNodeClass"}
    assert pooled.objects.get("NodePool", "pool")["status"]["nodes"] == 2


@pytest.mark.parametrize("replicas", [0, 1, 3])
def test_it_follows_its_replicas(pooled, replicas):
    settle(pooled)
    pooled.change("NodePool", "pool", "", replicas=replicas)
    settle(pooled)
    assert len(pooled.names("NodeClaim")) == len(pooled.names("Node")) == replicas


def test_a_claim_that_somebody_deletes_is_made_again(pooled):
    settle(pooled)
    lost = pooled.names("NodeClaim")[0]
    pooled.delete("NodeClaim", lost, "")
    settle(pooled)
    assert lost not in pooled.names("NodeClaim")
    assert len(pooled.names("NodeClaim")) == 2


def test_a_changed_template_exchanges_one_node_at_a_time(pooled):
    settle(pooled)
    template = yaml.safe_load(POOL)["spec"]["template"]
    template["spec"]["requirements"][0]["values"] = ["Standard_NC4as_T4_v3"]
    pooled.change("NodePool", "pool", "", template=template)
    pooled.advance(60)
    assert instance_types(pooled).count("Standard_NC6s_v3") >= 1
    settle(pooled)
    assert instance_types(pooled) == ["Standard_NC4as_T4_v3"] * 2


def test_claims_and_nodes_go_with_the_pool(pooled):
    settle(pooled)
    pooled.delete("NodePool", "pool", "")
    settle(pooled)
    assert not pooled.names("NodeClaim")
    assert not pooled.names("Node")


def test_only_claims_of_our_own_class_are_left_to_agent_pools():
    ours = {"group": "kaito.sh", "kind": "KaitoNodeClass", "name": "default"}
    assert not of_foreign_class({"spec": {"nodeClassRef": ours}})
    assert of_foreign_class({"spec": {"nodeClassRef": {**ours, "group": "karpenter.azure.com"}}})
