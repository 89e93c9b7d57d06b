"""What the server itself decides about an object that a client writes (registry strategies).

Pure: each function answers a new object and leaves its arguments alone, though it may share
their parts.
"""

from datetime import datetime
from typing import Any

from simulator.clock import rfc3339
from simulator.kubernetes.resources import Origin, Resource
from simulator.kubernetes.status import Object

_COUNTS_GENERATIONS = frozenset(
    {
        "cronjobs.batch",
        "customresourcedefinitions.apiextensions.k8s.io",
        "daemonsets.apps",
        "deployments.apps",
        "ingresses.networking.k8s.io",
        "jobs.batch",
        "networkpolicies.networking.k8s.io",
        "poddisruptionbudgets.policy",
        "pods",
        "replicasets.apps",
        "replicationcontrollers",
        "statefulsets.apps",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    }
)
_KEEPS_STATUS_ON_CREATE = frozenset({"nodes"})
_INITIAL_STATUS: dict[str, Object] = {
    "namespaces": {"phase": "Active"},
    "persistentvolumeclaims": {"phase": "Pending"},
    "persistentvolumes": {"phase": "Pending"},
    "pods": {"phase": "Pending"},
    "services": {"loadBalancer": {}},
}
_SERVER_METADATA = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "namespace",
    "selfLink",
)


def counts_generations(resource: Resource) -> bool:
    return resource.origin is Origin.CUSTOM or resource.collection in _COUNTS_GENERATIONS


def new_object(
    resource: Resource, obj: Object, *, namespace: str, uid: str, now: datetime
) -> Object:
    """``obj`` as it starts its life: own identity, first generation, initial status."""
    metadata = {
        key: value
        for key, value in obj["metadata"].items()
        if key not in _SERVER_METADATA and key != "resourceVersion"
    }
    if resource.namespaced:
        metadata["namespace"] = namespace
    metadata["uid"] = uid
    metadata["creationTimestamp"] = rfc3339(now)
    if counts_generations(resource):
        metadata["generation"] = 1
    prepared = {**obj, "metadata": metadata}
    if resource.has_status and resource.collection not in _KEEPS_STATUS_ON_CREATE:
        prepared.pop("status", None)
        if resource.origin is Origin.BUILT_IN:
            prepared["status"] = dict(_INITIAL_STATUS.get(resource.collection, {}))
    return prepared


def replacement(resource: Resource, live: Object, obj: Object) -> Object:
    """``obj`` in place of ``live``: identity and status stay; the generation follows the spec."""
    replaced = {**obj, "metadata": _kept_identity(live, obj)}
    if resource.has_status:
        replaced.pop("status", None)
        if "status" in live:
            replaced["status"] = live["status"]
    if counts_generations(resource) and desired_state(resource, replaced) != desired_state(
        resource, live
    ):
        replaced["metadata"]["generation"] = live["metadata"].get("generation", 1) + 1
    return replaced


def status_replacement(live: Object, obj: Object) -> Object:
    """``live`` with the status of ``obj``, and nothing else of it."""
    replaced = {**live, "metadata": {**live["metadata"]}}
    if "managedFields" in obj["metadata"]:
        replaced["metadata"]["managedFields"] = obj["metadata"]["managedFields"]
    replaced.pop("status", None)
    if "status" in obj:
        replaced["status"] = obj["status"]
    return replaced


def status_part(obj: Object) -> Object:
    """Of a new state of an object, what a write of its status goes by."""
    return {key: obj[key] for key in ("apiVersion", "kind", "metadata", "status") if key in obj}


def _kept_identity(live: Object, obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVER_METADATA}
    metadata["name"] = live["metadata"]["name"]
    kept = {key: live["metadata"][key] for key in _SERVER_METADATA if key in live["metadata"]}
    if "managedFields" in live["metadata"]:
        metadata.setdefault("managedFields", live["metadata"]["managedFields"])
    return {**metadata, **kept}


def desired_state(resource: Resource, obj: Object) -> dict[str, Any]:
    """What the user asks for: all but metadata, and status where that is a subresource."""
    apart = {"metadata", "apiVersion", "kind"} | ({"status"} if resource.has_status else set())
    return {key: value for key, value in obj.items() if key not in apart}


def writable_part(resource: Resource, applied: Object, subresource: str) -> Object:
    """Of an applied configuration, what the endpoint lets its callers write."""
    if subresource == "status":
        metadata = {
            key: applied["metadata"][key]
            for key in ("name", "namespace")
            if key in applied["metadata"]
        }
        kept: Object = {
            key: applied[key] for key in ("apiVersion", "kind", "status") if key in applied
        }
        return {**kept, "metadata": metadata}
    if resource.has_status:
        return {key: value for key, value in applied.items() if key != "status"}
    return applied


def same_but_for_bookkeeping(one: Object, other: Object) -> bool:
    """Whether two states of an object differ at most in version and times of ownership."""
    return _without_bookkeeping(one) == _without_bookkeeping(other)


def _without_bookkeeping(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    entries = metadata.get("managedFields") or []
    metadata["managedFields"] = [{**entry, "time": None} for entry in entries]
    return {**obj, "metadata": metadata}
