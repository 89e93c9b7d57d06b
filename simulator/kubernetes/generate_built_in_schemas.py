"""Writes ``built_in_schemas.json`` anew; run it with ``python -m``.

The official Python client is generated from Kubernetes' own OpenAPI document, so its models carry
every field of every kind with type and description. Reading them takes seconds, which a server
can't wait for: hence the file.
"""

import json
import re
from pathlib import Path
from typing import Any

from simulator.kubernetes.built_in_resources import BUILT_IN
from simulator.kubernetes.built_in_schemas import FILE

_INT_OR_STRING = frozenset({"maxSurge", "maxUnavailable", "minAvailable", "port", "targetPort"})
_QUANTITIES = frozenset(
    {
        "allocatable", "allocatedResources", "capacity", "default", "defaultRequest", "divisor",
        "hard", "limits", "max", "maxLimitRequestRatio", "min", "minResources", "overhead",
        "requests", "sizeLimit", "used",
    }
)  # fmt: skip
_SCALARS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "bytes": {"type": "string", "format": "byte"},
    "datetime": {"type": "string", "format": "date-time"},
}


def generate() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for resource in BUILT_IN:
        _visit(_model(resource.group, resource.version, resource.kind), schemas)
    return dict(sorted(schemas.items()))


def _model(group: str, version: str, kind: str) -> str:
    """The client's name of a kind: two Events exist, so those carry their group."""
    if kind == "Event":
        return "CoreV1Event" if group == "" else "EventsV1Event"
    return f"{version.capitalize()}{kind}"


def text(schemas: dict[str, Any]) -> str:
    """One schema a line: small, and readable in a diff."""
    lines = (f"{json.dumps(name)}:{_compact(schema)}" for name, schema in schemas.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _component(model: str) -> str:
    """``v1.Container`` for ``V1Container``: kubectl prints what follows the last dot."""
    parts = re.fullmatch(r"(.*?)(V\d+(?:(?:alpha|beta)\d+)?)(.+)", model)
    if parts is None:
        return model
    return ".".join(part for part in (parts[1].lower(), parts[2].lower(), parts[3]) if part)


def _visit(name: str, schemas: dict[str, Any]) -> None:
    from kubernetes.client import models  # noqa: PLC0415 - takes a second, and only this needs it

    component = _component(name)
    if component in schemas:
        return
    model = getattr(models, name)
    by_alias = {
        field.serialization_alias or field.alias or key: field
        for key, field in model.model_fields.items()
    }
    properties: dict[str, Any] = {}
    schemas[component] = {
        "type": "object",
        "description": _summary(model),
        "properties": properties,
    }
    required = []
    for key, type_text in model.openapi_types.items():
        json_name = model.attribute_map[key]
        field = by_alias[json_name]
        properties[json_name] = _typed(type_text, json_name, schemas)
        if field.description:
            properties[json_name]["description"] = field.description
        if field.is_required():
            required.append(json_name)
    if required:
        schemas[component]["required"] = required


def _summary(model: Any) -> str:
    return str(model.__doc__ or "").partition("Attributes:")[0].strip()


def _typed(type_text: str, json_name: str, schemas: dict[str, Any]) -> dict[str, Any]:
    if type_text in _SCALARS or type_text == "object":
        return _scalar(type_text, json_name)
    if found := re.fullmatch(r"List\[(.*)\]", type_text):
        return {"type": "array", "items": _typed(found[1], json_name, schemas)}
    if found := re.fullmatch(r"Dict\[str, (.*)\]", type_text):
        return {"type": "object", "additionalProperties": _typed(found[1], json_name, schemas)}
    _visit(type_text, schemas)
    return {"allOf": [{"$ref": f"#/components/schemas/{_component(type_text)}"}]}


def _scalar(type_text: str, json_name: str) -> dict[str, Any]:
    if type_text == "str" and json_name in _QUANTITIES:
        return {"type": "string", "format": "quantity"}
    if type_text != "object":
        return dict(_SCALARS[type_text])
    if json_name in _INT_OR_STRING:
        return {"x-kubernetes-int-or-string": True}
    return {"x-kubernetes-preserve-unknown-fields": True}


def main(target: Path = FILE) -> None:
    target.write_text(text(generate()))


if __name__ == "__main__":
    main()
