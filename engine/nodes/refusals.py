"""What Azure's refusals mean: a table from codes to a reason and a course.

HTTP status and ARM's codes decide, never the message, whose words change. Codes and their meaning:
``docs/agent-pools.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from engine.capacity_type import CapacityType
from engine.nodes.agent_pool import CloudError
from engine.nodes.reason import NodeReason


class Course(Enum):
    """What is to be done about a refusal."""

    GIVE_UP = auto()
    """Only an operator can help."""
    OTHER_OFFERING = auto()
    """This one cannot be had now; another size, zone or capacity type may be."""
    WAIT = auto()
    """Not a failure: something else has to end first, or we asked too often."""
    ADOPT = auto()
    """Something stands in the way that may be our own earlier request: read the pool."""
    CHANGED = auto()
    """What the request went by is out of date: read the pool, and decide again."""
    RETRY = auto()
    """Passes by itself, as a rule."""
    SLOW_RETRY = auto()
    """May pass within minutes, such as a role just granted: a few tries, far apart."""


@dataclass(frozen=True, slots=True)
class Verdict:
    reason: NodeReason
    course: Course


_QUOTA = Verdict(NodeReason.QUOTA_EXCEEDED, Course.OTHER_OFFERING)
_NO_CAPACITY = Verdict(NodeReason.NO_CAPACITY, Course.OTHER_OFFERING)
_SKU_UNAVAILABLE = Verdict(NodeReason.SKU_UNAVAILABLE, Course.OTHER_OFFERING)
_INVALID = Verdict(NodeReason.INVALID_REQUEST, Course.GIVE_UP)
_NOT_AUTHORIZED = Verdict(NodeReason.NOT_AUTHORIZED, Course.SLOW_RETRY)
_NOT_AUTHENTICATED = Verdict(NodeReason.NOT_AUTHENTICATED, Course.SLOW_RETRY)
_CLUSTER_MISSING = Verdict(NodeReason.CLUSTER_MISSING, Course.GIVE_UP)
_THROTTLED = Verdict(NodeReason.THROTTLED, Course.WAIT)
_CLUSTER_BUSY = Verdict(NodeReason.WAITING_FOR_CLUSTER, Course.WAIT)
_SUBNET_BUSY = Verdict(NodeReason.WAITING_FOR_CLUSTER, Course.RETRY)
_IN_THE_WAY = Verdict(NodeReason.WAITING_FOR_CLUSTER, Course.ADOPT)
_CHANGED = Verdict(NodeReason.PREEMPTED, Course.CHANGED)
_PREEMPTED = Verdict(NodeReason.PREEMPTED, Course.RETRY)
_BOOT_FAILED = Verdict(NodeReason.BOOT_FAILED, Course.SLOW_RETRY)
_NOT_DRAINED = Verdict(NodeReason.DRAINING, Course.RETRY)
_CLOUD_FAILED = Verdict(NodeReason.CLOUD_FAILED, Course.RETRY)


BY_TELLING_CODE: Mapping[str, Verdict] = {
    "QuotaExceeded": _QUOTA,
    "ErrCode_InsufficientVCPUQuota": _QUOTA,
    "ManagedClusterCountExceedsQuotaLimit": Verdict(NodeReason.QUOTA_EXCEEDED, Course.GIVE_UP),
    # AKS's own code is not published; as an unknown 400 it is given up too.
    "AgentPoolCountExceedsLimit": Verdict(NodeReason.POOL_LIMIT, Course.GIVE_UP),
    "SubnetIsFull": Verdict(NodeReason.SUBNET_FULL, Course.GIVE_UP),
    "AllocationFailed": _NO_CAPACITY,
    "ZonalAllocationFailed": _NO_CAPACITY,
    "OverconstrainedAllocationRequest": _NO_CAPACITY,
    "OverconstrainedZonalAllocationRequest": _NO_CAPACITY,
    # The region is busy, so another size is not the way out of it.
    "AksCapacityHeavyUsage": Verdict(NodeReason.NO_CAPACITY, Course.SLOW_RETRY),
    "SkuNotAvailable": _SKU_UNAVAILABLE,
    "VMSizeNotSupported": _SKU_UNAVAILABLE,
    "AvailabilityZoneNotSupported": Verdict(NodeReason.ZONE_UNAVAILABLE, Course.OTHER_OFFERING),
    "InvalidParameter": _INVALID,
    "RequestDisallowedByPolicy": Verdict(NodeReason.POLICY_DENIED, Course.GIVE_UP),
    "AuthorizationFailed": _NOT_AUTHORIZED,
    "LinkedAuthorizationFailed": _NOT_AUTHORIZED,
    "AuthenticationFailed": _NOT_AUTHENTICATED,
    "ExpiredAuthenticationToken": _NOT_AUTHENTICATED,
    "MissingSubscriptionRegistration": Verdict(NodeReason.NOT_REGISTERED, Course.GIVE_UP),
    "ResourceNotFound": _CLUSTER_MISSING,
    "ResourceGroupNotFound": _CLUSTER_MISSING,
    "SubscriptionNotFound": _CLUSTER_MISSING,
    "Throttled": _THROTTLED,
    "SubscriptionRequestsThrottled": _THROTTLED,
    "TooManyRequests": _THROTTLED,
    "EtagMismatch": _CHANGED,
    "PreconditionFailed": _CHANGED,
    "AKSOperationPreempted": _PREEMPTED,
    "AKSOperationPreemptedByDelete": _PREEMPTED,
    "OperationAborted": _PREEMPTED,
    # The cluster was stopping or starting: repairs wait until it has come to rest.
    "OriginalEtagNotExpect": Verdict(NodeReason.PREEMPTED, Course.WAIT),
    "SetVNetOwnershipFailed": _SUBNET_BUSY,
    "VirtualNetworkNotInSucceededState": _SUBNET_BUSY,
    "PodDrainFailure": _NOT_DRAINED,
    "UnsatisfiablePDB": _NOT_DRAINED,
    "InternalServerError": _CLOUD_FAILED,
    "InternalOperationError": _CLOUD_FAILED,
}
"""Codes that mean one thing wherever they stand."""

BY_WRAPPING_CODE: Mapping[str, Verdict] = {
    "VMExtensionProvisioningError": _BOOT_FAILED,
    "InvalidTemplateDeployment": _INVALID,
    "DeleteVMSSAgentPoolFailed": _NOT_DRAINED,
    "ResourceOperationFailure": _CLOUD_FAILED,
    "ReconcileVMSSAgentPoolFailed": _CLOUD_FAILED,
    "CreateVMSSAgentPoolFailed": _CLOUD_FAILED,
}
"""Codes of what surrounds a failure; they count where nothing within tells more."""

_LATE = 200
OPERATION_NOT_ALLOWED: Mapping[int, Verdict] = {
    # Conflicts and immutable properties are refused at once: what comes late is Compute's quota.
    _LATE: _QUOTA,
    400: _INVALID,
    409: _CLUSTER_BUSY,
}
"""One code for three things; ARM's status tells them apart."""

