"""Why a node claim stands where it stands: closed and typed."""

from enum import StrEnum


class NodeReason(StrEnum):
    """Written to the claim's conditions; consumers act on it."""

    FINALIZER_PENDING = "FinalizerPending"
    LAUNCHING = "Launching"
    WAITING_FOR_CLUSTER = "OperationInProgress"
    THROTTLED = "Throttled"
    NODE_NOT_FOUND = "NodeNotFound"
    MULTIPLE_NODES_FOUND = "MultipleNodesFound"
    NODE_NOT_READY = "NodeNotReady"
    STARTUP_TAINTS_EXIST = "StartupTaintsExist"
    GPU_NOT_REGISTERED = "ResourceNotRegistered"
    GPU_UNHEALTHY = "GpuUnhealthy"
    POOL_STOPPED = "AgentPoolStopped"
    READY = "Ready"
    DRAINING = "Draining"
    TERMINATING = "InstanceTerminating"
    TERMINATION_OVERDUE = "TerminationOverdue"

    INVALID_REQUEST = "InvalidRequest"
    QUOTA_EXCEEDED = "SubscriptionQuotaReached"
    SPOT_QUOTA_EXCEEDED = "SpotQuotaReached"
    NO_CAPACITY = "InsufficientCapacityError"
    SKU_UNAVAILABLE = "SKUNotAvailable"
    SKU_RETIRED = "SKURetired"
    ZONE_UNAVAILABLE = "ZoneNotAvailable"
    POOL_LIMIT = "AgentPoolLimitReached"
    SUBNET_FULL = "SubnetIsFull"
    POLICY_DENIED = "PolicyDenied"
    NOT_AUTHORIZED = "NotAuthorized"
    NOT_AUTHENTICATED = "NotAuthenticated"
    NOT_REGISTERED = "ProviderNotRegistered"
    CLUSTER_MISSING = "ClusterNotFound"
    NAME_TAKEN = "AgentPoolNameTaken"
    PREEMPTED = "OperationPreempted"
    BOOT_FAILED = "NodeBootFailed"
    CLOUD_FAILED = "CloudInternalError"
    REQUESTED_DEADLINE = "RequestedDeadlineExceeded"
    LAUNCH_DEADLINE = "LaunchTimeout"
    REGISTRATION_DEADLINE = "RegistrationTimeout"
    GPU_NEVER_ALLOCATABLE = "GpuNeverAllocatable"
    INITIALIZATION_DEADLINE = "InitializationTimeout"
    INSTANCE_LOST = "InstanceLost"
    NODE_UNHEALTHY = "NodeUnhealthy"


ANOTHER_OFFERING_MAY_HELP = frozenset(
    {
        NodeReason.QUOTA_EXCEEDED,
        NodeReason.SPOT_QUOTA_EXCEEDED,
        NodeReason.NO_CAPACITY,
        NodeReason.SKU_UNAVAILABLE,
        NodeReason.SKU_RETIRED,
        NodeReason.ZONE_UNAVAILABLE,
    }
)
"""Another instance type or capacity type may be had where this one is not."""

LOST = frozenset({NodeReason.INSTANCE_LOST, NodeReason.NODE_UNHEALTHY})
"""The node was there, and is not any more or is past repair: another of the same kind may do."""

WORTH_ANOTHER_TRY = frozenset(
    {
        NodeReason.NAME_TAKEN,
        NodeReason.PREEMPTED,
        NodeReason.BOOT_FAILED,
        NodeReason.REGISTRATION_DEADLINE,
        NodeReason.GPU_NEVER_ALLOCATABLE,
        NodeReason.INITIALIZATION_DEADLINE,
    }
)
"""It may have been this one machine: one more of the same kind is asked for, and no third."""

TERMINAL = (
    ANOTHER_OFFERING_MAY_HELP
    | LOST
    | WORTH_ANOTHER_TRY
    | {
        NodeReason.INVALID_REQUEST,
        NodeReason.POOL_LIMIT,
        NodeReason.SUBNET_FULL,
        NodeReason.POLICY_DENIED,
        NodeReason.NOT_AUTHORIZED,
        NodeReason.NOT_AUTHENTICATED,
        NodeReason.NOT_REGISTERED,
        NodeReason.CLUSTER_MISSING,
        NodeReason.CLOUD_FAILED,
        NodeReason.REQUESTED_DEADLINE,
        NodeReason.LAUNCH_DEADLINE,
    }
)
"""With these a claim is given up for good: only another claim may still come up."""
