"""The keywords of structural schemas, each a small check.

Wording follows what kube-apiserver answers, so that people find the same text in the same place.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

from simulator.kubernetes.field_errors import (
    duplicate,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
    wrong_type,
)
from simulator.kubernetes.patterns import compiled
from simulator.kubernetes.schema_correlation import ABSENT, map_key, old_field, old_item
from simulator.kubernetes.schema_formats import matches_format
from simulator.kubernetes.status import Cause, Object

Check = Callable[[Any, Any, str, Object], Iterator[Cause]]
_JSON_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def violations(schema: Object, value: Any, old: Any = None, path: str = "") -> list[Cause]:
    """What the schema's keywords hold against ``value``, and not already against ``old``."""
    causes: list[Cause] = []
    _collect(schema, value, ABSENT if old is None else old, path, causes)
    return causes


def _collect(schema: Object, value: Any, old: Any, path: str, causes: list[Cause]) -> None:
    if old is not ABSENT and value == old:
        return
    mismatch = _type_mismatch(schema, value)
    if mismatch:
        causes.append(wrong_type(path, mismatch, _JSON_TYPES[type(value)]))
    elif value is not None:
        for keyword in schema:
            if keyword in _CHECKS:
                causes.extend(_CHECKS[keyword](schema[keyword], value, path, schema))
        if isinstance(value, dict):
            _collect_fields(schema, value, old, path, causes)
        elif isinstance(value, list):
            _collect_items(schema, value, old, path, causes)


def _collect_fields(
    schema: Object, value: Object, old: Any, path: str, causes: list[Cause]
) -> None:
    properties = schema.get("properties", {})
    additional = schema.get("additionalProperties")
    for name, item in value.items():
        child = properties.get(name, additional)
        if isinstance(child, dict):
            child_path = f"{path}.{name}" if path else name
            _collect(child, item, old_field(old, name), child_path, causes)


def _collect_items(
    schema: Object, value: list[Any], old: Any, path: str, causes: list[Cause]
) -> None:
    items = schema.get("items")
    if isinstance(items, dict):
        for index, item in enumerate(value):
            _collect(items, item, old_item(schema, item, old), f"{path}[{index}]", causes)


def _type_mismatch(schema: Object, value: Any) -> str:
    """The type the schema asks for, where the value has another."""
    wanted: str = schema.get("type", "")
    actual = _JSON_TYPES[type(value)]
    if wanted == actual:
        return ""
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        wanted = "" if actual in {"integer", "string"} else "integer,string"
    nullable = actual == "null" and schema.get("nullable")
    if not wanted or nullable or (wanted == "number" and actual == "integer"):
        return ""
    if wanted == "integer" and actual == "number" and math.isfinite(value) and value % 1 == 0:
        return ""
    return wanted


def _minimum(bound: Any, value: Any, path: str, schema: Object) -> Iterator[Cause]:
    if not _is_number(value):
        return
    if schema.get("exclusiveMinimum"):
        if value <= bound:
            yield invalid(path, value, f"{path} in body should be greater than {bound}")
    elif value < bound:
        yield invalid(path, value, f"{path} in body should be greater than or equal to {bound}")


def _maximum(bound: Any, value: Any, path: str, schema: Object) -> Iterator[Cause]:
    if not _is_number(value):
        return
    if schema.get("exclusiveMaximum"):
        if value >= bound:
            yield invalid(path, value, f"{path} in body should be less than {bound}")
    elif value > bound:
        yield invalid(path, value, f"{path} in body should be less than or equal to {bound}")


