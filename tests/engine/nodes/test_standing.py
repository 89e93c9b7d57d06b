"""Why node claims are given up, and what is told of those that wait."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.nodes.agent_pool import CloudError, PoolState
from engine.nodes.claim import NodeClaimRef
from engine.nodes.deadlines import NODE_PATIENCE
from engine.nodes.guards import SLOW_RETRIES_FOR
from engine.nodes.phase import NodePhase
from engine.nodes.reason import TERMINAL, NodeReason
from engine.nodes.standing import node_standing
from tests.engine.nodes.scenes import (
    A100,
    RETIRED,
    SPOT,
    STARTING_UP,
    claim,
    end,
    failed_pool,
    later,
    node,
    nothing,
    pool,
    refused,
    second_node,
    stepped,
    working,
)
from tests.engine.scenes import NOW

P = NodePhase
R = NodeReason
LAUNCHING = claim(P.LAUNCHING)
HOUR = {"hours": 1}


def test_a_claim_that_names_no_instance_type_is_given_up_at_once():
    state = end(claim(P.REQUESTED, replace(A100, instance_type="")), nothing())
    assert (state.phase, state.reason) == (P.FAILED, R.INVALID_REQUEST)
    assert "node.kubernetes.io/instance-type" in state.message


def test_a_claim_whose_name_no_pool_can_have_is_given_up_at_once():
    of = replace(claim(P.REQUESTED), ref=NodeClaimRef(name="My-Claim"))
    assert end(of, nothing()).reason is R.INVALID_REQUEST


REFUSALS = {
    "quota": (refused(400, "QuotaExceeded", "OperationNotAllowed"), R.QUOTA_EXCEEDED),
    "quota, preflight": (refused(400, "ErrCode_InsufficientVCPUQuota"), R.QUOTA_EXCEEDED),
    "size not offered": (refused(400, "VMSizeNotSupported"), R.SKU_UNAVAILABLE),
    "size restricted": (refused(409, "SkuNotAvailable"), R.SKU_UNAVAILABLE),
    "zone": (refused(400, "AvailabilityZoneNotSupported"), R.ZONE_UNAVAILABLE),
    "policy": (refused(403, "RequestDisallowedByPolicy"), R.POLICY_DENIED),
    "provider": (refused(409, "MissingSubscriptionRegistration"), R.NOT_REGISTERED),
    "pools": (refused(400, "AgentPoolCountExceedsLimit"), R.POOL_LIMIT),
    "subnet": (refused(400, "SubnetIsFull"), R.SUBNET_FULL),
    "cluster": (refused(404, "ResourceNotFound"), R.CLUSTER_MISSING),
    "parameter": (refused(400, "InvalidParameter"), R.INVALID_REQUEST),
    "late quota": (nothing(pool=failed_pool("QuotaExceeded")), R.QUOTA_EXCEEDED),
    "late capacity": (nothing(pool=failed_pool("AllocationFailed")), R.NO_CAPACITY),
    "late capacity of a zone": (nothing(pool=failed_pool("ZonalAllocationFailed")), R.NO_CAPACITY),
    "late, wrapped": (
        nothing(pool=failed_pool("CreateVMSSAgentPoolFailed", "AllocationFailed")),
        R.NO_CAPACITY,
    ),
    "late boot": (nothing(pool=failed_pool("VMExtensionProvisioningError")), R.BOOT_FAILED),
    "late subnet": (nothing(pool=failed_pool("SubnetIsFull")), R.SUBNET_FULL),
    "preempted": (
        nothing(
            pool=pool(
                PoolState.CANCELED,
                error=CloudError(status=200, code="AKSOperationPreemptedByDelete"),
            )
        ),
        R.PREEMPTED,
    ),
    "late, unknown": (nothing(pool=failed_pool("SomethingNew")), R.CLOUD_FAILED),
    "late, without a word": (nothing(pool=pool(PoolState.FAILED)), R.CLOUD_FAILED),
    "late, of what passes": (nothing(pool=failed_pool("SetVNetOwnershipFailed")), R.CLOUD_FAILED),
    "name taken": (nothing(pool=pool(owner="another")), R.NAME_TAKEN),
    "name taken by nobody of ours": (nothing(pool=pool(owner="")), R.NAME_TAKEN),
}


@pytest.mark.parametrize(("seen", "reason"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_launch_is_given_up_with_its_typed_reason(seen, reason):
    state = end(LAUNCHING, seen)
    assert (state.phase, state.reason) == (P.FAILED, reason)
    assert reason in TERMINAL
    assert state.remedy


def test_azures_own_words_are_told_to_people():
    error = CloudError(status=400, code="QuotaExceeded", message="Current Limit: 0")
    assert "QuotaExceeded: Current Limit: 0" in end(LAUNCHING, nothing(refusal=error)).message


def test_spot_has_a_quota_and_a_remedy_of_its_own():
    state = end(claim(P.LAUNCHING, SPOT), refused(400, "QuotaExceeded"))
    assert state.reason is R.SPOT_QUOTA_EXCEEDED
    assert "on-demand" in state.remedy


@pytest.mark.parametrize("code", ["SkuNotAvailable", "VMSizeNotSupported"])
def test_a_size_that_is_refused_after_its_retirement_is_told_to_be_retired(code):
    assert end(claim(P.LAUNCHING, RETIRED), refused(400, code)).reason is R.SKU_RETIRED
    before = replace(refused(400, code), at=NOW - timedelta(days=200))
    assert end(claim(P.LAUNCHING, RETIRED), before).reason is R.SKU_UNAVAILABLE


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (refused(403, "AuthorizationFailed"), R.NOT_AUTHORIZED),
        (refused(401, "ExpiredAuthenticationToken"), R.NOT_AUTHENTICATED),
        (refused(400, "AksCapacityHeavyUsage"), R.NO_CAPACITY),
    ],
)
def test_what_may_pass_within_minutes_is_given_up_only_then(seen, reason):
    early = end(LAUNCHING, replace(seen, at=NOW + SLOW_RETRIES_FOR - timedelta(seconds=1)))
    assert (early.phase, early.reason) == (P.LAUNCHING, reason)
    late = end(LAUNCHING, replace(seen, at=NOW + SLOW_RETRIES_FOR))
    assert (late.phase, late.reason) == (P.FAILED, reason)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (refused(429, "Throttled"), R.THROTTLED),
        (refused(409, "OperationNotAllowed"), R.WAITING_FOR_CLUSTER),
        (refused(409, "EtagMismatch"), R.PREEMPTED),
        (refused(503, ""), R.CLOUD_FAILED),
    ],
)
def test_what_passes_by_itself_is_waited_for_until_the_launch_deadline(seen, reason):
    limit = NODE_PATIENCE[P.LAUNCHING].limit
    waiting = end(LAUNCHING, replace(seen, at=NOW + limit - timedelta(seconds=1)))
    assert (waiting.phase, waiting.reason) == (P.LAUNCHING, reason)
    over = end(LAUNCHING, replace(seen, at=NOW + limit))
    assert (over.phase, over.reason) == (P.FAILED, R.LAUNCH_DEADLINE)


def test_a_refusal_is_forgotten_once_the_pool_is_there():
    seen = replace(refused(400, "QuotaExceeded"), pool=pool(PoolState.CREATING))
    assert end(LAUNCHING, seen).phase is P.LAUNCHING


@pytest.mark.parametrize(
    ("phase", "seen", "reason"),
    [
        (P.REQUESTED, nothing(), R.REQUESTED_DEADLINE),
        (P.LAUNCHING, nothing(pool=pool(PoolState.CREATING)), R.LAUNCH_DEADLINE),
        (P.REGISTERING, working(nodes=()), R.REGISTRATION_DEADLINE),
        (P.INITIALIZING, working(nodes=(node(gpus=0),)), R.GPU_NEVER_ALLOCATABLE),
        (P.INITIALIZING, working(nodes=(node(gpus=1),)), R.GPU_NEVER_ALLOCATABLE),
        (P.INITIALIZING, working(nodes=(node(ready=False),)), R.INITIALIZATION_DEADLINE),
        (P.UNHEALTHY, working(nodes=(node(ready=False),)), R.NODE_UNHEALTHY),
        (P.UNHEALTHY, working(nodes=()), R.NODE_UNHEALTHY),
    ],
)
def test_every_wait_in_vain_ends_with_its_own_reason(phase, seen, reason):
    state = end(claim(phase), later(seen, **HOUR))
    assert (state.phase, state.reason) == (P.FAILED, reason)
    assert reason in TERMINAL
    assert state.message.startswith(f"gave up {phase}")


@pytest.mark.parametrize("phase", [P.REGISTERING, P.INITIALIZING, P.READY, P.UNHEALTHY])
@pytest.mark.parametrize(
    "seen",
    [nothing(), nothing(pool=pool(count=0)), nothing(pool=pool(owner="another"))],
    ids=["deleted", "evicted", "replaced by another's"],
)
def test_a_machine_that_is_gone_is_given_up_at_once(phase, seen):
    state = end(claim(phase), seen)
    assert (state.phase, state.reason) == (P.FAILED, R.INSTANCE_LOST)


@pytest.mark.parametrize(
    ("seen", "reason", "word"),
    [
        (working(nodes=()), R.NODE_NOT_FOUND, "0 nodes"),
        (working(nodes=(node(), second_node())), R.MULTIPLE_NODES_FOUND, "2 nodes"),
        (working(nodes=(node(ready=False),)), R.NODE_NOT_READY, "not ready"),
        (working(nodes=(node(gpus=1),)), R.GPU_NOT_REGISTERED, "1 of 2 nvidia.com/gpu"),
        (working(nodes=(node(problems=("XIDErrors",)),)), R.GPU_UNHEALTHY, "XIDErrors"),
        (working(nodes=(node(taints=("example.org/warming",)),)), R.STARTUP_TAINTS_EXIST, "warm"),
        (nothing(pool=pool(stopped=True)), R.POOL_STOPPED, "stopped"),
    ],
)
@pytest.mark.parametrize("phase", [P.INITIALIZING, P.UNHEALTHY])
def test_what_is_missing_of_a_node_is_told_by_name(phase, seen, reason, word):
    told = node_standing(claim(phase, STARTING_UP), seen)
    assert told.reason is reason
    assert word in told.message
    assert told.waiting_for
    assert told.remedy


def test_of_a_node_that_has_just_become_fit_it_is_told_that_it_must_stay_so():
    told = node_standing(claim(P.INITIALIZING), working())
    assert told.message == f"node {node().name} is ready, and is to stay so for 5 s"
    assert node_standing(claim(P.READY), working()).message == f"node {node().name} is ready"


def test_a_failed_claim_tells_what_is_still_to_be_given_back():
    of = stepped(LAUNCHING, nothing(pool=failed_pool("AllocationFailed"))).next
    assert "to be deleted" in of.machine.waiting_for
    assert end(of, nothing()).waiting_for == ""


def test_an_overdue_termination_is_told_and_goes_on():
    of = claim(P.TERMINATING)
    left = working(pool=pool(PoolState.DELETING))
    assert end(of, left).reason is R.TERMINATING
    state = end(of, later(left, **HOUR))
    assert (state.phase, state.reason) == (P.TERMINATING, R.TERMINATION_OVERDUE)
    assert "agent pool" in state.message
    assert node().name in state.message


def test_a_drain_tells_how_many_pods_it_waits_for():
    assert "3 pods" in end(claim(P.DRAINING), working(nodes=(node(pods=3),))).message
