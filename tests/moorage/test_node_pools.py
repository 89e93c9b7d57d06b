"""What serving by NodePools takes: their definition, permissions, and a node class."""

import pytest

from adapters.kubernetes.node_pools import NodeClass
from engine.provisioning import Provisioner
from moorage.commands.serve import node_class
from moorage.controllers import Controller, NodeApi, definitions_needed, rules
from moorage.failure import Failure


@pytest.mark.parametrize(
    ("provisioner", "needed"),
    [(Provisioner.NODE_POOL, True), (Provisioner.NODE_CLAIM, False), (Provisioner.NONE, False)],
)
def test_node_pools_are_asked_of_the_cluster_only_where_they_are_used(provisioner, needed):
    asked = (Controller, NodeApi.NODE_CLAIM, provisioner)
    assert ("nodepools.karpenter.sh" in definitions_needed(*asked)) is needed
    assert ("nodepools" in {rule.resource for rule in rules(*asked)}) is needed


def test_a_node_class_is_named_by_group_kind_and_name():
    named = node_class("karpenter.k8s.aws/EC2NodeClass/gpu")
    assert named == NodeClass(group="karpenter.k8s.aws", kind="EC2NodeClass", name="gpu")


@pytest.mark.parametrize("text", ["", "default", "AKSNodeClass/default", "a/b/", "a/b/c/d"])
def test_a_node_class_that_is_not_named_in_full_is_refused(text):
    with pytest.raises(Failure, match="GROUP/KIND/NAME"):
        node_class(text)
