"""Which old value an updated value replaces, so that an update can be judged by what it changes."""

from typing import Any

from simulator.kubernetes.status import Object

ABSENT: Any = object()


def old_field(old: Any, name: str) -> Any:
    return old.get(name, ABSENT) if isinstance(old, dict) else ABSENT


def old_item(schema: Object, item: Any, old: Any) -> Any:
    """The item of the list ``old`` that ``item`` replaces; only lists of type map can tell."""
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return ABSENT
    key = map_key(schema, item)
    return next((other for other in old if map_key(schema, other) == key), ABSENT)


def map_key(schema: Object, item: Any) -> Object:
    """The fields of an item that name it within its list of type map."""
    if not isinstance(item, dict):
        return {}
    keys = schema.get("x-kubernetes-list-map-keys", [])
    return {key: item[key] for key in keys if key in item}
