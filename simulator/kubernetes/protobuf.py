"""Protobuf bodies as kubectl sends them, decoded into the objects their JSON would give.

kubectl creates and evicts some built-in kinds in protobuf only, and takes no refusal for an answer.
A body is the four bytes ``k8s\\0`` and a ``runtime.Unknown`` message that names the kind
(apimachinery, pkg/runtime/serializer/protobuf).
"""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from simulator.clock import rfc3339
from simulator.kubernetes.protobuf_fields import MESSAGES
from simulator.kubernetes.status import ApiError, Object

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BITS = 64
_VERSIONS = {
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "ConfigMap": "v1",
    "CronJob": "batch/v1",
    "Deployment": "apps/v1",
    "Eviction": "policy/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Ingress": "networking.k8s.io/v1",
    "Job": "batch/v1",
    "Namespace": "v1",
    "Pod": "v1",
    "PodDisruptionBudget": "policy/v1",
    "PriorityClass": "scheduling.k8s.io/v1",
    "ResourceQuota": "v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "Secret": "v1",
    "SelfSubjectAccessReview": "authorization.k8s.io/v1",
    "SelfSubjectReview": "authentication.k8s.io/v1",
    "SelfSubjectRulesReview": "authorization.k8s.io/v1",
    "Service": "v1",
    "ServiceAccount": "v1",
    "TokenRequest": "authentication.k8s.io/v1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """``shape`` is "" for one value, ``[]`` for a list, ``{}`` for a map by string."""

    name: str
    type: str
    shape: str
    keeps_zero: bool


def decode(body: bytes) -> Object:
    """The object a request body holds.

    Raises ``ApiError``: 415 for a kind, version or field this simulator has no number for; 400 for
    a body that is no well-formed protobuf.
    """
    if not body.startswith(_MAGIC):
        raise _malformed("it does not begin with the bytes k8s\\0")
    try:
        return _object(body[len(_MAGIC) :])
    except UnicodeDecodeError as failure:
        raise _malformed("text is not UTF-8") from failure


def _object(unknown: bytes) -> Object:
    envelope = dict(_fields_in(unknown))
    type_meta = dict(_fields_in(_length_delimited(envelope.get(1, b""))))
    api_version, kind = (_length_delimited(type_meta.get(n, b"")).decode() for n in (1, 2))
    if kind != "DeleteOptions" and _VERSIONS.get(kind) != api_version:
        known = ", ".join(sorted(_VERSIONS))
        raise _unsupported(f"{kind} of {api_version}; send JSON, or one of these kinds: {known}")
    content = _message(kind, _length_delimited(envelope.get(2, b"")))
    return {"apiVersion": api_version, "kind": kind, **content}


def _unsupported(what: str) -> ApiError:
    text = f"this simulated API server cannot read the protobuf form of {what}"
    return ApiError(415, "UnsupportedMediaType", text)


def _malformed(why: str) -> ApiError:
    return ApiError(400, "BadRequest", f"the body is no Kubernetes protobuf: {why}")


@cache
def _tables() -> dict[str, dict[int, _Field]]:
    paragraphs = re.findall(r"^(\w+):((?:[^\n]|\n )*)$", MESSAGES, re.MULTILINE)
    return {name: dict(map(_field, text.split(","))) for name, text in paragraphs}


def _field(text: str) -> tuple[int, _Field]:
    parsed = re.fullmatch(r"\s*(\d+)\s+([\w.]+)(?::(\[\]|\{\})?(\w+))?(\?)?\s*", text)
    if parsed is None:
        raise ValueError(f"malformed entry {text!r} in the table of protobuf fields")
    number, name, shape, type_, optional = parsed.groups()
    field = _Field(
        name=name, type=type_ or "string", shape=shape or "", keeps_zero=optional is not None
    )
    return int(number), field


def _fields_in(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and raw value of each field on the wire (protobuf.dev, "Encoding")."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, position = _varint(data, position)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire_type, -1)
        if size < 0 or position + size > len(data):
            raise _malformed(f"field {number} does not end within the message")
        yield number, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < _MAX_VARINT_BITS and position < len(data):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position
        shift += 7
    raise _malformed("a number does not end")


def _length_delimited(value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    raise _malformed("a number stands where a message or text is due")


def _message(name: str, data: bytes) -> Object:
    table = _tables()[name]
    obj: Object = {}
    for number, raw in _fields_in(data):
        field = table.get(number)
        if field is None:
            raise _unsupported(f"field {number} of {name}; send JSON")
        _put(obj, field, raw)
    return obj


def _put(obj: Object, field: _Field, raw: int | bytes) -> None:
    if field.shape == "{}":
        key, value = _entry(field, _length_delimited(raw))
        obj.setdefault(field.name, {})[key] = value
        return
    value = _value(field.type, raw)
    if field.shape == "[]":
        obj.setdefault(field.name, []).append(value)
    elif field.name == ".":
        obj.update(value)
    elif field.type != "Ignored" and (value or field.keeps_zero) and value is not None:
        obj[field.name] = value


def _entry(field: _Field, data: bytes) -> tuple[str, Any]:
    entry = dict(_fields_in(data))
    key = _length_delimited(entry.get(1, b"")).decode()
    return key, _value(field.type, entry.get(2, b""))


def _value(type_: str, raw: int | bytes) -> Any:
    if type_ in _NUMBERS:
        if not isinstance(raw, int):
            raise _malformed("text stands where a number is due")
        return _NUMBERS[type_](raw)
    convert = _SCALARS.get(type_)
    data = _length_delimited(raw)
    return _message(type_, data) if convert is None else convert(data)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _time(data: bytes) -> str | None:
    """metav1.Time; a zero time has no fields, and no JSON either."""
    parts = dict(_fields_in(data))
    seconds = parts.get(1)
    if not isinstance(seconds, int):
        return None
    try:
        return rfc3339(datetime.fromtimestamp(_signed(seconds), UTC))
    except (OverflowError, ValueError) as failure:
        raise _malformed(f"{seconds} seconds lie outside the calendar") from failure


def _int_or_string(data: bytes) -> int | str:
    parts = dict(_fields_in(data))
    if parts.get(1):
        return _length_delimited(parts.get(3, b"")).decode()
    number = parts.get(2, 0)
    return _signed(number) if isinstance(number, int) else 0


def _quantity(data: bytes) -> str:
    return _length_delimited(dict(_fields_in(data)).get(1, b"")).decode()


_NUMBERS: dict[str, Callable[[int], Any]] = {"int": _signed, "bool": bool}
_SCALARS: dict[str, Callable[[bytes], Any]] = {
    "string": bytes.decode,
    "bytes": lambda data: base64.b64encode(data).decode(),
    "Time": _time,
    "IntOrString": _int_or_string,
    "Quantity": _quantity,
    "Ignored": lambda _: None,
}
