"""The NodeClaim CRD refuses what Karpenter's refuses."""

import copy

import pytest

from simulator.kubernetes.status import ApiError

CLAIM = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodeClaim",
    "metadata": {"name": "ws"},
    "spec": {
        "nodeClassRef": {"group": "kaito.sh", "kind": "KaitoNodeClass", "name": "default"},
        "requirements": [
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["x"]}
        ],
    },
}


def claim_with(**spec):
    claim = copy.deepcopy(CLAIM)
    claim["spec"].update(spec)
    return claim


def test_defaults_are_filled_in_and_unknown_fields_dropped(world):
    created = world.objects.create(claim_with(surprise=True))
    assert created["spec"]["expireAfter"] == "720h"
    assert "surprise" not in created["spec"]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"requirements": [{"key": "k", "operator": "Near", "values": ["1"]}]}, "operator"),
        ({"requirements": [{"key": "k", "operator": "In", "values": []}]}, "must have a value"),
        ({"requirements": [{"key": "k", "operator": "Gt", "values": ["a"]}]}, "requirements"),
        ({"requirements": [{"key": "k", "operator": "Gt", "values": ["1", "2"]}]}, "single"),
        ({"taints": [{"key": "sku", "effect": "Sometimes"}]}, "effect"),
        ({"expireAfter": "soon"}, "expireAfter"),
        ({"nodeClassRef": {"group": "kaito.sh", "kind": "KaitoNodeClass"}}, "name"),
    ],
)
def test_a_malformed_claim_is_refused(world, spec, complaint):
    with pytest.raises(ApiError, match=complaint):
        world.objects.create(claim_with(**spec))
    assert world.names("NodeClaim") == []


def test_the_spec_cannot_be_changed(world):
    world.objects.create(claim_with())
    with pytest.raises(ApiError, match="spec is immutable"):
        world.change("NodeClaim", "ws", "", taints=[{"key": "a", "effect": "NoSchedule"}])


def test_resource_requests_may_be_numbers_or_texts(world):
    created = world.objects.create(
        claim_with(resources={"requests": {"storage": "1Ti", "pods": 3}})
    )
    assert created["spec"]["resources"]["requests"] == {"storage": "1Ti", "pods": 3}
