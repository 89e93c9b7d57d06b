"""The patch types of the Kubernetes API; each answers a new value and leaves its inputs alone."""

import copy
from collections.abc import Sequence
from typing import Any

import json_merge_patch
import jsonpatch

from simulator.kubernetes.status import ApiError, Object
from simulator.kubernetes.strategic_merge import strategic_merge

__all__ = ["json_patch", "merge_patch", "strategic_merge"]


def json_patch(doc: Object, operations: Sequence[Object]) -> Object:
    """RFC 6902. Raises ``ApiError``: 400 for a malformed patch, 422 for one that does not apply."""
    try:
        patched = jsonpatch.JsonPatch(copy.deepcopy(list(operations))).apply(doc)
    except jsonpatch.JsonPatchTestFailed as failure:
        raise ApiError(422, "Invalid", f"the server rejected our request: {failure}") from failure
    except jsonpatch.InvalidJsonPatch as failure:
        raise ApiError(400, "BadRequest", f"invalid JSON patch: {failure}") from failure
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as failure:
        raise ApiError(422, "Invalid", f"the JSON patch does not apply: {failure}") from failure
    return _an_object(patched)


def merge_patch(doc: Object, patch: Object) -> Object:
    """RFC 7396."""
    # The library changes its first argument and keeps parts of its second.
    return _an_object(json_merge_patch.merge(copy.deepcopy(doc), copy.deepcopy(patch)))


def _an_object(value: Any) -> Object:
    if not isinstance(value, dict):
        raise ApiError(400, "BadRequest", "the patch would leave no object behind")
    return value
