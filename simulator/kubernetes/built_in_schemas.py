"""The fields of built-in kinds, from ``built_in_schemas.json``.

The file is generated (``generate_built_in_schemas.py``); descriptions and types are those of the
Kubernetes 1.37 API (Apache-2.0), as the official Python client carries them.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from simulator.kubernetes.json_values import decode
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import Object

FILE = Path(__file__).with_name("built_in_schemas.json")
_PREFIX = "#/components/schemas/"


def component_name(resource: Resource) -> str:
    """The kind's name in the file: two Events exist, so those carry their group."""
    name = f"{resource.version}.{resource.kind}"
    if resource.kind == "Event":
        return f"{resource.group.partition('.')[0] or 'core'}.{name}"
    return name


class BuiltInSchemas:
    def __init__(self, schemas: Mapping[str, Object]) -> None:
        self._schemas = schemas

    @classmethod
    @lru_cache(maxsize=1)
    def load(cls) -> Self:
        return cls(decode(FILE.read_bytes()))

    def of_resource(self, resource: Resource) -> tuple[str, Mapping[str, Object]] | None:
        """The kind's name and all schemas it refers to, itself included."""
        name = component_name(resource)
        return (name, self.closure(name)) if name in self._schemas else None

    def closure(self, name: str) -> dict[str, Object]:
        found: dict[str, Object] = {}
        waiting = [name]
        while waiting:
            current = waiting.pop()
            if current not in found:
                found[current] = self._schemas[current]
                waiting += _references(self._schemas[current])
        return found

    @staticmethod
    def reference(name: str) -> Object:
        return {"allOf": [{"$ref": f"{_PREFIX}{name}"}]}

    def problems(self, resource: Resource, obj: Object) -> "FieldProblems":
        """Fields that the kind does not know, and values of the wrong type."""
        name = component_name(resource)
        found = FieldProblems()
        if name in self._schemas:
            self._compare(self._schemas[name], obj, "", found)
        return found

    def metadata_problems(self, obj: Object) -> "FieldProblems":
        """Wrong types in the metadata of an object of any kind; unknown fields are not counted."""
        found = FieldProblems()
        self._compare(self._schemas["v1.ObjectMeta"], obj["metadata"], "metadata", found)
        found.unknown.clear()
        return found

    def _compare(self, schema: Object, value: Any, path: str, found: "FieldProblems") -> None:
        if "allOf" in schema:
            schema = self._schemas[schema["allOf"][0]["$ref"].removeprefix(_PREFIX)]
        if value is None or "type" not in schema:
            return
        if not _has_type(schema, value):
            found.mistyped.append(_mistyped(path, value, schema["type"]))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._compare(schema["items"], item, f"{path}[{index}]", found)
        elif isinstance(value, dict):
            self._compare_fields(schema, value, path, found)

    def _compare_fields(
        self, schema: Object, value: Object, path: str, found: "FieldProblems"
    ) -> None:
        properties, other = schema.get("properties"), schema.get("additionalProperties")
        for key, item in value.items():
            here = f"{path}.{key}" if path else key
            if properties is not None and key in properties:
                self._compare(properties[key], item, here, found)
            elif other is not None:
                self._compare(other, item, here, found)
            elif properties:
                found.unknown.append(here)


class FieldProblems:
    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.mistyped: list[str] = []


_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "quantity": (str, int, float),
    "string": (str,),
}


def _has_type(schema: Object, value: Any) -> bool:
    wanted = "quantity" if schema.get("format") == "quantity" else schema["type"]
    return isinstance(value, _PYTHON_TYPES[wanted]) and (
        wanted == "boolean" or not isinstance(value, bool)
    )


def _mistyped(path: str, value: Any, wanted: str) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "bool"}
    actual = names.get(type(value), "number")
    return f"json: cannot unmarshal {actual} into field {path} of type {wanted}"


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.removeprefix(_PREFIX)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)
