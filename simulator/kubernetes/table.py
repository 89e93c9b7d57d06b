"""Objects as rows of a meta.k8s.io/v1 Table, which is what ``kubectl get`` prints."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.kubernetes import json_path
from simulator.kubernetes.built_in_columns import AGE, COLUMNS, NAME, Column
from simulator.kubernetes.durations import age
from simulator.kubernetes.json_values import encode
from simulator.kubernetes.resources import CustomColumn, Resource
from simulator.kubernetes.status import Object

_DESCRIPTION = {
    "Name": "Name must be unique within a namespace.",
    "Age": "CreationTimestamp is a timestamp representing the server time when this object was "
    "created.",
}


def columns_of(resource: Resource) -> tuple[Column, ...]:
    if resource.columns:
        return (NAME, *(_custom(column) for column in resource.columns))
    return COLUMNS.get(resource.collection, (NAME, AGE))


def _custom(column: CustomColumn) -> Column:
    return Column(
        name=column.name,
        type=column.type,
        format=column.format,
        priority=column.priority,
        cell=lambda obj, now: _custom_cell(column, obj, now),
    )


def _custom_cell(column: CustomColumn, obj: Object, now: datetime) -> Any:
    found = json_path.find(column.json_path, obj)
    if not found:
        return None
    match column.type:
        case "date":
            return age(found[0], now)
        case "integer":
            return int(found[0]) if isinstance(found[0], int | float) else None
        case "number":
            return found[0] if isinstance(found[0], int | float) else None
        case "boolean":
            return found[0] if isinstance(found[0], bool) else None
        case _:
            return _as_text(found[0])


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else encode(value).decode()


def definitions(resource: Resource) -> list[Object]:
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": _DESCRIPTION.get(column.name, ""),
            "priority": column.priority,
        }
        for column in columns_of(resource)
    ]


def row(resource: Resource, obj: Object, now: datetime, *, include: str = "Metadata") -> Object:
    """``obj`` as ``resource`` shows it. ``include`` is the request's ``includeObject``."""
    cells = [column.cell(obj, now) for column in columns_of(resource)]
    made: Object = {"cells": cells}
    if include == "Object":
        made["object"] = obj
    elif include != "None":
        made["object"] = partial_metadata(obj)
    return made


def partial_metadata(obj: Object) -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


def table(
    columns: list[Object], rows: Iterable[Object], metadata: Object, *, version: str = "v1"
) -> Object:
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": list(rows),
    }
