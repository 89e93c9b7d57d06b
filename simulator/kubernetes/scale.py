"""The ``scale`` subresource: replicas of any scalable kind behind one autoscaling/v1 face."""

from typing import Any

from simulator.kubernetes import errors, field_errors, json_path
from simulator.kubernetes.json_values import copied
from simulator.kubernetes.resources import Origin, Resource, ScalePaths
from simulator.kubernetes.status import Object

_COPIED_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(resource: Resource, obj: Object) -> Object:
    paths = _paths(resource)
    metadata = obj["metadata"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in _COPIED_METADATA if key in metadata},
        "spec": {"replicas": json_path.first(paths.spec_replicas, obj) or 0},
        "status": {
            "replicas": json_path.first(paths.status_replicas, obj) or 0,
            "selector": _selector(resource, paths, obj),
        },
    }


def _selector(resource: Resource, paths: ScalePaths, obj: Object) -> str:
    if resource.origin is Origin.CUSTOM:
        path = paths.label_selector
        return str(json_path.first(path, obj) or "") if path else ""
    labels = json_path.first(".spec.selector.matchLabels", obj) or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def with_replicas(resource: Resource, obj: Object, scale: Object) -> Object:
    """A copy of ``obj`` with the replicas that ``scale`` asks for; raises ApiError 422."""
    replicas: Any = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        cause = field_errors.invalid(
            "spec.replicas", replicas, "must be greater than or equal to 0"
        )
        raise errors.invalid(resource, obj["metadata"]["name"], [cause])
    scaled = copied(obj)
    *parents, last = _paths(resource).spec_replicas.removeprefix(".").split(".")
    target = scaled
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = replicas
    version = (scale.get("metadata") or {}).get("resourceVersion")
    scaled["metadata"]["resourceVersion"] = version or obj["metadata"]["resourceVersion"]
    return scaled


def _paths(resource: Resource) -> ScalePaths:
    if resource.scale is None:
        raise errors.no_such_path()
    return resource.scale
