"""What each patch type makes of an object."""

from collections.abc import Mapping
from enum import StrEnum

from simulator.kubernetes import bodies, errors, patch
from simulator.kubernetes.http_messages import Request
from simulator.kubernetes.resources import Origin, Resource
from simulator.kubernetes.status import Object


class PatchType(StrEnum):
    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


_OF_CUSTOM_KINDS = (PatchType.JSON, PatchType.MERGE, PatchType.APPLY)


def patch_types(resource: Resource) -> tuple[PatchType, ...]:
    """Strategic merge needs to know a kind's lists, so custom kinds don't have it."""
    return _OF_CUSTOM_KINDS if resource.origin is Origin.CUSTOM else tuple(PatchType)


def patch_type(request: Request, resource: Resource) -> PatchType:
    """Raises ApiError 415 for a type this resource does not take."""
    served = patch_types(resource)
    if request.media_type not in set(served):
        raise errors.unsupported_media_type([each.value for each in served])
    return PatchType(request.media_type)


def patched(kind: PatchType, request: Request, obj: Object, *, of_kind: str) -> Object:
    """``obj`` after the patch in the request's body; raises ApiError 400 or 422."""
    if kind is PatchType.JSON:
        operations = bodies.read_json(request.body)
        if not isinstance(operations, list):
            raise errors.bad_request("a JSON patch must be a list of operations")
        return patch.json_patch(obj, operations)
    change = bodies.read_json(request.body)
    if not isinstance(change, Mapping):
        raise errors.bad_request("a merge patch must be an object")
    if kind is PatchType.MERGE:
        return patch.merge_patch(obj, dict(change))
    return patch.strategic_merge(obj, dict(change), of_kind)
