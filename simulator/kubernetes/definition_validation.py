"""Checks of CustomResourceDefinitions: those of apiextensions that people trip over."""

from collections.abc import Iterator
from typing import Any

from simulator.kubernetes import field_errors, json_path, schema_check
from simulator.kubernetes.names import NameRule, name_problems
from simulator.kubernetes.status import Cause, Object

_SCOPES = ("Cluster", "Namespaced")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")


def problems(definition: Object, live: Object | None) -> Iterator[Cause]:
    spec = definition.get("spec") or {}
    names = spec.get("names") or {}
    for path, value in (
        ("spec.group", spec.get("group")),
        ("spec.names.plural", names.get("plural")),
        ("spec.names.kind", names.get("kind")),
    ):
        if not value:
            yield field_errors.required(path)
    yield from _names(definition, spec, names)
    if spec.get("scope") not in _SCOPES:
        yield field_errors.not_supported("spec.scope", spec.get("scope", ""), _SCOPES)
    yield from _versions(spec.get("versions") or [])
    if live is not None:
        for field in ("group", "scope"):
            if live["spec"].get(field) != spec.get(field):
                detail = "field is immutable"
                yield field_errors.invalid(f"spec.{field}", spec.get(field), detail)


def _names(definition: Object, spec: Object, names: Object) -> Iterator[Cause]:
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    name = definition["metadata"].get("name")
    if name != wanted:
        detail = 'must be spec.names.plural+"."+spec.group'
        yield field_errors.invalid("metadata.name", name, detail)
    for field in ("plural", "singular"):
        if names.get(field):
            for problem in name_problems(names[field], NameRule.DNS_1035_LABEL):
                yield field_errors.invalid(f"spec.names.{field}", names[field], problem)


def _versions(versions: list[Object]) -> Iterator[Cause]:
    stored = [version for version in versions if version.get("storage")]
    if len(stored) != 1:
        detail = "must have exactly one version marked as storage version"
        yield field_errors.invalid_whole("spec.versions", detail)
    seen = set()
    for index, version in enumerate(versions):
        at = f"spec.versions[{index}]"
        if not version.get("name"):
            yield field_errors.required(f"{at}.name")
        elif version["name"] in seen:
            yield field_errors.duplicate(f"{at}.name", version["name"])
        seen.add(version.get("name"))
        yield from _schema((version.get("schema") or {}).get("openAPIV3Schema"), at)
        yield from _columns(version.get("additionalPrinterColumns") or (), at)


def _schema(schema: Any, at: str) -> Iterator[Cause]:
    path = f"{at}.schema.openAPIV3Schema"
    if isinstance(schema, dict):
        yield from schema_check.violations(schema, path)
    else:
        yield field_errors.required(path, "schemas are required")


def _columns(columns: Any, at: str) -> Iterator[Cause]:
    for index, column in enumerate(columns):
        here = f"{at}.additionalPrinterColumns[{index}]"
        if column.get("type") not in _COLUMN_TYPES:
            yield field_errors.not_supported(f"{here}.type", column.get("type", ""), _COLUMN_TYPES)
        path = column.get("jsonPath", "")
        if not path.startswith(".") or not json_path.is_valid(path):
            yield field_errors.invalid(f"{here}.jsonPath", path, "must be a simple json path")
