"""What Azure says no with: error bodies as values, and the answers that carry them. Pure.

Codes and the shapes of bodies are Azure's; texts are ours, except for the few phrases in which
Azure tells kinds of quota apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """``details`` are more of the same, further in; ``information`` is Azure Policy's."""

    code: str
    message: str
    target: str = ""
    subcode: str = ""
    details: "tuple[Failure, ...]" = ()
    information: tuple[Mapping[str, Any], ...] = ()

    def body(self) -> Object:
        optional = {
            "target": self.target,
            "details": [detail.body() for detail in self.details],
            "additionalInfo": list(self.information),
        }
        present = {name: value for name, value in optional.items() if value}
        return {"code": self.code, "message": self.message, **present}


class Voice(StrEnum):
    """Who says it, and so in which shape: ARM's gateway, or AKS in one of its two."""

    GATEWAY = "gateway"
    WRAPPED = "wrapped"
    FLAT = "flat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer other than success; ``retry_after`` in seconds."""

    status: int
    failure: Failure
    voice: Voice = Voice.WRAPPED
    retry_after: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> Object:
        if self.voice is not Voice.FLAT:
            return {"error": self.failure.body()}
        details = [detail.body() for detail in self.failure.details] or None
        return {**self.failure.body(), "details": details, "subcode": self.failure.subcode}


