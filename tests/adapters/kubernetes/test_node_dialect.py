"""NodeClaim and Machine, side by side: the same request and the same answer in other words."""

import pytest

from adapters.kubernetes import reading
from adapters.kubernetes.manifests import node_claim
from adapters.kubernetes.node_dialect import MACHINE_DIALECT, NODE_CLAIM_DIALECT
from engine.nodes.claim import ClaimConditionType
from engine.phase import Phase
from tests.adapters.kubernetes.node_claim_objects import OTHERS, OURS
from tests.engine.scenes import workspace

OF = workspace(Phase.PROVISIONING)
CLAIM = node_claim(OF, "ws0a1b2c3d4", OF.machine.plan, NODE_CLAIM_DIALECT)
MACHINE = node_claim(OF, "ws0a1b2c3d4", OF.machine.plan, MACHINE_DIALECT)

SIDE_BY_SIDE = {
    "kind": (
        lambda dialect: dialect.kind.path(name="x"),
        "/apis/karpenter.sh/v1/nodeclaims/x",
        "/apis/karpenter.sh/v1alpha5/machines/x",
    ),
    "pool": (
        lambda dialect: f"{dialect.pool_label}={dialect.pool}",
        "karpenter.sh/nodepool=kaito",
        "karpenter.sh/provisioner-name=default",
    ),
    "lifecycle": (
        lambda dialect: dialect.lifecycle,
        ("Launched", "Registered", "Initialized", "Ready"),
        ("MachineLaunched", "MachineRegistered", "MachineInitialized", "Ready"),
    ),
    "drained": (
        lambda dialect: dialect.condition_name(ClaimConditionType.DRAINED),
        "Drained",
        "Drained",
    ),
    "who makes the node": (
        lambda dialect: dialect.provided_by("x"),
        {"expireAfter": "Never", "nodeClassRef": OURS},
        {"machineTemplateRef": {"name": "x"}},
    ),
}


@pytest.mark.parametrize(("asked", "of_claims", "of_machines"), SIDE_BY_SIDE.values())
def test_each_dialect_has_its_own_words(asked, of_claims, of_machines):
    assert asked(NODE_CLAIM_DIALECT) == of_claims
    assert asked(MACHINE_DIALECT) == of_machines


@pytest.mark.parametrize("dialect", [NODE_CLAIM_DIALECT, MACHINE_DIALECT])
def test_every_condition_is_found_again_by_its_name(dialect):
    for kind in ClaimConditionType:
        assert dialect.condition_type(dialect.condition_name(kind)) is kind


@pytest.mark.parametrize(
    ("dialect", "name"),
    [(NODE_CLAIM_DIALECT, "MachineLaunched"), (MACHINE_DIALECT, "Launched")],
)
def test_a_condition_of_the_other_dialect_is_none_of_ours(dialect, name):
    assert dialect.condition_type(name) is None


def test_what_is_asked_of_the_node_is_the_same_in_both():
    for field in ("resources", "taints"):
        assert CLAIM["spec"][field] == MACHINE["spec"][field]
    theirs = {"key": "karpenter.sh/nodepool", "operator": "In", "values": ["kaito"]}
    other = {"key": "karpenter.sh/provisioner-name", "operator": "In", "values": ["default"]}
    assert MACHINE["spec"]["requirements"] == [
        other if asked == theirs else asked for asked in CLAIM["spec"]["requirements"]
    ]


def test_a_machine_has_nothing_that_its_schema_does_not_know():
    assert (MACHINE["apiVersion"], MACHINE["kind"]) == ("karpenter.sh/v1alpha5", "Machine")
    assert set(MACHINE["spec"]) == {"machineTemplateRef", "requirements", "resources", "taints"}
    assert "karpenter.sh/nodepool" not in MACHINE["metadata"]["labels"]


@pytest.mark.parametrize(
    ("reference", "is_ours"), [(OURS, True), (OTHERS, False), ({}, False), (None, False)]
)
def test_a_claim_is_ours_by_its_node_class_alone(reference, is_ours):
    labels = {"kaito.sh/workspace": "demo"}
    item = {"metadata": {"labels": labels}, "spec": {"nodeClassRef": reference}}
    assert NODE_CLAIM_DIALECT.ours(item) is is_ours


@pytest.mark.parametrize(
    ("labels", "is_ours"),
    [
        ({"kaito.sh/workspace": "demo"}, True),
        ({"karpenter.sh/provisioner-name": "default"}, False),
        (None, False),
    ],
)
def test_a_machine_is_ours_by_its_workspace(labels, is_ours):
    item = {"metadata": {"labels": labels}, "spec": {"machineTemplateRef": {"name": "default"}}}
    assert MACHINE_DIALECT.ours(item) is is_ours


def test_a_machine_that_cannot_be_launched_is_read_as_refused():
    conditions = [
        {"type": "Ready", "status": "False", "reason": "Waiting"},
        {"type": "MachineLaunched", "status": "False", "reason": "InvalidInstanceType"},
    ]
    item = {"metadata": {"name": "x"}, "status": {"conditions": conditions}}
    seen = reading.node_claim(item, MACHINE_DIALECT)
    assert (seen.ready, seen.refused, seen.reason) == (False, True, "InvalidInstanceType")


@pytest.mark.parametrize("key", ["karpenter.sh/nodepool", "karpenter.sh/provisioner-name"])
def test_a_node_of_either_dialect_is_not_the_users_own(key):
    item = {"metadata": {"name": "x", "labels": {key: "any"}}}
    assert reading.node(item).pool == "any"
