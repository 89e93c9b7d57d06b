"""What a DELETE does to an object: vanish, or stay a while with a deletion timestamp.

Pure; the rules are those of apiserver's registry/generic store and of the pod strategy.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulator.clock import rfc3339
from simulator.kubernetes import errors
from simulator.kubernetes.objects import Propagation
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import Object

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_DEFAULT_GRACE_SECONDS = 30
_TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """metav1.DeleteOptions. ``propagation`` None leaves the choice to finalizers already there."""

    grace_period_seconds: int | None = None
    propagation: Propagation | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)


def check_preconditions(resource: Resource, live: Object, options: DeleteOptions) -> None:
    """Raises ApiError 409 where the object is not the one that was meant."""
    metadata = live["metadata"]
    wanted = {"UID": options.uid, "ResourceVersion": options.resource_version}
    actual = {"UID": metadata["uid"], "ResourceVersion": metadata["resourceVersion"]}
    for what, value in wanted.items():
        if value is not None and value != actual[what]:
            raise errors.conflict(
                resource,
                metadata["name"],
                f"Precondition failed: {what} in precondition: {value}, "
                f"{what} in object meta: {actual[what]}",
            )


def deleted(resource: Resource, live: Object, options: DeleteOptions, now: datetime) -> Object:
    """The object as the request leaves it; ``is_gone`` tells whether it still is there."""
    metadata = dict(live["metadata"])
    metadata["finalizers"] = _finalizers(metadata, options.propagation)
    if not metadata["finalizers"]:
        del metadata["finalizers"]
    grace = _grace_seconds(resource, live, options)
    if "deletionTimestamp" not in metadata:
        _mark(metadata, grace, now)
        return _with_phase(resource, {**live, "metadata": metadata})
    if grace < metadata.get("deletionGracePeriodSeconds", 0):
        shortened = now + timedelta(seconds=grace)
        metadata["deletionTimestamp"] = min(rfc3339(shortened), metadata["deletionTimestamp"])
        metadata["deletionGracePeriodSeconds"] = grace
    return {**live, "metadata": metadata}


def _mark(metadata: Object, grace: int, now: datetime) -> None:
    metadata["deletionTimestamp"] = rfc3339(now + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace
    if "generation" in metadata:
        metadata["generation"] += 1


def _with_phase(resource: Resource, obj: Object) -> Object:
    if resource.collection != "namespaces":
        return obj
    return {**obj, "status": {**(obj.get("status") or {}), "phase": "Terminating"}}


def _finalizers(metadata: Object, propagation: Propagation | None) -> list[str]:
    present = list(metadata.get("finalizers") or ())
    if propagation is None:
        return present
    others = [each for each in present if each not in {FOREGROUND, ORPHAN}]
    match propagation:
        case Propagation.FOREGROUND:
            return [*others, FOREGROUND]
        case Propagation.ORPHAN:
            return [*others, ORPHAN]
        case Propagation.BACKGROUND:
            return others


def _grace_seconds(resource: Resource, live: Object, options: DeleteOptions) -> int:
    """Only a pod that may still run is given time to end; the kubelet then deletes with 0."""
    if resource.collection != "pods":
        return 0
    spec, status = live.get("spec") or {}, live.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in _TERMINAL_PHASES:
        return 0
    if options.grace_period_seconds is not None:
        return max(0, options.grace_period_seconds)
    left = live["metadata"].get("deletionGracePeriodSeconds")
    if left is not None:
        return int(left)
    return int(spec.get("terminationGracePeriodSeconds", _DEFAULT_GRACE_SECONDS))


def is_gone(obj: Object) -> bool:
    """Whether nothing holds a deleted object any longer."""
    metadata = obj["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if metadata.get("deletionGracePeriodSeconds", 0) > 0:
        return False
    return not (obj["kind"] == "Namespace" and obj.get("spec", {}).get("finalizers"))