def _multiple_of(factor: Any, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if _is_number(value) and not math.isclose(value / factor, round(value / factor), abs_tol=1e-9):
        yield invalid(path, value, f"{path} in body should be a multiple of {factor}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _min_length(bound: int, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, str) and len(value) < bound:
        yield invalid(path, value, f"{path} in body should be at least {bound} chars long")


def _max_length(bound: int, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, str) and len(value) > bound:
        yield too_long(path, bound)


def _pattern(pattern: str, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, str) and not compiled(pattern).search(value):
        yield invalid(path, value, f"{path} in body should match '{pattern}'")


def _format(name: str, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, str | int | float) and not matches_format(name, value):
        text = f"{path} in body must be of type {name}: {invalid('', value, '').message[15:-2]}"
        yield invalid(path, value, text)


def _enum(allowed: list[Any], value: Any, path: str, _: Object) -> Iterator[Cause]:
    if value not in allowed:
        yield not_supported(path, value, allowed)


def _required(names: list[str], value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, dict):
        for name in names:
            if name not in value:
                yield required(f"{path}.{name}" if path else name)


def _min_items(bound: int, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, list) and len(value) < bound:
        yield invalid(path, len(value), f"{path} in body should have at least {bound} items")


def _max_items(bound: int, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, list) and len(value) > bound:
        yield too_many(path, len(value), bound)


def _min_properties(bound: int, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, dict) and len(value) < bound:
        yield invalid(path, len(value), f"{path} in body should have at least {bound} properties")


def _max_properties(bound: int, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if isinstance(value, dict) and len(value) > bound:
        yield too_many(path, len(value), bound)


def _unique_items(wanted: bool, value: Any, path: str, _: Object) -> Iterator[Cause]:  # noqa: FBT001 - the keyword's value
    if wanted and isinstance(value, list):
        yield from _repeated(value, path)


def _list_type(kind: str, value: Any, path: str, schema: Object) -> Iterator[Cause]:
    if not isinstance(value, list):
        return
    if kind == "set":
        yield from _repeated(value, path)
    elif kind == "map":
        yield from _repeated([map_key(schema, item) for item in value], path)


def _repeated(values: list[Any], path: str) -> Iterator[Cause]:
    seen = set()
    for index, value in enumerate(values):
        identity = repr(_canonical(value))
        if identity in seen:
            yield duplicate(f"{path}[{index}]", value)
        seen.add(identity)


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _canonical(item)) for key, item in value.items())
    return [_canonical(item) for item in value] if isinstance(value, list) else value


def _embedded_resource(embedded: bool, value: Any, path: str, _: Object) -> Iterator[Cause]:  # noqa: FBT001 - the keyword's value
    if embedded and isinstance(value, dict):
        for name in ("apiVersion", "kind"):
            if not value.get(name):
                yield required(f"{path}.{name}", "must not be empty")


def _all_of(branches: list[Object], value: Any, path: str, _: Object) -> Iterator[Cause]:
    for branch in branches:
        yield from violations(branch, value, path=path)


def _any_of(branches: list[Object], value: Any, path: str, _: Object) -> Iterator[Cause]:
    verdicts = [violations(branch, value, path=path) for branch in branches]
    if all(verdicts):
        yield invalid(path, "", f'"{path}" must validate at least one schema (anyOf)')
        yield from min(verdicts, key=len)


def _one_of(branches: list[Object], value: Any, path: str, _: Object) -> Iterator[Cause]:
    verdicts = [violations(branch, value, path=path) for branch in branches]
    valid = sum(not verdict for verdict in verdicts)
    if valid == 1:
        return
    found = f"Found {valid} valid alternatives" if valid else "Found none valid"
    text = f'"{path}" must validate one and only one schema (oneOf). {found}'
    yield invalid(path, "", text)
    if not valid:
        yield from min(verdicts, key=len)


def _not(branch: Object, value: Any, path: str, _: Object) -> Iterator[Cause]:
    if not violations(branch, value, path=path):
        yield invalid(path, "", f'"{path}" must not validate the schema (not)')


_CHECKS: dict[str, Check] = {
    "minimum": _minimum,
    "maximum": _maximum,
    "multipleOf": _multiple_of,
    "minLength": _min_length,
    "maxLength": _max_length,
    "pattern": _pattern,
    "format": _format,
    "enum": _enum,
    "required": _required,
    "minItems": _min_items,
    "maxItems": _max_items,
    "minProperties": _min_properties,
    "maxProperties": _max_properties,
    "uniqueItems": _unique_items,
    "x-kubernetes-embedded-resource": _embedded_resource,
    "x-kubernetes-list-type": _list_type,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
}
