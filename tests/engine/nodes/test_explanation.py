"""What is told of a node claim follows from what is stored of it."""

from engine.nodes.agent_pool import PoolState
from engine.nodes.explanation import explain_claim
from engine.nodes.phase import NodePhase as P
from engine.nodes.reason import NodeReason
from engine.nodes.step import node_step
from tests.engine.nodes.scenes import NAME, SPOT, claim, node, nothing, pool, refused, working


def test_a_claim_is_told_with_the_pool_that_is_asked_for():
    of = node_step(claim(P.LAUNCHING, SPOT), nothing(pool=pool(PoolState.CREATING))).next
    told = explain_claim(of)
    assert (told.name, told.instance_type, told.capacity_type) == (
        NAME,
        "Standard_NC48ads_A100_v4",
        "spot",
    )
    assert told.pool is not None
    assert (told.pool.name, told.pool.vm_size, told.pool.labels) == (
        NAME,
        "Standard_NC48ads_A100_v4",
        {"apps": "phi-4"},
    )
    assert [str(taint) for taint in told.pool.taints] == ["sku=gpu:NoSchedule"]
    assert told.machine == of.machine


def test_only_a_claim_whose_node_is_fit_is_told_as_ready():
    assert explain_claim(node_step(claim(P.READY), working()).next).ready
    unfit = node_step(claim(P.READY), working(nodes=(node(ready=False),))).next
    assert not explain_claim(unfit).ready
    assert not explain_claim(claim(P.REQUESTED)).ready


def test_a_failure_is_told_with_its_reason():
    failed = node_step(claim(P.LAUNCHING), refused(400, "QuotaExceeded")).next
    told = explain_claim(failed)
    assert told.reason == NodeReason.QUOTA_EXCEEDED
    assert "QuotaExceeded" in told.message
