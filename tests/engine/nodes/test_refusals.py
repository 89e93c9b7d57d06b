"""What Azure's refusals mean; the ids name the faults and the codes."""

import pytest

from engine.capacity_type import CapacityType
from engine.nodes.agent_pool import CloudError
from engine.nodes.reason import ANOTHER_OFFERING_MAY_HELP, NodeReason
from engine.nodes.refusals import Course, Verdict, judge

LATE = 200

FAULTS = {
    "A1 pool name": ((400, "InvalidParameter"), "INVALID_REQUEST", "GIVE_UP"),
    "A3 size unknown": ((400, "VMSizeNotSupported"), "SKU_UNAVAILABLE", "OTHER_OFFERING"),
    "A3 size in words": ((400, "BadRequest"), "INVALID_REQUEST", "GIVE_UP"),
    "A5 A6 A7 quota": (
        (400, "QuotaExceeded", "OperationNotAllowed"),
        "QUOTA_EXCEEDED",
        "OTHER_OFFERING",
    ),
    "A6 quota, refused": ((403, "QuotaExceeded"), "QUOTA_EXCEEDED", "OTHER_OFFERING"),
    "A6 quota, late": (
        (LATE, "CreateVMSSAgentPoolFailed", "QuotaExceeded", "OperationNotAllowed"),
        "QUOTA_EXCEEDED",
        "OTHER_OFFERING",
    ),
    "A6 quota, late, Compute's word alone": (
        (LATE, "CreateVMSSAgentPoolFailed", "OperationNotAllowed"),
        "QUOTA_EXCEEDED",
        "OTHER_OFFERING",
    ),
    "A9 preflight": ((400, "ErrCode_InsufficientVCPUQuota"), "QUOTA_EXCEEDED", "OTHER_OFFERING"),
    "A10 size restricted": ((409, "SkuNotAvailable"), "SKU_UNAVAILABLE", "OTHER_OFFERING"),
    "A11 region busy": ((400, "AksCapacityHeavyUsage"), "NO_CAPACITY", "SLOW_RETRY"),
    "A12 policy": ((403, "RequestDisallowedByPolicy"), "POLICY_DENIED", "GIVE_UP"),
    "A12 policy, wrapped": (
        (400, "InvalidTemplateDeployment", "RequestDisallowedByPolicy"),
        "POLICY_DENIED",
        "GIVE_UP",
    ),
    "A13 role": ((403, "AuthorizationFailed"), "NOT_AUTHORIZED", "SLOW_RETRY"),
    "A13 role elsewhere": ((403, "LinkedAuthorizationFailed"), "NOT_AUTHORIZED", "SLOW_RETRY"),
    "A14 token": ((401, "ExpiredAuthenticationToken"), "NOT_AUTHENTICATED", "SLOW_RETRY"),
    "A14 before any call": ((401, "AADSTS7000222"), "NOT_AUTHENTICATED", "SLOW_RETRY"),
    "A15 provider": ((409, "MissingSubscriptionRegistration"), "NOT_REGISTERED", "GIVE_UP"),
    "A16 subscription limit": (
        (400, "ManagedClusterCountExceedsQuotaLimit"),
        "QUOTA_EXCEEDED",
        "GIVE_UP",
    ),
    "A16 pool limit": ((400, "AgentPoolCountExceedsLimit"), "POOL_LIMIT", "GIVE_UP"),
    "A17 subnet": ((400, "SubnetIsFull"), "SUBNET_FULL", "GIVE_UP"),
    "A17 subnet, late": (
        (LATE, "ReconcileVMSSAgentPoolFailed", "SubnetIsFull"),
        "SUBNET_FULL",
        "GIVE_UP",
    ),
    "A18 zone": ((400, "AvailabilityZoneNotSupported"), "ZONE_UNAVAILABLE", "OTHER_OFFERING"),
    "B1 B2 operation runs": ((409, "OperationNotAllowed"), "WAITING_FOR_CLUSTER", "WAIT"),
    "immutable property": ((400, "OperationNotAllowed"), "INVALID_REQUEST", "GIVE_UP"),
    "B3 etag": ((409, "EtagMismatch"), "PREEMPTED", "CHANGED"),
    "B4 delete won": ((LATE, "AKSOperationPreemptedByDelete"), "PREEMPTED", "RETRY"),
    "B11 aborted": ((LATE, "OperationAborted"), "PREEMPTED", "RETRY"),
    "B5 cluster stops": (
        (LATE, "ResourceOperationFailure", "OriginalEtagNotExpect"),
        "PREEMPTED",
        "WAIT",
    ),
    "B6 B7 throttled": ((429, "Throttled"), "THROTTLED", "WAIT"),
    "B6 throttled by ARM": ((429, "SubscriptionRequestsThrottled"), "THROTTLED", "WAIT"),
    "B8 500": ((500, "InternalServerError"), "CLOUD_FAILED", "RETRY"),
    "B8 503 without a body": ((503, ""), "CLOUD_FAILED", "RETRY"),
    "B10 no operation": ((404, ""), "CLUSTER_MISSING", "GIVE_UP"),
    "B12 conflict": ((409, "Conflict"), "WAITING_FOR_CLUSTER", "ADOPT"),
    "B13 subnet changes": (
        (409, "VirtualNetworkNotInSucceededState"),
        "WAITING_FOR_CLUSTER",
        "RETRY",
    ),
    "B13 subnet changes, late": ((LATE, "SetVNetOwnershipFailed"), "WAITING_FOR_CLUSTER", "RETRY"),
    "B15 name taken": ((412, "PreconditionFailed"), "PREEMPTED", "CHANGED"),
    "C1 capacity": ((LATE, "AllocationFailed"), "NO_CAPACITY", "OTHER_OFFERING"),
    "C2 capacity of a zone": ((LATE, "ZonalAllocationFailed"), "NO_CAPACITY", "OTHER_OFFERING"),
    "C3 constraints": (
        (LATE, "OverconstrainedAllocationRequest"),
        "NO_CAPACITY",
        "OTHER_OFFERING",
    ),
    "C3 constraints and zone": (
        (LATE, "OverconstrainedZonalAllocationRequest"),
        "NO_CAPACITY",
        "OTHER_OFFERING",
    ),
    "C6 C7 boot": ((LATE, "VMExtensionProvisioningError"), "BOOT_FAILED", "SLOW_RETRY"),
    "C6 C7 boot, wrapped": (
        (LATE, "ReconcileVMSSAgentPoolFailed", "VMExtensionProvisioningError"),
        "BOOT_FAILED",
        "SLOW_RETRY",
    ),
    "E15 cluster gone": ((404, "ResourceNotFound"), "CLUSTER_MISSING", "GIVE_UP"),
    "E15 group gone": ((404, "ResourceGroupNotFound"), "CLUSTER_MISSING", "GIVE_UP"),
    "F3 drain": ((LATE, "DeleteVMSSAgentPoolFailed", "PodDrainFailure"), "DRAINING", "RETRY"),
    "internal, late": ((LATE, "InternalOperationError"), "CLOUD_FAILED", "RETRY"),
    "unknown, late": ((LATE, "SomethingNew"), "CLOUD_FAILED", "RETRY"),
    "unknown 400": ((400, "SomethingNew"), "INVALID_REQUEST", "GIVE_UP"),
    "unknown 408": ((408, "SomethingNew"), "CLOUD_FAILED", "RETRY"),
    "unknown 409": ((409, "SomethingNew"), "WAITING_FOR_CLUSTER", "ADOPT"),
    "unknown 418": ((418, "SomethingNew"), "INVALID_REQUEST", "GIVE_UP"),
    "unknown 429": ((429, "SomethingNew"), "THROTTLED", "WAIT"),
    "unknown 599": ((599, "SomethingNew"), "CLOUD_FAILED", "RETRY"),
}