BY_STATUS: Mapping[int, Verdict] = {
    _LATE: _CLOUD_FAILED,
    401: _NOT_AUTHENTICATED,
    403: _NOT_AUTHORIZED,
    404: _CLUSTER_MISSING,
    408: _CLOUD_FAILED,
    409: _IN_THE_WAY,
    412: _CHANGED,
    429: _THROTTLED,
}
"""For codes that nobody has told us of. Any other 4xx is given up, any 5xx retried."""

_SERVER_ERRORS = 500


def judge(error: CloudError, capacity_type: CapacityType = CapacityType.ON_DEMAND) -> Verdict:
    """``capacity_type`` is what was asked for: spot has a quota of its own, though no code."""
    verdict = _by_code(error) or _by_status(error.status)
    if verdict.reason is NodeReason.QUOTA_EXCEEDED and capacity_type is CapacityType.SPOT:
        return replace(verdict, reason=NodeReason.SPOT_QUOTA_EXCEEDED)
    return verdict


def _by_code(error: CloudError) -> Verdict | None:
    """The outermost code that tells; else the innermost of those that only wrap."""
    codes = (error.code, *error.inner)
    telling = next((BY_TELLING_CODE[code] for code in codes if code in BY_TELLING_CODE), None)
    if telling is not None:
        return telling
    if "OperationNotAllowed" in codes and error.status in OPERATION_NOT_ALLOWED:
        return OPERATION_NOT_ALLOWED[error.status]
    return next(
        (BY_WRAPPING_CODE[code] for code in reversed(codes) if code in BY_WRAPPING_CODE), None
    )


def _by_status(status: int) -> Verdict:
    if status in BY_STATUS:
        return BY_STATUS[status]
    return _CLOUD_FAILED if status >= _SERVER_ERRORS else _INVALID