class Refused(Exception):
    """Raised where a request is answered with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.failure.code}")
        self.refusal = refusal


def _refusal(
    status: int,
    code: str,
    message: str,
    *,
    voice: Voice = Voice.WRAPPED,
    target: str = "",
    subcode: str = "",
) -> Refusal:
    failure = Failure(code=code, message=message, target=target, subcode=subcode)
    return Refusal(status=status, failure=failure, voice=voice)


# Absence, in two voices.


def no_subscription(name: str) -> Refusal:
    message = f"The subscription {name!r} is not known."
    return _refusal(404, "SubscriptionNotFound", message, voice=Voice.GATEWAY)


def no_resource_group(name: str) -> Refusal:
    message = f"There is no resource group {name!r}."
    return _refusal(404, "ResourceGroupNotFound", message, voice=Voice.GATEWAY)


def no_cluster(name: str, group: str) -> Refusal:
    message = (
        f"The resource 'Microsoft.ContainerService/managedClusters/{name}' "
        f"is not in resource group {group!r}."
    )
    return _refusal(404, "ResourceNotFound", message, voice=Voice.GATEWAY)


def no_such_path(path: str) -> Refusal:
    message = f"Nothing is served at {path}."
    return _refusal(404, "InvalidResourceType", message, voice=Voice.GATEWAY)


def no_pool(name: str) -> Refusal:
    return _refusal(404, "NotFound", f"Agent Pool not found: {name}.", target="agentPoolProfile")


def no_machine(name: str) -> Refusal:
    return _refusal(404, "NotFound", f"Machine not found: {name}.")


def no_operation(identity: str) -> Refusal:
    return _refusal(404, "NotFound", f"Operation {identity} is not known, or not any more.")


# The request itself.


def invalid(message: str, target: str = "") -> Refusal:
    return _refusal(400, "InvalidParameter", message, voice=Voice.FLAT, target=target)


def bad_request(message: str) -> Refusal:
    return _refusal(400, "BadRequest", message)


def no_api_version() -> Refusal:
    message = "The parameter api-version is required."
    return _refusal(400, "MissingApiVersionParameter", message, voice=Voice.GATEWAY)


def immutable(field_name: str) -> Refusal:
    message = f"Changing property 'properties.{field_name}' is not allowed."
    return _refusal(400, "OperationNotAllowed", message, target=f"properties.{field_name}")


def not_authenticated() -> Refusal:
    failure = Failure(code="AuthenticationFailed", message="A bearer token is required.")
    headers = {"WWW-Authenticate": 'Bearer authorization_uri="https://login.example.com"'}
    return Refusal(status=401, failure=failure, voice=Voice.GATEWAY, headers=headers)


def not_authorized(action: str, scope: str) -> Refusal:
    message = f"The client may not perform action {action!r} over scope {scope!r}."
    return _refusal(403, "AuthorizationFailed", message, voice=Voice.GATEWAY)


def policy_denies(resource: str, policy: str) -> Refusal:
    information = {
        "type": "PolicyViolation",
        "info": {
            "policyDefinitionDisplayName": policy,
            "policyAssignmentId": f"/providers/Microsoft.Authorization/policyAssignments/{policy}",
        },
    }
    failure = Failure(
        code="RequestDisallowedByPolicy",
        message=f"Resource {resource!r} was disallowed by policy.",
        target=resource,
        information=(information,),
    )
    return Refusal(status=403, failure=failure, voice=Voice.GATEWAY)


def not_registered() -> Refusal:
    message = "The subscription is not registered to use Microsoft.ContainerService."
    return _refusal(409, "MissingSubscriptionRegistration", message, voice=Voice.GATEWAY)


# Others were first.


def precondition_failed(message: str) -> Refusal:
    return _refusal(412, "PreconditionFailed", message, voice=Voice.FLAT)


def pool_is_busy(pool: str, doing: str) -> Refusal:
    message = f"Another agentpool operation ({pool} - {doing}) is in progress."
    return _refusal(409, "OperationNotAllowed", message, voice=Voice.FLAT)


def cluster_is_busy(cluster: str, doing: str) -> Refusal:
    message = f"Another operation ({cluster} - {doing}) is in progress."
    return _refusal(409, "OperationNotAllowed", message, voice=Voice.FLAT)


def nothing_to_abort(pool: str) -> Refusal:
    message = f"The latest operation of agent pool {pool} has completed."
    return _refusal(409, "OperationNotAllowed", message, voice=Voice.FLAT)


def throttled(handler: str, subscription: str, retry_after: int) -> Refusal:
    message = f"{handler} of SubID {subscription} is asked too often: wait {retry_after} s."
    failure = Failure(code="Throttled", message=message)
    return Refusal(status=429, failure=failure, voice=Voice.FLAT, retry_after=retry_after)


def server_error(status: int = 500) -> Refusal:
    code = {503: "ServiceUnavailable", 504: "GatewayTimeout"}.get(status, "InternalServerError")
    return _refusal(status, code, "Something went wrong on the service's side.")


# Wanting quota, sizes, room.


def quota_exceeded(what: str, region: str, *, limit: int, usage: int, required: int) -> Refusal:
    message = (
        f"Operation could not be completed as it results in exceeding approved {what} quota. "
        f"Location: {region}, Current Limit: {limit}, Current Usage: {usage}, "
        f"Additional Required: {required}, (Minimum) New Limit Required: {usage + required}."
    )
    inner = Failure(code="OperationNotAllowed", message=message)
    failure = Failure(code="QuotaExceeded", message=message, details=(inner,))
    return Refusal(status=400, failure=failure)


def size_not_supported(size: str, region: str) -> Refusal:
    message = f"The VM size {size!r} is not available in location {region!r}."
    return _refusal(400, "VMSizeNotSupported", message, target="agentPoolProfile.vmSize")


def zone_not_supported(size: str, zone: str) -> Refusal:
    message = f"Zone {zone!r} is not supported for size {size!r}."
    return _refusal(400, "AvailabilityZoneNotSupported", message)


def too_many_pools(limit: int) -> Refusal:
    return _refusal(400, "AgentPoolCountExceedsLimit", f"A cluster has at most {limit} pools.")


def allocation_failed(size: str) -> Failure:
    message = f"There is not enough capacity for {size} in this region."
    return Failure(code="AllocationFailed", message=message)


def zonal_allocation_failed(size: str, zones: tuple[str, ...]) -> Failure:
    message = f"There is not enough capacity for {size} in zone {', '.join(zones)}."
    return Failure(code="ZonalAllocationFailed", message=message)


def overconstrained(size: str, constraints: str) -> Failure:
    message = f"No capacity for {size} satisfies all of: {constraints}."
    return Failure(code="OverconstrainedAllocationRequest", message=message)


def sku_not_available(size: str, region: str) -> Refusal:
    message = f"The requested size {size!r} is currently not available in location {region!r}."
    return _refusal(409, "SkuNotAvailable", message)


def region_is_busy(region: str) -> Refusal:
    message = f"AKS is under heavy use in {region!r}: use another region, or come later."
    return _refusal(400, "AksCapacityHeavyUsage", message)


def surge_exceeds_quota(requested: int, remaining: int) -> Refusal:
    message = f"Insufficient vcpu quota with surge: requested {requested}, remaining {remaining}."
    return _refusal(400, "ErrCode_InsufficientVCPUQuota", message)


def subnet_is_full(subnet: str) -> Failure:
    return Failure(code="SubnetIsFull", message=f"Subnet {subnet} has no addresses left.")


# What goes wrong in operations.


def boot_failed(exit_code: int) -> Failure:
    """``exit_code`` is that of AKS's set-up script: 50 is egress, 83 to 85 the GPU driver."""
    message = f"VM has reported a failure when processing extension 'vmssCSE': exit={exit_code}"
    return Failure(code="VMExtensionProvisioningError", message=message)


def drain_failed(pods: tuple[str, ...]) -> Failure:
    message = f"Pods could not be evicted in time: {', '.join(pods)}."
    inner = Failure(code="PodDrainFailure", message=message)
    return Failure(code="DeleteVMSSAgentPoolFailed", message=message, details=(inner,))


def preempted_by_delete() -> Failure:
    message = "The operation was preempted by a later delete."
    return Failure(code="AKSOperationPreemptedByDelete", message=message)


def aborted() -> Failure:
    return Failure(code="OperationAborted", message="The operation was aborted.")


def start_stop_race() -> Failure:
    message = "The resource has changed since the operation began."
    inner = Failure(code="OriginalEtagNotExpect", message=message)
    return Failure(code="ResourceOperationFailure", message=message, details=(inner,))
