"""Causes as apimachinery words them (its package pkg/util/validation/field).

A field of "" is the object itself, which Kubernetes writes ``<nil>``.
"""

import json
from collections.abc import Iterable
from typing import Any

from simulator.kubernetes.status import Cause


def quoted(value: Any) -> str:
    """A value as it stands in messages."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def invalid(field: str, value: Any, detail: str) -> Cause:
    return _cause("FieldValueInvalid", field, f"Invalid value: {quoted(value)}: {detail}")


def invalid_whole(field: str, detail: str, reason: str = "FieldValueInvalid") -> Cause:
    """For objects and lists, whose value would drown the message."""
    return _cause(reason, field, f"Invalid value: {detail}")


def wrong_type(field: str, wanted: str, actual: str) -> Cause:
    text = f'Invalid value: "{actual}": {field} in body must be of type {wanted}: "{actual}"'
    return _cause("FieldValueTypeInvalid", field, text)


def required(field: str, detail: str = "") -> Cause:
    return _cause("FieldValueRequired", field, f"Required value: {detail}".removesuffix(": "))


def not_supported(field: str, value: Any, allowed: Iterable[Any]) -> Cause:
    known = ", ".join(quoted(item) for item in allowed)
    text = f"Unsupported value: {quoted(value)}: supported values: {known}"
    return _cause("FieldValueNotSupported", field, text)


def duplicate(field: str, value: Any) -> Cause:
    return _cause("FieldValueDuplicate", field, f"Duplicate value: {quoted(value)}")


def too_long(field: str, limit: int) -> Cause:
    return _cause("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, actual: int, limit: int) -> Cause:
    text = f"Too many: {actual}: must have at most {limit} items"
    return _cause("FieldValueTooMany", field, text)


def forbidden(field: str, detail: str) -> Cause:
    return _cause("FieldValueForbidden", field, f"Forbidden: {detail}")


def _cause(reason: str, field: str, message: str) -> Cause:
    return Cause(reason=reason, message=message, field=field or "<nil>")