def _error(status, code, *inner):
    return CloudError(status=status, code=code, inner=inner)


@pytest.mark.parametrize(("answer", "reason", "course"), FAULTS.values(), ids=FAULTS.keys())
def test_a_refusal_is_judged_by_status_and_codes(answer, reason, course):
    assert judge(_error(*answer)) == Verdict(NodeReason[reason], Course[course])


@pytest.mark.parametrize(("answer", "reason", "course"), FAULTS.values(), ids=FAULTS.keys())
def test_the_message_changes_nothing(answer, reason, course):
    status, code, *inner = answer
    text = "LowPriorityCores quota, Current Limit: 0; another operation is in progress"
    told = CloudError(status=status, code=code, inner=tuple(inner), message=text)
    assert judge(told) == judge(_error(*answer))


def test_spot_has_a_quota_of_its_own():
    error = _error(400, "QuotaExceeded", "OperationNotAllowed")
    assert judge(error, CapacityType.SPOT) == Verdict(
        NodeReason.SPOT_QUOTA_EXCEEDED, Course.OTHER_OFFERING
    )
    assert judge(_error(LATE, "AllocationFailed"), CapacityType.SPOT).reason is (
        NodeReason.NO_CAPACITY
    )


@pytest.mark.parametrize(
    "reason",
    [reason for _, reason, course in FAULTS.values() if course == "OTHER_OFFERING"],
)
def test_consumers_are_told_the_same_of_other_offerings(reason):
    assert NodeReason[reason] in ANOTHER_OFFERING_MAY_HELP
