"""The patch types of the Kubernetes API; each answers a new value and leaves its inputs alone."""

import json
import re
from collections.abc import Sequence
from typing import Any

import json_merge_patch
import jsonpatch

from simulator.kubernetes.json_values import copied, copied_value
from simulator.kubernetes.status import ApiError, Object
from simulator.kubernetes.strategic_merge import strategic_merge

__all__ = ["json_patch", "merge_patch", "strategic_merge"]

# Both as in kube-apiserver.
MAX_OPERATIONS = 10_000
MAX_SIZE_BYTES = 3 * 1024 * 1024
_PYTHON_TYPE = re.compile(r" \(<class '\w+'>\)")


def json_patch(doc: Object, operations: Sequence[Object]) -> Object:
    """RFC 6902. Raises ``ApiError``: 400 for a malformed patch, 422 for one that does not apply,
    413 for one that copies the object beyond all measure.
    """
    if len(operations) > MAX_OPERATIONS:
        text = f"a JSON patch may have {MAX_OPERATIONS} operations, not {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", text)
    try:
        return _an_object(_applied(copied(doc), copied_value(operations)))
    except jsonpatch.InvalidJsonPatch as failure:
        raise ApiError(400, "BadRequest", f"invalid JSON patch: {failure}") from failure
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as failure:
        why = _PYTHON_TYPE.sub("", str(failure))
        raise ApiError(422, "Invalid", f"the JSON patch does not apply: {why}") from failure


def _applied(doc: Object, operations: Sequence[Object]) -> Any:
    """Copies may each double the object, so that its size is looked at after each of them."""
    parts = jsonpatch.JsonPatch(operations)
    if not any(operation["op"] == "copy" for operation in parts):
        return parts.apply(doc, in_place=True)
    result: Any = doc
    for operation in parts:
        result = jsonpatch.JsonPatch([operation]).apply(result, in_place=True)
        if operation["op"] == "copy" and len(json.dumps(result)) > MAX_SIZE_BYTES:
            text = f"the JSON patch makes an object of more than {MAX_SIZE_BYTES} bytes"
            raise ApiError(413, "RequestEntityTooLarge", text)
    return result


def merge_patch(doc: Object, patch: Object) -> Object:
    """RFC 7396."""
    # The library changes its first argument and keeps parts of its second.
    return _an_object(json_merge_patch.merge(copied(doc), copied_value(patch)))


def _an_object(value: Any) -> Object:
    if not isinstance(value, dict):
        raise ApiError(400, "BadRequest", "the patch would leave no object behind")
    return value
